"""The command `econ-ae export`: thin, as ``cli``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json
from econ_ae.errors import ConfigError, did_you_mean

_FORMATS = ("cmssw",)


def export(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run or a campaign.")],
    form: Annotated[str, typer.Option("--format", help="cmssw: graphs and configuration of CMSSW's class.")],
    out: Annotated[Path, typer.Option(help="Directory to write.")],
    target: Annotated[str, typer.Option(help="Of cmssw: cms-sw (the release) or fork (the collaboration's).")] = "fork",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the export in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Write a run or a campaign for those who use it elsewhere, compared with the integer model first."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.export.cmssw.write import export as write_cmssw
    from econ_ae.app.export.cmssw.write import rows

    if form not in _FORMATS:
        raise ConfigError(f"format {form!r} is unknown; expected {' or '.join(_FORMATS)}{did_you_mean(form, _FORMATS)}")
    found = rows(write_cmssw(path, target, out, Terminal(quiet=as_json), overwrite=overwrite))
    if as_json:
        print_json(found)
        return
    print_table(f"{form}, {target}", found)
    typer.echo(out)
