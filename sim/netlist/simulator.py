"""Simulates a mapped netlist, bit-parallel: a word of a net holds 64 independent runs, equal cells are one NumPy call.

Zero delay, two values, one clock. The runs (lanes) are independent copies of the design in time: each has flip-flops of
its own, so that feedback of any kind is simulated as it is. Unknown values do not exist here; the bench in Icarus has
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from rtl_gen.costs.library.cells import Cell, Flop
from rtl_gen.costs.netlist.flat import ONE, ZERO, FlatNetlist, Nets
from sim.netlist.words import ALL, FlopBank, Gate, Words, changes, from_words, to_words

_SETTLING = 16  # rounds in which an asynchronous reset must come to rest


class NetlistSimulator:
    """A netlist under simulation.

    Parameters
    ----------
    netlist : mapped
    cells : behaviour of its cells
    words : lanes / 64
    clock : name of the clock port

    Raises
    ------
    VerificationError
        When a flip-flop has another clock than the port, a net is driven twice, or cells form a loop.
    """

    def __init__(self, netlist: FlatNetlist, cells: Mapping[str, Cell], words: int, clock: str = "clk") -> None:
        self.netlist = netlist
        self.values: Words = np.zeros((netlist.nets, words), np.uint64)
        self.values[ONE] = ALL
        self._clock = int(netlist.ports[clock][0])
        self.banks: list[FlopBank] = []
        self._gates = self._clock_gates(cells)
        raw: list[tuple[Cell, str, Mapping[str, Nets], Nets]] = []
        for group in netlist.cells:
            cell = cells[group.cell]
            pins = {pin: np.where(nets < 0, np.int32(ZERO), nets) for pin, nets in group.pins.items()}
            if cell.gate is not None:
                continue
            if cell.flop is not None:
                self.banks.append(self._bank(cell, cell.flop, group.pins, pins, words))
                continue
            for pin in cell.outputs:
                driven = group.pins.get(pin)
                if driven is not None and (driven >= 0).any():
                    raw.append((cell, pin, pins, driven))
        self._check_drivers(raw)
        self.levels, self.level_of = self._levelise(raw)

    def _bank(self, cell: Cell, flop: Flop, given: Mapping[str, Nets], pins: dict[str, Nets], words: int) -> FlopBank:
        enables = self._enables(pins[flop.clock])
        if flop.falling or enables is None:
            raise VerificationError(
                f"flip-flops {cell.name!r} are clocked by something else than the rising edge of the clock port or of "
                "a clock gate behind it; derived clocks are not simulated"
            )
        outputs = [
            (cell.outputs[pin].compiled(), given[pin])
            for pin in cell.outputs
            if pin in given and (given[pin] >= 0).any()
        ]
        count = len(pins[flop.clock])
        return FlopBank(cell.name, flop, pins, tuple(outputs), enables, np.zeros((count, words), np.uint64))

    def _clock_gates(self, cells: Mapping[str, Cell]) -> dict[int, tuple[int, ...]]:
        """Return the enabling nets of every gated clock."""
        found: dict[int, tuple[int, ...]] = {}
        for group in self.netlist.cells:
            gate = cells[group.cell].gate
            if gate is None:
                continue
            if (group.pins[gate.clock] != self._clock).any():
                raise VerificationError(f"clock gates {group.cell!r} are not fed by the clock port itself")
            columns = [group.pins[pin].tolist() for pin in gate.enables if pin in group.pins]
            found |= dict(zip(group.pins[gate.output].tolist(), zip(*columns, strict=True), strict=True))
        return found

    def _enables(self, clocks: Nets) -> tuple[Nets, ...] | None:
        """Return the nets that let the clock through to each flip-flop; None where one has another clock."""
        if (clocks == self._clock).all():
            return ()
        nets = [(ONE,) if clock == self._clock else self._gates.get(clock) for clock in clocks.tolist()]
        if None in nets:
            return None
        most = max(len(one) for one in nets if one)
        return tuple(np.array([one[min(i, len(one) - 1)] for one in nets if one], np.int32) for i in range(most))

    def _check_drivers(self, raw: list[tuple[Cell, str, Mapping[str, Nets], Nets]]) -> None:
        driven = [nets[nets >= 0] for _, _, _, nets in raw]
        driven += [nets[nets >= 0] for bank in self.banks for _, nets in bank.outputs]
        driven += [self.netlist.ports[name] for name in self.netlist.inputs]
        every = np.concatenate(driven) if driven else np.zeros(0, np.int32)
        net, times = np.unique(every, return_counts=True)
        if (times > 1).any() or (net <= ONE).any():
            raise VerificationError(f"net {int(net[np.argmax(times)])} of {self.netlist.top} is driven more than once")

    def _levelise(
        self, raw: list[tuple[Cell, str, Mapping[str, Nets], Nets]]
    ) -> tuple[list[list[Gate]], NDArray[np.int32]]:
        """Order the gates so that each comes after those that it reads."""
        level = np.zeros(self.netlist.nets, np.int32)
        for depth in range(self.netlist.size() + 2):
            changed = False
            for cell, pin, pins, out in raw:
                names = cell.outputs[pin].names
                found = np.max([level[pins[name]] for name in names], axis=0) + 1 if names else np.ones(len(out))
                keep = out >= 0
                if (level[out[keep]] != found[keep]).any():
                    level[out[keep]] = found[keep]
                    changed = True
            if not changed:
                break
            if depth > self.netlist.size():
                raise VerificationError(f"cells of {self.netlist.top} form a loop without a flip-flop")
        gates: list[list[Gate]] = [[] for _ in range(int(level.max()) + 1)]
        for cell, pin, pins, out in raw:
            expression = cell.outputs[pin]
            function = expression.compiled()
            here = np.where(out >= 0, level[np.maximum(out, 0)], -1)
            for number in np.unique(here[here >= 0]):
                chosen = np.flatnonzero(here == number)
                columns = tuple((name, pins[name][chosen]) for name in expression.names)
                gates[int(number)].append(Gate(function, columns, out[chosen]))
        return gates, level

    def drive(self, port: str, bits: NDArray[np.uint8]) -> None:
        """Set an input port; it takes effect when the netlist settles.

        Parameters
        ----------
        bits : uint8 (lanes, width) or (1, width) for all lanes alike, least significant bit first
        """
        nets = self.netlist.ports[port]
        if len(bits) == 1:
            self.values[nets] = np.where(bits[0, :, None] != 0, ALL, np.uint64(0))
        else:
            self.values[nets] = to_words(bits)

    def read(self, port: str) -> NDArray[np.uint8]:
        """Return the value of a port in every lane, uint8 (lanes, width), least significant bit first."""
        return from_words(self.values[self.netlist.ports[port]])

    def settle(self) -> None:
        """Compute all nets from the inputs and the flip-flops, asynchronous resets among them.

        Raises
        ------
        VerificationError
            When the resets do not come to rest.
        """
        for _ in range(_SETTLING):
            self.propagate()
            if not self._asynchronous():
                return
        raise VerificationError(f"the asynchronous resets of {self.netlist.top} do not come to rest")

    def propagate(self) -> None:
        """Compute all nets from the inputs and the flip-flops, whose states stay."""
        self.load_outputs()
        for level in self.levels:
            for gate in level:
                self.values[gate.out] = gate.compute(self.values)

    def settle_with_unit_delays(self, toggles: NDArray[np.float64]) -> None:
        """Compute all nets as ``propagate`` does, but one gate delay at a time, and count every change on the way.

        Parameters
        ----------
        toggles : changes of each net over all lanes, added to, float64 (nets,); those of the inputs are not counted
        """
        before = self.values.copy()
        self.load_outputs()
        np.add(toggles, changes(self.values, before), out=toggles)
        for step in range(1, len(self.levels)):
            moved = False
            # From the last level to the first: what a gate reads is still as it was one delay ago.
            for level in reversed(self.levels[step:]):
                for gate in level:
                    found = gate.compute(self.values)
                    flips = found ^ self.values[gate.out]
                    if flips.any():
                        toggles[gate.out] += np.bitwise_count(flips).sum(axis=1)
                        self.values[gate.out] = found
                        moved = True
            if not moved:
                return

    def clock(self) -> None:
        """Make a rising edge: the flip-flops take their next states; nothing else changes before ``settle``."""
        following = []
        for bank in self.banks:
            expression = bank.flop.next_state
            state = expression.compiled()(bank.words(self.values, expression.names))
            enabled = bank.enabled(self.values)
            following.append(state if enabled is None else (state & enabled) | (bank.state & ~enabled))
        for bank, state in zip(self.banks, following, strict=True):
            bank.state = np.broadcast_to(state, bank.state.shape).copy()
        self._asynchronous()

    def force(self, states: Iterable[tuple[int, int, bool]]) -> None:
        """Set flip-flops in all lanes: bank, number in the bank, state."""
        for bank, number, state in states:
            self.banks[bank].state[number] = ALL if state else 0

    def load_outputs(self) -> None:
        """Put the states of the flip-flops on their output nets, and leave everything else as it is."""
        for bank in self.banks:
            self._outputs(bank)

    def _outputs(self, bank: FlopBank) -> None:
        words = {"ZERO": np.uint64(0), "ONE": ALL, bank.flop.state: bank.state, bank.flop.inverse: ~bank.state}
        for function, nets in bank.outputs:
            keep = nets >= 0
            self.values[nets[keep]] = np.asarray(function(words))[keep]

    def _asynchronous(self) -> bool:
        """Apply clear and preset; tell whether a state changed."""
        changed = False
        for bank in self.banks:
            state = bank.state
            for expression, value in ((bank.flop.preset, ALL), (bank.flop.clear, np.uint64(0))):
                if expression is not None:
                    active = expression.compiled()(bank.words(self.values, expression.names))
                    state = (state & ~active) | (active & value)
            if state is not bank.state and not np.array_equal(state, bank.state):
                bank.state, changed = state, True
        return changed
