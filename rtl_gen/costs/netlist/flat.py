"""A mapped, hierarchical netlist as arrays of cells and nets: what is simulated, traced and weighed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ConfigError

Nets = NDArray[np.int32]

ZERO, ONE = 0, 1
"""Nets that are constant."""
_FIRST = 2
_CONSTANT = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}


@dataclass(frozen=True)
class Cells:
    """All instances of one library cell.

    Parameters
    ----------
    cell : name in the library
    pins : net of each pin of each instance, int32 (instances,); a pin that an instance leaves open is -1
    place : index into ``FlatNetlist.places`` of the module instance that each is in, int32 (instances,)
    """

    cell: str
    pins: Mapping[str, Nets]
    place: Nets

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class FlatNetlist:
    """A netlist without hierarchy that still knows where everything came from.

    Parameters
    ----------
    top : name of the top module
    nets : number of nets; 0 and 1 are the constants
    cells : instances by library cell
    places : hierarchical paths of module instances, ``config.bank.copy_a``; the top is empty
    modules : module name of each place
    ports : nets of the top's ports, least significant first, int32 (bits,)
    inputs : names of the ports that are inputs
    names : nets of every named wire by hierarchical name, least significant first, int32 (bits,)
    """

    top: str
    nets: int
    cells: tuple[Cells, ...]
    places: tuple[str, ...]
    modules: tuple[str, ...]
    ports: Mapping[str, Nets]
    inputs: frozenset[str]
    names: Mapping[str, Nets]

    def size(self) -> int:
        """Return the number of cells."""
        return sum(map(len, self.cells))


def read_netlist(path: Path, top: str) -> FlatNetlist:
    """Return the netlist that Yosys wrote as JSON (``write_json``).

    Raises
    ------
    ConfigError
        When the file is none, when it has no such module, or when a module in it holds a cell that is neither a module
        nor mapped.
    """
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigError(f"{path} is no netlist of Yosys ({problem}); write one with write_json") from problem
    return flatten(modules, top, str(path))


def flatten(modules: Mapping[str, Any], top: str, where: str = "the netlist") -> FlatNetlist:
    """Return the netlist of modules as in the JSON of Yosys, all instances of modules dissolved.

    Raises
    ------
    ConfigError
        As ``read_netlist``.
    """
    if top not in modules:
        raise ConfigError(f"{where} has no module {top!r}; expected one of {', '.join(sorted(modules))[:200]}")
    return _Flattener(modules, where).run(top)


class _Flattener:
    """Numbers nets from the top down; ports that a module joins inside are merged at the end."""

    def __init__(self, modules: Mapping[str, Any], where: str) -> None:
        self._modules = modules
        self._where = where
        self._count = _FIRST
        self._joined: list[tuple[int, int]] = []
        self._rows: dict[str, list[tuple[dict[str, list[int]], int, int]]] = {}
        self._places: list[str] = []
        self._kinds: list[str] = []
        self._names: dict[str, list[int]] = {}

    def run(self, top: str) -> FlatNetlist:
        """Dissolve everything under the top."""
        bits: dict[Any, int] = {}
        ports = self._modules[top]["ports"]
        numbers = {name: [self._net(bits, b) for b in port["bits"]] for name, port in ports.items()}
        self._instance(top, "", bits)
        merged = self._merge()
        return FlatNetlist(
            top,
            self._count,
            tuple(self._cells(kind, merged) for kind in sorted(self._rows)),
            tuple(self._places),
            tuple(self._kinds),
            {name: merged[nets] for name, nets in numbers.items()},
            frozenset(name for name, port in ports.items() if port["direction"] == "input"),
            {name: merged[nets] for name, nets in self._names.items()},
        )

    def _net(self, bits: dict[Any, int], bit: Any) -> int:
        if isinstance(bit, str):
            return _CONSTANT[bit]
        found = bits.get(bit)
        if found is None:
            found = bits[bit] = self._count
            self._count += 1
        return found

    def _instance(self, kind: str, path: str, bits: dict[Any, int]) -> None:
        """Give the nets of a module instance numbers; ``bits`` holds those of its ports already."""
        module, place = self._modules[kind], len(self._places)
        self._places.append(path)
        self._kinds.append(kind)
        prefix = f"{path}." if path else ""
        children = []
        by_cell: dict[str, dict[str, list[int]]] = {}
        counts: dict[str, int] = {}
        for name, cell in module["cells"].items():
            if cell["type"] in self._modules and not _is_leaf(self._modules[cell["type"]]):
                children.append((name, cell))
                continue
            library_cell = cell["type"]
            if library_cell.startswith("$") and not library_cell.startswith("$_"):
                raise ConfigError(
                    f"{self._where}: cell {name!r} of module {kind!r} is a {library_cell}, which is not mapped; "
                    "map it to library cells first"
                )
            columns = by_cell.setdefault(library_cell, {})
            before = counts.get(library_cell, 0)
            for pin, ends in cell["connections"].items():
                column = columns.setdefault(pin, [])
                column += [-1] * (before - len(column))
                column.append(self._net(bits, ends[0]) if ends else -1)
            counts[library_cell] = before + 1
        for library_cell, columns in by_cell.items():
            self._rows.setdefault(library_cell, []).append((columns, counts[library_cell], place))
        for name, wire in module["netnames"].items():
            if not wire.get("hide_name"):
                self._names[prefix + name] = [self._net(bits, b) for b in wire["bits"]]
        for name, cell in children:
            self._instance(cell["type"], prefix + name, self._inside(cell, bits))

    def _inside(self, cell: Mapping[str, Any], bits: dict[Any, int]) -> dict[Any, int]:
        """Return the numbers of a child's port bits."""
        inside: dict[Any, int] = {}
        for port, meant in self._modules[cell["type"]]["ports"].items():
            ends = cell["connections"].get(port, [])
            for i, bit in enumerate(meant["bits"]):
                if i >= len(ends):
                    continue
                outer = self._net(bits, ends[i])
                inner = _CONSTANT[bit] if isinstance(bit, str) else inside.setdefault(bit, outer)
                if inner != outer:
                    self._joined.append((outer, inner))
        return inside

    def _merge(self) -> Nets:
        """Return for every net the one that stands for it and all that are joined with it."""
        parent = np.arange(self._count, dtype=np.int32)

        def root(net: int) -> int:
            while parent[net] != net:
                parent[net] = parent[parent[net]]
                net = int(parent[net])
            return net

        for one, other in self._joined:
            low, high = sorted((root(one), root(other)))
            if high == ONE and low == ZERO:
                raise ConfigError(f"{self._where} joins the constants 0 and 1; it is damaged")
            parent[high] = low
        while not np.array_equal(parent, parent[parent]):
            parent = parent[parent]
        return parent

    def _cells(self, kind: str, merged: Nets) -> Cells:
        rows = self._rows[kind]
        pins: dict[str, list[int]] = {}
        count = 0
        for columns, number, _ in rows:
            for pin, column in columns.items():
                whole = pins.setdefault(pin, [])
                whole += [-1] * (count - len(whole))
                whole += column
            count += number
        place = np.repeat(np.array([row[2] for row in rows], np.int32), [row[1] for row in rows])
        arrays = {}
        for pin, whole in pins.items():
            nets = np.array(whole + [-1] * (count - len(whole)), np.int32)
            arrays[pin] = np.where(nets < 0, np.int32(-1), merged[nets])
        return Cells(kind, arrays, place)


def _is_leaf(module: Mapping[str, Any]) -> bool:
    """Tell whether a module is the empty declaration of a library cell."""
    attributes = module.get("attributes", {})
    return any(int(str(attributes.get(key, "0")), 2) for key in ("blackbox", "whitebox"))
