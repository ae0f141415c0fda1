"""What every simulation and proof found: one family of frozen dataclasses, with one ``passed`` and one JSON form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from econ_ae.files import write_text


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all results have in common; a suite that has more to say extends it.

    Parameters
    ----------
    events : what was compared: events, or comparisons of registers, triplicated bits, points of a proof
    mismatches : everything that was wrong
    first_mismatch : the first of it in words
    seconds : wall time of everything, builds included
    """

    events: int
    mismatches: int
    first_mismatch: str | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return self.mismatches == 0

    def facts(self) -> dict[str, object]:
        """Return every field and ``passed`` by name; paths by file name, so that the directory can be moved."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        named = {name: value.name if isinstance(value, Path) else value for name, value in values.items()}
        return named | {"passed": self.passed}

    def to_json(self) -> str:
        """Return the facts as JSON."""
        return json.dumps(self.facts(), indent=2) + "\n"

    def saved(self, path: Path) -> Self:
        """Write ``to_json`` to a file, and return the outcome."""
        write_text(path, self.to_json())
        return self


def first(problems: Sequence[str]) -> str | None:
    """Return the first of the problems, None without any."""
    return problems[0] if problems else None
