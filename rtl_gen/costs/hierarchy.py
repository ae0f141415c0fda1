"""Areas of a hierarchy of modules: own cells, instances, and which part of the design they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARAMETERS = re.compile(r"\\([^\\]+)")
_NUMBER = re.compile(r"__\d+$")


@dataclass(frozen=True)
class Module:
    """What stands directly in a module.

    Parameters
    ----------
    cells : number of instances by type: library cells and other modules
    """

    cells: Mapping[str, int]


def base_name(name: str) -> str:
    """Return the name of a module in the Verilog: without parameters (yosys) and without a number at its end."""
    if name.startswith("$paramod"):
        return _PARAMETERS.findall(name)[-1 if name.startswith("$paramod$") else 0]
    return _NUMBER.sub("", name.removeprefix("\\"))
