"""The command `econ-ae physics`: thin, it is one function call elsewhere."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json
from econ_ae.errors import ConfigError


def physics(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN...]", help="Campaigns, families, or a run per eLink count.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="File of whole events (.npz, .root); default: generated ones alone.")
    ] = None,
    events: Annotated[str | None, typer.Option(help="Events of the file, first:end; default: all.")] = None,
    algorithms: Annotated[
        str, typer.Option(help="What is compared, with commas.")
    ] = "all,threshold,bc,bc-filled,stc,ts,abc,ccc",
    section: Annotated[str, typer.Option(help="Modules that are there: all or CE-E.")] = "all",
    generated: Annotated[int, typer.Option(help="Generated events with two electrons; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the generated events.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Directory; default: a new one under runs/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the measures in --out.")] = False,
    experiment: Annotated[str, typer.Option(help="Name inside the plots, in bold.")] = "",
    as_json: Json = False,
) -> None:
    """Measure what compression costs the trigger: clusters, resolution, turn-on, rate, electrons against pileup."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.physics.run import NUMBERS, PAGE, Plan, folder_of, run
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.files import read_json

    names = tuple(name.strip() for name in algorithms.split(",") if name.strip())
    plan = Plan(tuple(runs or ()), names, data, _range(events), section, generated, seed, experiment)
    folder = folder_of(out or fresh_path(Path("runs"), "physics"), overwrite=overwrite)
    found = run(plan, folder, Terminal(quiet=as_json))
    if as_json:
        print_json(read_json(folder / NUMBERS))
        return
    for result in found.results:
        rows = [
            {"measure": row.title} | {name: _short(row.values.get(name)) for name in result.algorithms}
            for row in result.rows
        ]
        print_table(result.title, rows)
    for sentence in found.sentences:
        typer.echo(sentence)
    typer.echo(f"page: {folder / PAGE}")


def _short(value: object) -> str:
    number, error = getattr(value, "value", float("nan")), getattr(value, "error", float("nan"))
    return "-" if math.isnan(number) else f"{number:.4g} ± {error:.1g}"


def _range(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if match is None or int(match[1]) >= int(match[2]):
        raise ConfigError(f"--events {text!r} not understood; expected first:end, for example 60:70")
    return int(match[1]), int(match[2])
