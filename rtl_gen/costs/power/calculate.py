"""Power of a mapped netlist before layout: switching, internal and leakage power of every part, and of the clock pins.

Rules (Liberty user guide, power modelling):
switching = C V^2 / 2 per change of a net, C from the pins that the net drives and the wire-load model;
internal = energy tables of the driving output, by slew and load, weighted by how often each input pin changes and how
often the cell is in the state of the table; and of input pins that have tables of their own, such as clock pins;
leakage = value of the state that the cell is in, weighted by how often it is.
Slews follow from the loads through the library's transition tables. There is no clock tree: the clock net is charged to
the pins that it drives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtl_gen.costs.library.expressions import Expression
from rtl_gen.costs.netlist.flat import ONE, ZERO, Cells, FlatNetlist, Nets
from rtl_gen.costs.netlist.hierarchy import parts_of
from rtl_gen.costs.power.activity import Activity
from rtl_gen.costs.power.report import PowerReport, PowerRow
from rtl_gen.costs.power.tables import Arc, CellPower, Floats, Pin, PowerLibrary

CLOCK_SLEW = 0.1e-9
"""Slew (s) assumed at primary inputs and clock pins: no tree and no driver is known before layout."""

_SLEW_PASSES = 3  # the slew of a net depends weakly on those before it; two passes settle it within a percent
_CHECKERED = np.uint64(0x5555_5555_5555_5555)  # a clock is high half of the time


def power(
    netlist: FlatNetlist,
    library: PowerLibrary,
    activity: Activity,
    clock_ns: float,
    *,
    gates_open: bool = False,
) -> PowerReport:
    """Return the power of a netlist at one clock period and activity.

    Parameters
    ----------
    library : power data of the netlist's cells
    activity : changes and states of the netlist's nets
    clock_ns : clock period in ns
    gates_open : as if every clock gate let every clock through: what the gates save is the difference
    """
    return _Calculation(netlist, library, activity, clock_ns, gates_open).report()


class _Calculation:
    def __init__(
        self, netlist: FlatNetlist, library: PowerLibrary, activity: Activity, clock_ns: float, gates_open: bool
    ) -> None:
        self._gates_open = gates_open
        self._netlist, self._library, self._activity = netlist, library, activity
        self._clock_ns = clock_ns
        self._hertz = 1e9 / clock_ns
        self._clocks = self._clock_nets()
        self._toggles, self._sample = self._with_clock()
        self._pins_farad, self._wire_farad = self._loads()
        self._slew = self._slews()

    def report(self) -> PowerReport:
        places = len(self._netlist.places)
        sums = {kind: np.zeros(places) for kind in ("internal", "switching", "leakage", "clock")}
        for cells in self._netlist.cells:
            for kind, watts in self._of_cells(cells).items():
                sums[kind] += np.bincount(cells.place, watts, places)
        parts = parts_of(self._netlist.places, self._netlist.modules)
        rows = []
        for part in dict.fromkeys(parts):
            inside = np.array([one == part for one in parts])
            rows.append(PowerRow(part, *(float(sums[kind][inside].sum()) for kind in sums)))
        driven = self._driven()
        return PowerReport(
            self._library.name,
            self._library.voltage,
            self._activity.what,
            self._clock_ns,
            self._library.wire.name,
            tuple(sorted((row for row in rows if row.total), key=lambda row: -row.total)),
            float(self._activity.toggles[driven].mean()) if driven.any() else 0.0,
        )

    def _power_of(self, cells: Cells) -> CellPower:
        return self._library.cells[cells.cell]

    def _ports(self, cells: Cells, *, output: bool) -> list[tuple[str, Pin, Nets]]:
        """Return the connected pins of one direction, each with the nets of all instances; -1 where one is open."""
        pins = self._power_of(cells).pins.items()
        return [(name, pin, cells.pins[name]) for name, pin in pins if pin.output == output and name in cells.pins]

    def _clock_nets(self) -> NDArray[np.bool_]:
        found = np.zeros(self._netlist.nets, np.bool_)
        for cells in self._netlist.cells:
            clock = self._power_of(cells).clock
            if clock is not None and clock in cells.pins:
                nets = cells.pins[clock]
                found[nets[nets >= 0]] = True
        return found

    def _driven(self) -> NDArray[np.bool_]:
        found = np.zeros(self._netlist.nets, np.bool_)
        for cells in self._netlist.cells:
            for _, _, nets in self._ports(cells, output=True):
                found[nets[nets >= 0]] = True
        found[[ZERO, ONE]] = False
        return found & ~self._clocks

    def _with_clock(self) -> tuple[Floats, NDArray[np.uint64]]:
        """Return toggles and states with the clocks in them: two changes a clock where no gate holds them."""
        toggles, sample = self._activity.toggles.copy(), self._activity.sample.copy()
        toggles[self._clocks], sample[self._clocks] = 2.0, _CHECKERED
        for cells in self._netlist.cells:
            gated = [nets for _, _, nets in self._ports(cells, output=True) if self._clocks[nets].any()]
            clock = self._power_of(cells).clock
            if not gated or clock is None:
                continue
            on = np.zeros((len(cells), sample.shape[1]), np.uint64)
            for name, _, nets in self._ports(cells, output=False):
                if name != clock:
                    on |= np.where(nets[:, None] >= 0, sample[nets], np.uint64(0))
            if self._gates_open:
                on[:] = ~np.uint64(0)
            toggles[gated[0]] = 2.0 * _share(on, self._activity)
            sample[gated[0]] = on & _CHECKERED
        return toggles, sample

    def _loads(self) -> tuple[Floats, Floats]:
        """Return the capacitance of every net: of the pins that it drives, and of its wire."""
        farad, fanout = np.zeros(self._netlist.nets), np.zeros(self._netlist.nets)
        for cells in self._netlist.cells:
            for _, pin, nets in self._ports(cells, output=False):
                count = np.bincount(nets[nets >= 0], minlength=self._netlist.nets)
                farad += count * pin.capacitance
                fanout += count
        return farad, self._library.wire.at(fanout)

    def _slews(self) -> Floats:
        slew = np.full(self._netlist.nets, CLOCK_SLEW)
        load = self._pins_farad + self._wire_farad
        for _ in range(_SLEW_PASSES):
            for cells in self._netlist.cells:
                inputs = [slew[nets] for _, _, nets in self._ports(cells, output=False)]
                if not inputs:
                    continue
                arriving = np.mean(inputs, axis=0)
                for _, pin, nets in self._ports(cells, output=True):
                    if pin.slew is not None:
                        keep = (nets >= 0) & ~self._clocks[nets]
                        slew[nets[keep]] = pin.slew.at(arriving[keep], load[nets[keep]])
        return slew

    def _of_cells(self, cells: Cells) -> dict[str, Floats]:
        """Return the power of every instance of a cell by kind, W."""
        data = self._power_of(cells)
        count = len(cells)
        joules = {"internal": np.zeros(count), "switching": np.zeros(count), "clock": np.zeros(count)}
        volts = self._library.voltage**2 / 2
        for name, pin in data.pins.items():
            nets = cells.pins.get(name)
            if nets is None:
                continue
            used = nets >= 0
            toggles = np.where(used, self._toggles[nets], 0.0)
            if pin.output:
                load = self._pins_farad[nets] + self._wire_farad[nets]
                # A gated clock is charged to the clock pins behind it.
                own = np.where(self._clocks[nets], 0.0, load)
                joules["switching"] += volts * own * toggles
                joules["internal"] += self._output_energy(cells, pin, np.where(used, load, 0.0)) * toggles
            else:
                kind = "clock" if name == data.clock else "internal"
                joules[kind] += self._input_energy(cells, pin, nets) * toggles
                if name == data.clock:
                    share = pin.capacitance / np.maximum(self._pins_farad[nets], 1e-30) * self._wire_farad[nets]
                    joules["clock"] += volts * (pin.capacitance + share) * toggles
        watts = {kind: energy * self._hertz for kind, energy in joules.items()}
        return watts | {"leakage": self._leakage(cells, data)}

    def _states(self, cells: Cells, when: Expression) -> NDArray[np.uint64]:
        """Return in which cases of the sample the instances are in a state, uint64 (instances, words)."""
        full = ~np.uint64(0)
        words: dict[str, NDArray[np.uint64]] = {
            "ZERO": self._sample[ZERO],
            "ONE": np.full_like(self._sample[ONE], full),
        }
        for name in when.names:
            words[name] = self._pin_state(cells, name)
        found = np.asarray(when.compiled()(words))
        return np.broadcast_to(found, (len(cells), self._sample.shape[1]))

    def _pin_state(self, cells: Cells, name: str) -> NDArray[np.uint64]:
        if name in cells.pins:
            nets = cells.pins[name]
            return np.where(nets[:, None] >= 0, self._sample[nets], np.uint64(0))
        # An open output, such as QN: the complement of the other output.
        for _, _, nets in self._ports(cells, output=True):
            return ~self._sample[nets]
        return np.zeros((len(cells), self._sample.shape[1]), np.uint64)

    def _weights(self, cells: Cells, arcs: tuple[Arc, ...]) -> list[Floats]:
        """Return how often the cell is in the state of each arc; arcs without a state take what others leave."""
        shares: list[Floats | None] = []
        left: dict[str | None, Floats] = {}
        for arc in arcs:
            share = None if arc.when is None else _share(self._states(cells, arc.when), self._activity)
            shares.append(share)
            if share is not None:
                left[arc.related] = left.get(arc.related, np.ones(len(cells))) - share
        return [
            np.clip(left.get(arc.related, np.ones(len(cells))), 0, 1) if share is None else share
            for arc, share in zip(arcs, shares, strict=True)
        ]

    def _output_energy(self, cells: Cells, pin: Pin, load: Floats) -> Floats:
        """Return the mean internal energy per change of an output, J."""
        energy, weight = np.zeros(len(cells)), np.zeros(len(cells))
        plain, number = np.zeros(len(cells)), 0
        for arc, share in zip(pin.arcs, self._weights(cells, pin.arcs), strict=True):
            if arc.related is not None and arc.related not in cells.pins:
                continue
            nets = cells.pins[arc.related] if arc.related is not None else np.zeros(len(cells), np.int32)
            slew = self._slew[nets]
            one = (arc.rise.at(slew, load) + arc.fall.at(slew, load)) / 2
            often = share * (self._toggles[nets] if arc.related is not None else 1.0)
            energy, weight = energy + often * one, weight + often
            plain, number = plain + one, number + 1
        if not number:
            return energy
        return np.where(weight > 0, energy / np.maximum(weight, 1e-30), plain / number)

    def _input_energy(self, cells: Cells, pin: Pin, nets: Nets) -> Floats:
        """Return the mean internal energy per change of an input, J."""
        energy = np.zeros(len(cells))
        load = np.zeros(len(cells))
        for arc, share in zip(pin.arcs, self._weights(cells, pin.arcs), strict=True):
            slew = self._slew[nets]
            energy += share * (arc.rise.at(slew, load) + arc.fall.at(slew, load)) / 2
        return energy

    def _leakage(self, cells: Cells, data: CellPower) -> Floats:
        watts, left = np.zeros(len(cells)), np.ones(len(cells))
        rest = 0.0
        for when, value in data.leakage:
            if when is None:
                rest = value
                continue
            share = _share(self._states(cells, when), self._activity)
            watts, left = watts + share * value, left - share
        if len(data.leakage) > 1 and not any(when is None for when, _ in data.leakage):
            return watts
        return watts + np.clip(left, 0, 1) * rest


def _share(states: NDArray[np.uint64], activity: Activity) -> Floats:
    """Return the share of the sample's cases that are set, float64 (instances,)."""
    return np.bitwise_count(states).sum(axis=1) / min(activity.cases, 64 * activity.sample.shape[1])
