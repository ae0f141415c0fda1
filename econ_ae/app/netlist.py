"""The mapped netlist of a run's complete block: found or synthesised, and its power on real events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from econ_ae.app import costing
from econ_ae.app.run.context import Context

GLITCH_CLOCKS = 2
"""Clocks of each lane whose glitches are counted."""


def mapped_netlist(context: Context, liberty: Path | None) -> Any:
    """Return the netlist of the complete block that ``econ-ae costs`` left, or synthesise it as that does.

    Raises
    ------
    LibertyError, ToolMissingError, ToolError
        When the library cannot be used or the synthesis fails.
    """
    from rtl_gen.costs import generic
    from rtl_gen.verilog import block_module, generate_block
    from sim.netlist import NETLIST as JSON
    from sim.netlist import MappedNetlist

    model = context.model()
    name = "generic" if liberty is None else liberty.name.partition(".")[0]
    folder = context.path(costing.COSTS, f"{name}-{costing.BLOCK}")
    stamp = costing.inputs_stamp(generate_block(model, netlist_options(context)), liberty)
    mark = folder / costing.STAMP
    same = mark.is_file() and mark.read_text(encoding="utf-8") == stamp
    if not (same and (folder / JSON).is_file()):
        costing.costs(context, liberty=liberty, block=costing.BLOCK, power_events=0)
    library = folder / f"{generic.NAME}.lib" if liberty is None else liberty
    return MappedNetlist(folder, block_module(model), library)


def netlist_options(context: Context) -> Any:
    """Return the options of the datapath in the netlist."""
    return costing.options_of(context.config, context.model(), costing.DATAPATH)


def power(
    context: Context, liberty: Path, events: int | None, clock_ns: float, *, wire_load: str | None, glitches: bool
) -> Any:
    """Return the power of the complete block in a library's cells, on report rows; also left with the costs.

    Raises
    ------
    LibertyError
        When the library has no power data.
    ConfigError
        When it has no such wire load.
    """
    from econ_ae.files import write_json
    from sim.netlist_power import measure_power

    model = context.model()
    mapped = mapped_netlist(context, liberty)
    found = measure_power(
        mapped,
        model,
        netlist_options(context),
        context.codes(events or context.config.verify.real_events),
        clock_ns,
        wire_load=wire_load,
        glitch_clocks=GLITCH_CLOCKS if glitches else 0,
        report=mapped.folder / "power.json",
        progress=context.progress,
    )
    costs = mapped.folder / costing.FILE
    write_json(costs, json.loads(costs.read_text(encoding="utf-8")) | {"power": found.summary()})
    return found
