"""A synthesised netlist on disk, with the behaviour of the cells that it is mapped to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rtl_gen.costs.library.cells import Cell, read_cells
from rtl_gen.costs.library.groups import Group, read
from rtl_gen.costs.library.models import cell_models
from rtl_gen.costs.netlist.flat import FlatNetlist, read_netlist

NETLIST, VERILOG = "netlist.json", "netlist.v"
"""Files of a synthesis: the netlist for Python and for simulators."""


@dataclass(frozen=True)
class MappedNetlist:
    """A synthesised netlist on disk, and the library that it is mapped to.

    Parameters
    ----------
    folder : holds ``netlist.json`` and ``netlist.v``
    top : its top module
    liberty : the library's file, plain or gzip
    """

    folder: Path
    top: str
    liberty: Path

    @cached_property
    def library(self) -> Group:
        """The library as a tree."""
        return read(self.liberty)

    @cached_property
    def flat(self) -> FlatNetlist:
        """The netlist without hierarchy."""
        return read_netlist(self.folder / NETLIST, self.top)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Behaviour of the cells that it uses."""
        return read_cells(self.library, [group.cell for group in self.flat.cells])

    def verilog(self) -> dict[str, str]:
        """Return the netlist and the models of its cells as Verilog, text by file name."""
        text = (self.folder / VERILOG).read_text(encoding="utf-8")
        return {VERILOG: text, "cells.v": cell_models(self.cells.values())}
