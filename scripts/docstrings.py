"""How the site reads our docstrings: `name : what it is` describes a parameter, its type is in the signature."""

from __future__ import annotations

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^(Parameters|Attributes)\n-+\n((?:.+\n?|\n(?=\S.* : ))+)", re.MULTILINE)
_ITEM = re.compile(r"^(\*{0,2}\w[\w, *]*) : (.+)$", re.MULTILINE)


def with_descriptions(text: str) -> str:
    """Return a docstring whose parameters have their text where numpydoc wants a description, not a type."""
    return _SECTION.sub(lambda found: _ITEM.sub(r"\1\n    \2", found[0]), text)


class Descriptions(griffe.Extension):
    """Moves the text of parameters behind their names."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = with_descriptions(obj.docstring.value)
