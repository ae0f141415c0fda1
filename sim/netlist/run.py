"""Real events through a mapped netlist: every output against econ_ae's models, every change of every net counted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress, Silent
from rtl_gen.costs.library.cells import Cell
from rtl_gen.costs.netlist.flat import FlatNetlist
from rtl_gen.costs.power.activity import Activity
from rtl_gen.registers import address_map
from rtl_gen.verilog import VerilogOptions, block_module, latency, ports
from rtl_gen.verilog.regfile import ports as configuration_positions
from sim.netlist.simulator import NetlistSimulator
from sim.netlist.tmr import find_bits
from sim.netlist.trace import Tracer
from sim.netlist.words import changes
from sim.result import Outcome, first
from sim.stimulus import golden
from sim.stimulus.buses import Bits, from_number
from sim.stimulus.settings import Settings

_RESET_CLOCKS = 8  # the reset synchronisers need two, the filters of the bus a few more
_WORD = 64
_IDLE_HIGH = ("scl_i", "sda_i")  # an idle I2C bus


@dataclass(frozen=True, kw_only=True)
class NetlistRun(Outcome):
    """Outcome of a simulation of a netlist; every bit of every output of every event was compared.

    Parameters
    ----------
    activity : changes of every net, zero delay
    with_glitches : the same with one unit of delay a gate; None when it was not asked for
    lanes, clocks : independent runs side by side, and clocks of each that were counted
    """

    activity: Activity
    with_glitches: Activity | None
    lanes: int
    clocks: int


def run_netlist(
    netlist: FlatNetlist,
    cells: Mapping[str, Cell],
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    *,
    settings: Settings | None = None,
    lanes: int = 64,
    glitch_clocks: int = 0,
    progress: Progress | None = None,
) -> NetlistRun:
    """Simulate a netlist on real events and compare every output with econ_ae's models.

    The events are cut into as many runs as there are lanes, each from reset. In each run an event comes every clock;
    changes are counted from the clock on at which the pipeline is full. Events that are too few for that are repeated.

    Parameters
    ----------
    netlist : of the block that ``options`` name, or of the complete block with its registers
    cells : behaviour of its cells
    events : what the block takes, integers (n, cells) or (n, rows, cols, channels)
    settings : configuration inputs or register contents; the model's own without them
    lanes : a multiple of 64
    glitch_clocks : clocks of each run that are simulated again with one unit of delay a gate

    Raises
    ------
    VerificationError
        When there is no event, or the netlist is not what the model and the options say.
    """
    started = time.perf_counter()
    settings = settings or Settings.plain(model)
    depth = latency(model, options)
    if not len(events):
        raise VerificationError("0 events to simulate; expected at least one")
    length = max(len(events) // lanes, depth + 2)
    chosen = np.arange(lanes * length) % len(events)
    rows = events[chosen].astype(np.int64).reshape(lanes, length, *events.shape[1:])
    simulator = NetlistSimulator(netlist, cells, lanes // _WORD)
    complete = netlist.top == block_module(model)
    _start(simulator)
    if complete:
        _load_registers(simulator, netlist, cells, options, settings)
    else:
        for name, value in golden.configuration(settings, ports(model, options)).items():
            simulator.drive(name, from_number(value, len(netlist.ports[name])))
        _idle(simulator)
    inputs, wanted = _vectors(model, options, settings, rows)
    toggles = np.zeros(netlist.nets)
    glitches = np.zeros(netlist.nets)
    problems: list[str] = []
    wrong = compared = 0
    simulator.drive("in_valid", np.ones((1, 1), np.uint8))
    with (progress or Silent()).bar("netlist", length) as bar:
        for clock in range(length):
            for name, bits in inputs.items():
                simulator.drive(name, bits[:, clock])
            before = simulator.values.copy()
            if 0 < clock - depth <= glitch_clocks:
                simulator.settle_with_unit_delays(glitches)
            simulator.settle()
            if clock > depth:
                toggles += changes(simulator.values, before)
            if clock >= depth:
                found = {name: simulator.read(name) for name in wanted}
                bad, words = _compare(found, {n: bits[:, clock - depth] for n, bits in wanted.items()}, clock - depth)
                wrong, compared = wrong + bad, compared + lanes
                problems += words
                if not simulator.read("out_valid").all():
                    raise VerificationError(f"out_valid is low {clock} clocks after the first event, expected 1")
            if clock + 1 < length:
                simulator.clock()
            bar.advance(1)
    counted = (length - depth - 1) * lanes
    seen = min(glitch_clocks, length - depth - 1) * lanes
    sample, cases = simulator.values.copy(), lanes
    return NetlistRun(
        events=compared,
        mismatches=wrong,
        first_mismatch=first(problems),
        activity=Activity("simulated, zero delay", toggles / counted, sample, cases, counted),
        with_glitches=Activity("simulated, unit delay", glitches / seen, sample, cases, seen) if seen else None,
        lanes=lanes,
        clocks=length - depth - 1,
        seconds=round(time.perf_counter() - started, 2),
    )


def _start(simulator: NetlistSimulator) -> None:
    """Reset the design, with everything idle."""
    for name in simulator.netlist.inputs:
        high = name in _IDLE_HIGH
        simulator.drive(name, np.full((1, len(simulator.netlist.ports[name])), high, np.uint8))
    simulator.settle()
    simulator.drive("rst_n", np.ones((1, 1), np.uint8))
    _idle(simulator)


def _idle(simulator: NetlistSimulator) -> None:
    for _ in range(_RESET_CLOCKS):
        simulator.settle()
        simulator.clock()
    simulator.settle()


def _load_registers(
    simulator: NetlistSimulator,
    netlist: FlatNetlist,
    cells: Mapping[str, Cell],
    options: VerilogOptions,
    settings: Settings,
) -> None:
    """Put the settings into all three copies of the register bank, and check that they stay."""
    model = settings.model
    problems: list[str] = []
    bits = {bit.name: bit for bit in find_bits(netlist, Tracer(netlist, cells), problems)}
    banks = {bank.cell: i for i, bank in enumerate(simulator.banks)}
    layout = address_map(model)
    control = layout.register("control")
    contents = {8 * layout.index[control.address] + field.lsb: field.name == "enable" for field in control.fields}
    values = golden.configuration(settings, ports(model, options))
    for name, positions in configuration_positions(layout).items():
        if name in values:
            contents |= {place: bool(values[name] >> i & 1) for i, place in enumerate(positions)}
    states = []
    for place, value in contents.items():
        bit = bits.get(f"configuration.bank[{place}]")
        if bit is not None:
            states += [(banks[s.flop[0]], s.flop[1], value ^ s.inverted) for s in bit.copies]
    if problems or not states:
        what = problems[0] if problems else "no triplicated bit was found by its name"
        raise VerificationError(f"the registers of {netlist.top} cannot be loaded: {what}")
    simulator.force(states)
    _idle(simulator)
    held = simulator.values[netlist.names["configuration.bank.voted"]]
    for place, value in contents.items():
        if bool(held[place].any()) != value or (value and not np.all(held[place] == held[place].max())):
            raise VerificationError(f"bit {place} of the register bank does not hold what was loaded")


def _vectors(
    model: EncoderModel, options: VerilogOptions, settings: Settings, rows: IntArray
) -> tuple[dict[str, Bits], dict[str, Bits]]:
    """Return inputs and expected outputs, uint8 (lanes, clocks, width) by port."""
    lanes, length = rows.shape[:2]
    flat = rows.reshape(lanes * length, *rows.shape[2:])
    crossing = np.tile(np.arange(length), lanes)
    given = golden.inputs(model, options, flat, crossing == 0)
    wanted = golden.expected(settings, options, flat, crossing)
    return (
        {name: bits.reshape(lanes, length, -1) for name, bits in given.items()},
        {name: bits.reshape(lanes, length, -1) for name, bits in wanted.items()},
    )


def _compare(found: Mapping[str, Bits], wanted: Mapping[str, Bits], event: int) -> tuple[int, Sequence[str]]:
    """Return the number of wrong lanes, and the first difference in words."""
    differs = np.zeros(len(next(iter(found.values()))), np.bool_)
    words: list[str] = []
    for name, bits in found.items():
        wrong = (bits != wanted[name]).any(axis=1)
        if wrong.any() and not words:
            lane = int(np.argmax(wrong))
            bit = int(np.argmax(bits[lane] != wanted[name][lane]))
            words.append(f"run {lane}, event {event}: bit {bit} of {name} is {bits[lane, bit]}")
        differs |= wrong
    return int(differs.sum()), words
