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
    decoder: Annotated[
        str, typer.Option(help="own, or unconditional: the one without conditions that campaigns train as well.")
    ] = "own",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the export in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Write a run or a campaign for those who use it elsewhere, compared with the integer model first."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.export.formats import write
    from econ_ae.app.export.request import Request

    found = write(form, Request(path, out, Terminal(quiet=as_json), overwrite, target, version, types, decoder))
    if as_json:
        print_json(found)
        return
    print_table(f"{form}, {target}" if form == "cmssw" else form, found)
    typer.echo(out)


def import_(
    file: Annotated[Path, typer.Argument(help="Model: .h5, .hdf5 or .keras, .onnx, or a register YAML.")],
    form: Annotated[str, typer.Option("--format", help="qkeras, qonnx, hgq2 or econt-yaml.")],
    out: Annotated[Path, typer.Option(help="Run directory to make.")],
    decoder: Annotated[Path | None, typer.Option(help="Keras file of its decoder; default: one is trained.")] = None,
    architecture: Annotated[Path | None, typer.Option(help="JSON of its layers, for files of weights alone.")] = None,
    decoder_architecture: Annotated[Path | None, typer.Option(help="The same of the decoder.")] = None,
    arithmetic: Annotated[
        str | None, typer.Option(help="exact, as Keras computes, or chip: products floored. Default: what was trained.")
    ] = None,
    elinks: Annotated[int | None, typer.Option(min=1, max=13, help="Links; default: as few as hold all bits.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Leading bits of every latent; default: what fits.")] = None,
    weight_format: Annotated[str | None, typer.Option(help="Of weights without a usable quantizer, as s0.5.")] = None,
    activation_format: Annotated[str | None, typer.Option(help="Of activations without one, as u2.7.")] = None,
    latent_format: Annotated[str | None, typer.Option(help="Of latents without one, as u1.8.")] = None,
    rounding: Annotated[
        str | None, typer.Option(help="Of float weights: nearest, or floor as the chip's files.")
    ] = None,
    dense_order: Annotated[
        str, typer.Option(help="out-in, or in-out: what a chip with the published, scrambled registers computes.")
    ] = "out-in",
    conditions: Annotated[str | None, typer.Option(help="Of the decoder, in its order, with commas.")] = None,
    data: Annotated[str | None, typer.Option(help="Data of the run, as of `econ-ae run`.")] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Images to generate, or to read of --data.")] = None,
    python: Annotated[
        str | None, typer.Option(help="Interpreter that has HGQ2; default: that of scripts/hgq2-environment.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the encoder in Verilog and C.")] = "imported",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
) -> None:
    """Make a run of a model that somebody else trained; continue it with: econ-ae run --out OUT --resume."""
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.imported.run import Files, import_model
    from econ_ae.app.imported.settings import choice_of

    choice = choice_of(
        form,
        name=name,
        arithmetic=arithmetic,
        elinks=elinks,
        keep=keep,
        formats=(weight_format, activation_format, latent_format),
        rounding=rounding,
        dense_order=dense_order,
        conditions=conditions,
        python=python,
    )
    files = Files(file, architecture, decoder, decoder_architecture)
    made = import_model(files, form, choice, out, Terminal(), source=data, events=events, overwrite=overwrite)
    for message in made.messages:
        typer.echo(f"econ-ae: note: {message}", err=True)
    typer.echo(out)
