"""Traces a netlist back from a net: to the one flip-flop behind it, or to all that it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtl_gen.costs.library.cells import Cell
from rtl_gen.costs.netlist.flat import ONE, FlatNetlist

FlopId = tuple[str, int]
"""Library cell and instance number of a flip-flop."""


@dataclass(frozen=True)
class Stored:
    """The flip-flop behind a net; ``inverted`` where the net is its complement."""

    flop: FlopId
    inverted: bool


class Tracer:
    """Who drives what in a netlist."""

    def __init__(self, netlist: FlatNetlist, cells: Mapping[str, Cell]) -> None:
        self._groups = netlist.cells
        self._cells = cells
        self._group: NDArray[np.int32] = np.full(netlist.nets, -1, np.int32)
        self._number: NDArray[np.int32] = np.zeros(netlist.nets, np.int32)
        self._pin: list[str] = sorted({pin for cell in cells.values() for pin in cell.outputs})
        self._pin_of: NDArray[np.int32] = np.zeros(netlist.nets, np.int32)
        for g, group in enumerate(netlist.cells):
            for pin in cells[group.cell].outputs:
                if pin in group.pins:
                    nets = group.pins[pin]
                    used = np.flatnonzero(nets >= 0)
                    self._group[nets[used]], self._number[nets[used]] = g, used
                    self._pin_of[nets[used]] = self._pin.index(pin)

    def stored(self, net: int) -> Stored | None:
        """Return the flip-flop whose state, or its complement, a net is through inverters and buffers; None without."""
        inverted = False
        while self._group[net] >= 0:
            group, number = self._groups[self._group[net]], int(self._number[net])
            cell = self._cells[group.cell]
            function = cell.outputs[self._pin[self._pin_of[net]]]
            if len(function.names) != 1:
                return None
            name = function.names[0]
            inverted ^= int(eval(function.text, {"__builtins__": {}}, {name: -1})) == 0
            if cell.flop is not None:
                return Stored((group.cell, number), inverted ^ (name == cell.flop.inverse))
            net = int(group.pins[name][number])
        return None

    def flops_behind(self, nets: Iterable[int]) -> set[FlopId]:
        """Return the flip-flops that nets depend on through any gates."""
        found: set[FlopId] = set()
        seen: set[int] = set()
        waiting = list(nets)
        while waiting:
            net = waiting.pop()
            if net in seen or net <= ONE or self._group[net] < 0:
                continue
            seen.add(net)
            group, number = self._groups[self._group[net]], int(self._number[net])
            cell = self._cells[group.cell]
            if cell.flop is not None:
                found.add((group.cell, number))
                continue
            function = cell.outputs[self._pin[self._pin_of[net]]]
            waiting += [int(group.pins[name][number]) for name in function.names]
        return found
