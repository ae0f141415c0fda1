"""The command `econ-ae campaign`: thin, it is one function call elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json, continued_by
from econ_ae.errors import ConfigError


def campaign(
    config: Annotated[
        str | None, typer.Argument(metavar="CONFIG", help="TOML file, or the name of a campaign: cms (default).")
    ] = None,
    data: Annotated[str | None, typer.Option(help="File of module images with their places.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory; default: a new one under runs/.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings per class; the best by validation wins.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Encoders at a time; default: CPUs and memory.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the campaign in --out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the campaign in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Train, freeze and verify an encoder for every class of modules, and say what each class should send."""
    from econ_ae.app.campaign.run import run, with_map
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.app.run.family import CampaignDirectory
    from econ_ae.config import campaign as settings

    if overwrite and resume:
        raise ConfigError("--overwrite and --resume exclude each other; give one")
    if resume and out is None:
        raise ConfigError("--resume needs --out, the campaign to continue")
    if resume and out is not None and out.exists() and (config, data, seeds) == (None,) * 3:
        found = CampaignDirectory.open(out).config
    else:
        given = config or settings.DEFAULT
        path = Path(given)
        found = settings.load(path, seeds=seeds) if path.suffix else settings.named(given, seeds=seeds)
        found = with_map(found.changed("options", data={"source": data}))
    place = out or fresh_path(Path("runs"), f"{found.name}-{Path(found.first.data.source).stem}")
    with continued_by(shlex.join(["econ-ae", "campaign", "--out", str(place), "--resume"]), place):
        run(place, found, overwrite=overwrite, resume=resume, progress=Terminal(quiet=as_json), jobs=jobs)
    show(place, as_json=as_json)


def show(place: Path, *, as_json: bool) -> None:
    """Print the report of a finished campaign."""
    from econ_ae.app.cli.console import print_json, print_table
    from econ_ae.files import read_json

    told = read_json(place / "report" / "report.json")
    if as_json:
        print_json(told)
        return
    typer.echo("Mean EMD of the report images, each on the eLinks of its module; smaller is better.")
    for title in ("By class", "By section"):
        if title in told["groups"]:
            rows = [
                {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items() if not k.endswith(", error")}
                for row in told["groups"][title]
            ]
            print_table(title, rows)
    for row in told["recommendations"]:
        typer.echo(f"{row['name']}: {row['algorithm']} (Verilog: {row['verified']})")
    typer.echo(f"report: {place / 'report' / 'index.html'}")
