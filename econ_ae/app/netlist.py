"""The mapped netlist of a run's complete block: found or synthesised, and its power on real events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app import costing
from econ_ae.app.costed import BLOCK, Design, design
from econ_ae.app.run.context import Context
from econ_ae.errors import RunDirectoryError
from econ_ae.files import write_text

if TYPE_CHECKING:
    from rtl_gen.costs import PowerCosts
    from sim.netlist import MappedNetlist

GLITCH_CLOCKS = 2
"""Clocks of each lane whose glitches are counted."""


def mapped_netlist(
    context: Context, liberty: Path | None, clock_ns: float | None = None
) -> tuple[MappedNetlist, Design]:
    """Return the netlist of the complete block that ``econ-ae costs`` left, or synthesise it as that does.

    It is made again when anything that decides about it has changed: Verilog, library, scripts, clock, yosys.

    Parameters
    ----------
    clock_ns : that it must be made for; None takes the one that is there, or 25 ns

    Raises
    ------
    LibertyError, ToolMissingError, ToolError
        When the library cannot be used or the synthesis fails.
    """
    from rtl_gen.costs import recipe
    from sim.netlist import NETLIST

    made = design(context.config, context.model(), BLOCK)
    folder = costing.folder_of(context, liberty, BLOCK)
    try:
        there = costing.read(folder / costing.FILE).origin
    except RunDirectoryError:
        there = None
    clock = clock_ns or (there.clock_ns if there else costing.CLOCK_NS)
    wanted = costing.origin_of(made, recipe(folder, liberty, clock_ns=clock))
    if there != wanted or not (folder / NETLIST).is_file():
        costing.costs(context, liberty=liberty, clock_ns=clock, power_events=0)
    return costing.mapped(folder, made, liberty), made


def power(
    context: Context, liberty: Path, events: int | None, clock_ns: float, *, wire_load: str | None, glitches: bool
) -> PowerCosts:
    """Return the power of the complete block in a library's cells, on report rows; also left in its ``costs.json``.

    Raises
    ------
    LibertyError
        When the library has no power data.
    ConfigError
        When it has no such wire load.
    """
    gates, made = mapped_netlist(context, liberty, clock_ns)
    clocks = GLITCH_CLOCKS if glitches else 0
    found = costing.measured(context, gates, made, events, clock_ns, wire_load=wire_load, glitch_clocks=clocks)
    file = gates.folder / costing.FILE
    write_text(file, replace(costing.read(file), power=found, unpowered="", simulated=found.events).to_json())
    return found
