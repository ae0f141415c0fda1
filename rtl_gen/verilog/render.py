"""Templates and static primitives of the Verilog generator."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

_HERE = Path(__file__).parent


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["hex16"] = "16'h{:04X}".format
    return environment


def render(template: str, **values: object) -> str:
    """Return the text of ``templates/<template>.v.j2``; a value that the template misses is an error."""
    return _environment().get_template(f"{template}.v.j2").render(**values)


def primitive(name: str) -> str:
    """Return the text of the static module ``primitives/<name>.v``."""
    return (_HERE / "primitives" / f"{name}.v").read_text(encoding="ascii")
