"""Templates and static primitives of the Verilog generator."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2

from econ_ae.texts import environment

_HERE = Path(__file__).parent
_LOCALPARAM = re.compile(r"^    localparam (?:signed )?(?:\[[^\]]*\] )?(\w+) = [^;]*;[^\n]*\n", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")


@cache
def _environment() -> jinja2.Environment:
    templates = environment(_HERE / "templates")
    templates.filters["hex16"] = "16'h{:04X}".format
    templates.filters["range"] = bit_range
    return templates


def bit_range(width: int) -> str:
    """Return the range of a bus of so many bits: ``[7:0]`` for 8."""
    return f"[{width - 1}:0]"


def render(template: str, **values: object) -> str:
    """Return the text of ``templates/<template>.v.j2``; a value that the template misses is an error.

    A width that a module of this shape does not read (linters complain) is left out.
    """
    return _without_unread(_environment().get_template(f"{template}.v.j2").render(**values))


def _without_unread(text: str) -> str:
    for constant in reversed(list(_LOCALPARAM.finditer(text))):
        name = re.compile(rf"^[^/\n]*\b{constant[1]}\b", re.MULTILINE)
        if not (name.search(text, 0, constant.start()) or name.search(text, constant.end())):
            text = text[: constant.start()] + text[constant.end() :]
    return _BLANKS.sub("\n\n", text)


def primitive(name: str) -> str:
    """Return the text of the static module ``primitives/<name>.v``."""
    return (_HERE / "primitives" / f"{name}.v").read_text(encoding="ascii")
