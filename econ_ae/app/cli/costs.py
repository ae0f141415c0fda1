"""The commands `econ-ae costs` and `econ-ae power`: thin, as ``cli``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json, RunPath

ClockNs = Annotated[float, typer.Option(min=0.1, max=1e6, help="Clock period.")]


def costs(
    run_path: RunPath,
    liberty: Annotated[
        Path | None, typer.Option(help="Cell library (.lib, .lib.gz); default: gate equivalents, no timing, no power.")
    ] = None,
    clock_ns: ClockNs = 25.0,
    block: Annotated[str, typer.Option(help="encoder, datapath, or block: all with the registers.")] = "block",
    power_events: Annotated[
        int | None, typer.Option(min=0, help="Report events simulated for the power; 0: no power.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=1, help="Seconds that each run of yosys may take.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Area of the block from a fitted model, without synthesis; NanGate 45.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Area, timing and power of the hardware in silicon, beside the published chip; before layout."""
    from econ_ae.app import cost_estimate, cost_tables, costing
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.run.context import open_run

    context = open_run(run_path, Terminal(quiet=as_json))
    if estimate:
        guess = cost_estimate.estimated(context, block, liberty)
        if as_json:
            print_json(asdict(guess))
        else:
            print_table("Area of the block, estimated without synthesis", cost_estimate.rows(guess))
            typer.echo(cost_estimate.line(guess))
        return
    found = costing.costs(
        context, liberty=liberty, clock_ns=clock_ns, block=block, timeout=timeout, power_events=power_events
    )
    if as_json:
        print_table("", [json.loads(found.to_json())], as_json=True)
        return
    print_table(f"Area of the {block} in {found.library}, before layout", cost_tables.area_rows(found))
    if found.power is not None:
        print_table(f"Power at {clock_ns:g} ns, mW, before layout", cost_tables.power_rows(found))
    print_table("Three columns that cannot be subtracted from each other", cost_tables.comparison_rows(found))
    for line in (cost_tables.text_of(context, found), *cost_tables.lines(found)):
        typer.echo(line)


def power(
    run_path: RunPath,
    liberty: Annotated[Path, typer.Option(help="Cell library with power tables (.lib, .lib.gz).")],
    events: Annotated[int | None, typer.Option(min=1, help="Real events to simulate.")] = None,
    clock_ns: ClockNs = 25.0,
    wire_load: Annotated[str | None, typer.Option(help="Wire-load model of the library, or none.")] = None,
    glitches: Annotated[bool, typer.Option("--glitches", help="Also count glitches, with unit delays.")] = False,
    as_json: Json = False,
) -> None:
    """Power of the complete block before layout, with the activity of real events, part by part in mW."""
    from econ_ae.app import cost_tables, netlist
    from econ_ae.app.cli.console import Terminal, print_table
    from econ_ae.app.run.context import open_run

    context = open_run(run_path, Terminal(quiet=as_json))
    found = netlist.power(context, liberty, events, clock_ns, wire_load=wire_load, glitches=glitches)
    rows = cost_tables.activity_rows(found)
    print_table(f"power before layout, mW, {clock_ns:g} ns", rows, as_json=as_json)
