"""What a Liberty library says about power: capacitances, internal energy tables, leakage, wire loads; in SI units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ConfigError, LibertyError
from rtl_gen.costs.library import groups
from rtl_gen.costs.library.cells import cell_of
from rtl_gen.costs.library.expressions import Expression, parse
from rtl_gen.costs.library.groups import Group

Floats = NDArray[np.float64]

_UNIT = re.compile(r"\s*([\d.]+)\s*([munpf]?)[sWVF]?\w*\s*$", re.IGNORECASE)
_SCALE = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_SLEW = ("input_transition_time", "input_net_transition")


@dataclass(frozen=True, eq=False)
class Table:
    """A table over input slew (s) and output load (F); values with one axis of length 1 do not depend on it."""

    slews: Floats
    loads: Floats
    values: Floats

    def at(self, slew: Floats, load: Floats) -> Floats:
        """Return values by bilinear interpolation; beyond its ends the table keeps its outermost values.

        Nets outside of a table are those that layout will buffer, such as a reset; their slews are no real ones.
        """
        i, x = _place(self.slews, slew)
        j, y = _place(self.loads, load)
        i1, j1 = np.minimum(i + 1, len(self.slews) - 1), np.minimum(j + 1, len(self.loads) - 1)
        low = self.values[i, j] * (1 - y) + self.values[i, j1] * y
        high = self.values[i1, j] * (1 - y) + self.values[i1, j1] * y
        return low * (1 - x) + high * x


def _place(axis: Floats, value: Floats) -> tuple[NDArray[np.intp], Floats]:
    if len(axis) == 1:
        return np.zeros(len(value), np.intp), np.zeros(len(value))
    value = np.clip(value, axis[0], axis[-1])
    i = np.clip(np.searchsorted(axis, value) - 1, 0, len(axis) - 2)
    return i, (value - axis[i]) / (axis[i + 1] - axis[i])


@dataclass(frozen=True, eq=False)
class Arc:
    """An ``internal_power`` group: energy (J) of a rise and of a fall, for a related pin and a state of the cell."""

    related: str | None
    when: Expression | None
    rise: Table
    fall: Table


@dataclass(frozen=True, eq=False)
class Pin:
    """One pin: capacitance in F, its internal energies, and for outputs the slew that it makes (s)."""

    output: bool
    capacitance: float
    arcs: tuple[Arc, ...]
    slew: Table | None


@dataclass(frozen=True, eq=False)
class CellPower:
    """Power of a cell: its pins, and leakage (W) by state; the state ``None`` is for all that no other names."""

    name: str
    pins: Mapping[str, Pin]
    leakage: tuple[tuple[Expression | None, float], ...]
    clock: str | None


@dataclass(frozen=True)
class WireLoad:
    """A wire-load model: capacitance (F) of a net by its fanout.

    Parameters
    ----------
    name : in the library, or ``none``
    fanouts, farads : the table; beyond it ``slope`` farads more per fanout
    """

    name: str
    fanouts: tuple[float, ...] = (0.0, 1.0)
    farads: tuple[float, ...] = (0.0, 0.0)
    slope: float = 0.0

    def at(self, fanout: Floats) -> Floats:
        """Return the capacitance of nets with so many sinks."""
        inside = np.interp(fanout, self.fanouts, self.farads)
        return np.where(fanout > 0, inside + np.maximum(fanout - self.fanouts[-1], 0) * self.slope, 0.0)


@dataclass(frozen=True, eq=False)
class PowerLibrary:
    """The power data of a library: nominal voltage, the cells that were asked for, the wire-load model."""

    name: str
    voltage: float
    cells: Mapping[str, CellPower]
    wire: WireLoad


def read_power(library: Group, used: Iterable[str], wire_load: str | None = None) -> PowerLibrary:
    """Return the power data of the cells that a netlist uses.

    Parameters
    ----------
    wire_load : name of a wire-load model, ``none`` for pins alone; None takes the library's default

    Raises
    ------
    LibertyError
        When the library has no voltage, no power tables, or lacks a cell.
    ConfigError
        When it has no such wire load.
    """
    try:
        voltage = float(library.simple["nom_voltage"])
        farad = _farad(library)
        second = _scale(library.simple.get("time_unit", "1ns"))
        watt = _scale(library.simple.get("leakage_power_unit", "1nW"))
    except (KeyError, ValueError) as problem:
        raise LibertyError(f"library {library.name!r} has no {problem}; power needs nom_voltage and units") from problem
    axes = {t.name: t for t in library.of("power_lut_template", "lu_table_template")}
    units = _Units(second, farad, farad * voltage * voltage, watt)
    cells = {name: _cell(group, axes, units) for name, group in groups.cells(library, used).items()}
    if not any(pin.arcs for cell in cells.values() for pin in cell.pins.values()):
        raise LibertyError(
            f"library {library.name!r} has no internal_power tables; power needs a characterised Liberty file"
        )
    return PowerLibrary(library.name, voltage, cells, _wire(library, wire_load, farad))


@dataclass(frozen=True)
class _Units:
    second: float
    farad: float
    joule: float
    watt: float


def _scale(text: str) -> float:
    found = _UNIT.match(text)
    if found is None:
        raise ValueError(f"unit that can be read in {text!r}")
    return float(found.group(1)) * _SCALE[found.group(2).lower()]


def _farad(library: Group) -> float:
    number, unit = library.complex["capacitive_load_unit"][-1]
    return float(number) * _SCALE[unit.strip().lower().removesuffix("f")]


def _wire(library: Group, name: str | None, farad: float) -> WireLoad:
    chosen = name or library.simple.get("default_wire_load", "none")
    if chosen == "none":
        return WireLoad("none")
    models = {group.name: group for group in library.of("wire_load")}
    if chosen not in models:
        raise ConfigError(
            f"wire load {chosen!r} is not in library {library.name!r}; expected none or one of {', '.join(models)}"
        )
    model = models[chosen]
    per_length = model.number("capacitance") * farad
    table = sorted((float(fanout), float(length)) for fanout, length in model.complex.get("fanout_length", []))
    fanouts, lengths = zip(*[(0.0, 0.0), *table], strict=True)
    slope = model.number("slope", "0") * per_length
    return WireLoad(chosen, fanouts, tuple(length * per_length for length in lengths), slope)


def _cell(group: Group, axes: Mapping[str, Group], units: _Units) -> CellPower:
    where = f"cell {group.name!r}"
    pins = {
        pin.name: _pin(pin, axes, units, f"{where}, pin {pin.name!r}")
        for pin in group.of("pin")
        if pin.simple.get("direction") in {"input", "output"}
    }
    leakage: list[tuple[Expression | None, float]] = []
    for state in group.of("leakage_power"):
        if "value" in state.simple:
            condition = state.simple.get("when")
            leakage.append((parse(condition, where) if condition else None, state.number("value") * units.watt))
    if not any(condition is None for condition, _ in leakage):
        leakage.append((None, group.number("cell_leakage_power", "0") * units.watt))
    return CellPower(group.name, pins, tuple(leakage), cell_of(group).clock)


def _pin(pin: Group, axes: Mapping[str, Group], units: _Units, where: str) -> Pin:
    output = pin.simple["direction"] == "output"
    arcs = []
    for power in pin.of("internal_power"):
        when, related = power.simple.get("when"), power.simple.get("related_pin")
        tables = {t.kind: _table(t, axes, units, units.joule) for t in power.of("rise_power", "fall_power", "power")}
        either = tables.get("power") or next(iter(tables.values()), None)
        if either is not None:
            condition = parse(when, where) if when else None
            # A direction that is left out does not happen in this state.
            rise, fall = (tables.get(kind, tables.get("power", _NOTHING)) for kind in ("rise_power", "fall_power"))
            arcs += [Arc(one, condition, rise, fall) for one in (related.split() if related else [None])]
    slews = [
        _table(t, axes, units, units.second)
        for timing in pin.of("timing")
        for t in timing.of("rise_transition", "fall_transition")
    ]
    plain = pin.simple.get("capacitance", "0")
    # A net rises as often as it falls; `capacitance` alone is the larger of the two.
    both = [pin.number(f"{edge}_capacitance", plain) for edge in ("rise", "fall")]
    return Pin(output, sum(both) / 2 * units.farad, tuple(arcs), _mean(slews))


_NOTHING = Table(np.zeros(1), np.zeros(1), np.zeros((1, 1)))


def _mean(tables: list[Table]) -> Table | None:
    """Return the mean of the tables that have the axes of the first with both axes."""
    whole = [t for t in tables if t.values.size > 1]
    if not whole:
        return None
    like = [t for t in whole if t.values.shape == whole[0].values.shape]
    return Table(whole[0].slews, whole[0].loads, np.mean([t.values for t in like], axis=0))


def _table(group: Group, axes: Mapping[str, Group], units: _Units, unit: float) -> Table:
    values = np.array(group.numbers("values")) * unit
    template = axes.get(group.name)
    if template is None or values.size == 1:
        return Table(np.zeros(1), np.zeros(1), values[:1].reshape(1, 1))
    slews, loads = np.zeros(1), np.zeros(1)
    shape, slew_first = [], True
    for number in (1, 2):
        variable = template.simple.get(f"variable_{number}")
        if variable is None:
            continue
        index = np.array(group.numbers(f"index_{number}") or template.numbers(f"index_{number}"))
        shape.append(len(index))
        if variable in _SLEW:
            slews = index * units.second
        else:
            loads = index * units.farad
            slew_first = number == 2
    grid = values.reshape(shape)
    if grid.ndim == 2 and not slew_first:
        grid = grid.T
    return Table(slews, loads, grid.reshape(len(slews), len(loads)))
