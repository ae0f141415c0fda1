"""A Liberty file as the tree of groups that it is; the only file that knows the library which parses it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liberty.parser import EscapedString, ExceptionWithLineNum, LibertyParser, WithUnit
from liberty.tokenized import UnexpectedEndOfFile, UnexpectedToken

from econ_ae.errors import LibertyError

_NUMBERS = re.compile(r"[^\s,\\]+")
_GZIP = b"\x1f\x8b"
_PATIENCE = 1000  # reads past the end; a whole file needs a few
_EXPECTED = "expected library (NAME) { cell ... }"


@dataclass(frozen=True)
class Group:
    """One group ``kind (names) { ... }``.

    Parameters
    ----------
    kind : ``library``, ``cell``, ``pin``, ``internal_power``, ...
    names : what stands in the parentheses
    simple : values of ``name : value ;`` without quotes; the last one where a name is repeated
    complex : values of every ``name (value, value, ...) ;`` by name
    groups : the groups inside, in order
    """

    kind: str
    names: tuple[str, ...]
    simple: dict[str, str] = field(default_factory=dict)
    complex: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()

    def of(self, *kinds: str) -> Iterator[Group]:
        """Return the groups inside of these kinds."""
        return (group for group in self.groups if group.kind in kinds)

    def number(self, name: str, default: str = "") -> float:
        """Return the number of ``name : value ;``; LibertyError when it is none."""
        return self._number(name, self.simple.get(name, default))

    def numbers(self, name: str) -> list[float]:
        """Return those of ``name ("1, 2", "3, 4") ;``, none without it; LibertyError when one is no number."""
        values = self.complex.get(name, [])[-1:]
        return [self._number(name, x) for texts in values for text in texts for x in _NUMBERS.findall(text)]

    def _number(self, name: str, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise LibertyError(f"{self.kind} {self.name!r}: {name} is {text!r}; expected a number") from None

    @property
    def name(self) -> str:
        """What stands first in the parentheses, or nothing."""
        return self.names[0] if self.names else ""


def cells(library: Group, used: Iterable[str]) -> dict[str, Group]:
    """Return the cells that a netlist uses, by name, sorted.

    Raises
    ------
    LibertyError
        When one is not in the library.
    """
    groups = {group.name: group for group in library.of("cell")}
    wanted = sorted(set(used))
    unknown = [name for name in wanted if name not in groups]
    if unknown:
        raise LibertyError(
            f"cell {unknown[0]!r} of the netlist is not in the library {library.name!r}; "
            "give the Liberty file that the netlist was mapped to"
        )
    return {name: groups[name] for name in wanted}


def unpacked(path: Path, folder: Path) -> Path:
    """Return a Liberty file that is plain text: the file itself, or one in the folder when it is compressed.

    Raises
    ------
    LibertyError
        When it does not exist or cannot be unpacked.
    """
    raw, content = _contents(path)
    if content is raw:
        return path
    plain = folder / path.name.removesuffix(".gz")
    folder.mkdir(parents=True, exist_ok=True)
    plain.write_bytes(content)
    return plain


def read(path: Path) -> Group:
    """Return the ``library`` group of a Liberty file, plain or gzip.

    Raises
    ------
    LibertyError
        When the file does not exist, cannot be unpacked, or is no Liberty file.
    """
    return parse(_contents(path)[1].decode("utf-8", errors="replace"), str(path))


def parse(text: str, where: str) -> Group:
    """Return the ``library`` group of a text; LibertyError with ``where`` and the line when it is malformed."""
    try:
        groups = LibertyParser().read_liberty_chars(_Characters(text))
    except ExceptionWithLineNum as problem:
        line = min(problem.line_num, text.count("\n")) + 1
        raise LibertyError(f"{where} is no Liberty file: line {line}: {_what(problem.e)}; {_EXPECTED}") from problem
    if len(groups) > 1 or groups[0].group_name != "library":
        found = ", ".join(repr(group.group_name) for group in groups)
        raise LibertyError(f"{where} holds {found}; {_EXPECTED}")
    return _group(groups[0])


class _Characters(Iterator[str]):
    """Those of a text; where it ends inside an expression, the parser would read on for ever, and is stopped."""

    def __init__(self, text: str) -> None:
        self._next = iter(text).__next__
        self._past = 0

    def __next__(self) -> str:
        try:
            return self._next()
        except StopIteration:
            self._past += 1
            if self._past > _PATIENCE:
                raise UnexpectedEndOfFile from None
            raise


def _contents(path: Path) -> tuple[bytes, bytes]:
    """Return a file as it is and unpacked; the same object when it is not compressed."""
    if not path.is_file():
        raise LibertyError(f"{path} does not exist; expected a Liberty file (.lib or .lib.gz)")
    try:
        raw = path.read_bytes()
        return raw, gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except PermissionError as problem:
        raise LibertyError(f"{path} cannot be read: {problem.strerror}; expected a file that may be read") from problem
    except (OSError, EOFError, zlib.error) as problem:
        raise LibertyError(f"{path} cannot be unpacked: {problem}; is the download complete?") from problem


def _what(problem: Exception) -> str:
    """Return what the parser stumbled over, in words."""
    if isinstance(problem, UnexpectedToken) and problem.actual:
        return f"{''.join(problem.actual)[:40]!r} at the place of {''.join(problem.expected)}"
    if isinstance(problem, UnexpectedToken | UnexpectedEndOfFile):
        return "a ; or the end is missing"
    return "an attribute outside of the library" if isinstance(problem, IndexError) else "it cannot be parsed"


def _group(parsed: Any) -> Group:
    """Return one of our groups; the parser's own allow an attribute only once and hold values of six types."""
    simple, lists = dict[str, str](), dict[str, list[tuple[str, ...]]]()
    for attribute in parsed.attributes:
        if isinstance(attribute.value, list):
            lists.setdefault(attribute.name, []).append(tuple(map(_word, attribute.value)))
        else:
            simple[attribute.name] = _word(attribute.value)
    return Group(
        parsed.group_name,
        tuple(map(_word, parsed.args)),
        simple,
        lists,
        tuple(_group(inner) for inner in parsed.groups),
    )


def _word(value: Any) -> str:
    """Return a value as text without quotes: a word, a quoted string, a number, one with a unit, an expression."""
    if isinstance(value, EscapedString):
        return str(value.value)
    if isinstance(value, WithUnit):
        return f"{value.value:.15g}{value.unit}"
    return str(value).strip('"')
