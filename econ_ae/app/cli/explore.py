"""The commands `econ-ae explore`: a search of the design space, and what is known of it; thin, as ``cli``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from econ_ae.app.cli.options import Json, continued_by
from econ_ae.app.cli.shell import Group, Shell
from econ_ae.errors import ConfigError


class _SearchByDefault(Group):
    """``econ-ae explore CONFIG`` means ``econ-ae explore search CONFIG``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["search", *args]
        return super().parse_args(ctx, args)


explore = Shell(
    cls=_SearchByDefault,
    help="Search the design space of encoders, here or on a cluster; CONFIG without a command means: search CONFIG.",
)
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do the work; default: this machine.")
]
Storage = Annotated[str | None, typer.Option(help="URL of a database for the trials; default: a file in --out.")]


@explore.command(extra="explore")
def search(
    config: Annotated[
        str | None,
        typer.Argument(metavar="CONFIG", help="TOML file of a search, or one that comes along: cells, layers."),
    ] = None,
    data: Annotated[str | None, typer.Option(help="File that every point trains on, instead of the base's.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Points that are drawn, instead of budget.trials.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes at a time; default: CPUs and memory.")] = None,
    cluster: Cluster = None,
    liberty: Annotated[
        Path | None, typer.Option(help="Cell library (.lib, .lib.gz) that the best points are synthesised into.")
    ] = None,
    storage: Storage = None,
    verify: Annotated[bool, typer.Option(help="Verify the Verilog of the front at the end.")] = True,
    out: Annotated[Path | None, typer.Option(help="Directory; default: a new one under runs/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the search in --out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the search in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Draw points, train them as far as they are worth it, synthesise and verify the best; end with the front."""
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.explore.directory import SearchDirectory
    from econ_ae.app.explore.run import Options, run
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.config.explore import named_or_file

    if overwrite and resume:
        raise ConfigError("--overwrite and --resume exclude each other; give one")
    if workers is not None and cluster is not None:
        raise ConfigError("--workers are processes of this machine, and --cluster has its own; give one")
    if resume and out is None:
        raise ConfigError("--resume needs --out, the search to continue")
    if config is not None:
        found = named_or_file(config).with_data(data).with_liberty(liberty)
    elif resume and out is not None:
        found = SearchDirectory.open(out).config.with_data(data).with_liberty(liberty)
    else:
        raise ConfigError("CONFIG is missing; expected a TOML file of a search, or one that comes along: cells, layers")
    found = found.with_trials(trials)
    place = out or fresh_path(Path("runs"), f"explore-{found.name}")
    again = ["econ-ae", "explore", "--out", str(place), "--resume"]
    again += [] if cluster is None else ["--cluster", cluster]
    again += [] if workers is None else ["--workers", str(workers)]
    again += [] if trials is None else ["--trials", str(trials)]
    again += [] if verify else ["--no-verify"]
    with continued_by(shlex.join(again) + (" --storage URL" if storage else ""), place):
        run(
            place,
            found,
            Options(workers, cluster, storage, verify),
            overwrite=overwrite,
            resume=resume,
            progress=Terminal(quiet=as_json),
        )
    _print(place, as_json=as_json)


@explore.command()
def show(
    place: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a search, also of one at work.")],
    as_json: Json = False,
) -> None:
    """Say where a search is, from any terminal, and write its page anew."""
    from econ_ae.app.explore.directory import SearchDirectory
    from econ_ae.app.explore.page import write

    found = SearchDirectory.open(place)
    write(found, list(found.state()))
    _print(place, as_json=as_json)


def _print(place: Path, *, as_json: bool) -> None:
    from econ_ae.app.cli.console import print_json, print_table
    from econ_ae.app.explore.directory import SearchDirectory
    from econ_ae.app.explore.summary import counts, front_rows, json_of

    found = SearchDirectory.open(place)
    trials = list(found.state())
    if as_json:
        print_json(json_of(found, trials))
        return
    print_table("Trials", [counts(found, trials)])
    if rows := front_rows(found, trials):
        print_table("The front: mean EMD of validation rows, in units of half a trigger-cell pitch", rows)
    typer.echo(f"page: {place / 'index.html'}")
