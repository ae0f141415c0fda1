"""The command `econ-ae export`: thin, as ``cli``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json


def export(
    path: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run or a campaign.")],
    form: Annotated[str, typer.Option("--format", help="cmssw, onnx, savedmodel, emulator or triton.")],
    out: Annotated[Path, typer.Option(help="Directory to write.")],
    target: Annotated[str, typer.Option(help="Of cmssw: cms-sw (the release) or fork (the collaboration's).")] = "fork",
    version: Annotated[int, typer.Option(min=1, help="Of the emulator library, or of the models on a server.")] = 1,
    types: Annotated[Path | None, typer.Option(help="Of the emulator: ap_types headers; default: hls4ml's.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the export in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Write a run or a campaign for those who use it elsewhere, compared with the integer model first."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.export.formats import Request, write

    found = write(form, Request(path, out, Terminal(quiet=as_json), overwrite, target, version, types))
    if as_json:
        print_json(found)
        return
    print_table(f"{form}, {target}" if form == "cmssw" else form, found)
    typer.echo(out)
