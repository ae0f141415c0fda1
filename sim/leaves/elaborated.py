"""Computes Verilog without clocks as yosys understands it: word by word, 64 runs in a word, equal cells at once.

The hierarchy is kept: instances of one module at the same depth are one evaluation of that module with as many runs
more, so that sixteen trees of thousands of adders take about as many NumPy calls as one of them has levels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.process import YOSYS, run
from sim.netlist.words import ALL, Words

"""uint64 (..., bits, words): bit l of word w is run 64 * w + l."""

Nets = NDArray[np.int64]

_ZERO, _ONE = 0, 1
_GATES: dict[str, Any] = {
    "$and": np.bitwise_and, "$or": np.bitwise_or, "$xor": np.bitwise_xor, "$not": np.invert, "$pos": np.positive,
}  # fmt: skip
_TIMEOUT = 600.0


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of one type that are computed at once: nets (cells, bits) of every input and output pin."""

    kind: str
    inputs: Mapping[str, Nets]
    outputs: Mapping[str, Nets]


@dataclass(frozen=True, eq=False)
class Module:
    """The nets of a module's ports, and its cells in an order in which each comes after those that it reads."""

    nets: int
    inputs: Mapping[str, Nets]
    outputs: Mapping[str, Nets]
    steps: tuple[Cells, ...]


class Elaborated:
    """Verilog modules of assignments and instances.

    Parameters
    ----------
    modules : by name, as in yosys's JSON
    """

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._raw = modules
        self._module = cache(self._ordered)

    @classmethod
    def read(cls, files: Sequence[Path], folder: Path) -> Elaborated:
        """Let yosys read Verilog files; scripts and log stay in ``folder``.

        Raises
        ------
        ToolMissingError, ToolError
            When yosys is missing or does not read them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        script, table = folder / "elaborate.ys", folder / "elaborated.json"
        commands = [f"read_verilog {' '.join(str(path.resolve()) for path in files)}", "hierarchy -check", "proc"]
        script.write_text("\n".join([*commands, f"write_json {table.name}", ""]), encoding="utf-8")
        run([YOSYS, "-q", script.name], folder / "elaborate.log", timeout=_TIMEOUT)
        found = json.loads(table.read_text(encoding="utf-8"))["modules"]
        table.unlink()
        return cls(found)

    def evaluate(self, module: str, inputs: Mapping[str, Words]) -> dict[str, Words]:
        """Return the output ports, uint64 (bits, words), of a module for these input ports.

        Raises
        ------
        VerificationError
            When the module has state, a loop, or cells that are no gates of equal width.
        """
        found = self._module(module)
        words = next(iter(inputs.values())).shape[-1]
        values = np.zeros((found.nets, words), np.uint64)
        values[_ONE] = ALL
        for name, nets in found.inputs.items():
            values[nets] = inputs[name]
        for cells in found.steps:
            given = {pin: values[nets] for pin, nets in cells.inputs.items()}
            for pin, data in self._computed(cells.kind, given).items():
                if pin in cells.outputs:
                    values[cells.outputs[pin]] = data
        return {name: values[nets] for name, nets in found.outputs.items()}

    def _computed(self, kind: str, given: Mapping[str, Words]) -> dict[str, Words]:
        """Return the outputs of equal cells, uint64 (cells, bits, words)."""
        if kind in _GATES:
            return {"Y": _GATES[kind](*(given[pin] for pin in ("A", "B") if pin in given))}
        cells, _, words = next(iter(given.values())).shape
        side_by_side = {pin: w.transpose(1, 0, 2).reshape(w.shape[1], -1) for pin, w in given.items()}
        found = self.evaluate(kind, side_by_side)
        return {pin: w.reshape(-1, cells, words).transpose(1, 0, 2) for pin, w in found.items()}

    def _ordered(self, name: str) -> Module:
        raw = self._raw[name]
        ports = {port: (p["direction"], _nets(p["bits"])) for port, p in raw["ports"].items()}
        cells = [_cell(name, cell, self._raw) for cell in raw["cells"].values()]
        driver = {int(net): n for n, (_, _, out) in enumerate(cells) for nets in out.values() for net in nets}
        reads = [
            sorted({driver[int(net)] for nets in pins.values() for net in nets if int(net) in driver})
            for _, pins, _ in cells
        ]
        level = _levels(name, reads)
        groups: dict[tuple[Any, ...], list[int]] = {}
        for n, (kind, pins, out) in enumerate(cells):
            widths = tuple(sorted((pin, len(nets)) for pin, nets in (pins | out).items()))
            groups.setdefault((level[n], kind, widths), []).append(n)
        steps = tuple(
            Cells(
                kind,
                {pin: np.stack([cells[n][1][pin] for n in members]) for pin in cells[members[0]][1]},
                {pin: np.stack([cells[n][2][pin] for n in members]) for pin in cells[members[0]][2]},
            )
            for (_, kind, _), members in sorted(groups.items(), key=lambda item: item[0])
        )
        every = [nets for _, nets in ports.values()] + [
            nets for _, pins, out in cells for nets in (pins | out).values()
        ]
        return Module(
            1 + max(int(nets.max(initial=_ONE)) for nets in every),
            {port: nets for port, (way, nets) in ports.items() if way == "input"},
            {port: nets for port, (way, nets) in ports.items() if way == "output"},
            steps,
        )


def _nets(bits: Sequence[int | str]) -> Nets:
    # yosys numbers nets from 2 on; 0 and 1 are left for the constants.
    if not set(bits) - {"0", "1"} <= {bit for bit in bits if isinstance(bit, int)}:
        raise VerificationError("an unknown value is part of the Verilog; expected 0 or 1")
    return np.array([int(bit) for bit in bits], np.int64)


def _cell(
    module: str, cell: Mapping[str, Any], modules: Mapping[str, Any]
) -> tuple[str, dict[str, Nets], dict[str, Nets]]:
    kind = cell["type"]
    pins = {pin: _nets(bits) for pin, bits in cell["connections"].items()}
    if kind not in modules and kind not in _GATES:
        raise VerificationError(f"{module} has a cell {kind!r}; expected gates and modules without state")
    if kind not in modules and len({len(nets) for nets in pins.values()}) > 1:
        raise VerificationError(f"{module} has a gate {kind!r} whose pins differ in width; expected equal widths")
    ways = cell["port_directions"]
    return (
        kind,
        {pin: nets for pin, nets in pins.items() if ways[pin] == "input"},
        {pin: nets for pin, nets in pins.items() if ways[pin] == "output"},
    )


def _levels(module: str, reads: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return the level of every cell: one above the highest of the cells that it reads."""
    found: dict[int, int] = {}
    try:
        for n in TopologicalSorter(dict(enumerate(reads))).static_order():
            found[n] = 1 + max((found[source] for source in reads[n]), default=-1)
    except CycleError:
        raise VerificationError(f"cells of {module} form a loop") from None
    return found
