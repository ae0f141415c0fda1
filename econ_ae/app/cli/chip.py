"""The commands `econ-ae econt` and `econ-ae registers`: thin, as ``cli``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from econ_ae.app.cli.options import Json, RunPath, check_file
from econ_ae.app.cli.shell import Shell
from econ_ae.errors import ConfigError

econt = Shell(help="The ECON-T chip: published vectors through the model and the Verilog.")
registers = Shell(help="Weights and settings as the chip's registers.")


@econt.command()
def replay(
    vectors: Annotated[Path, typer.Argument(metavar="VECTORS_DIR", help="testInput.csv and configuration folders.")],
    config: Annotated[list[str] | None, typer.Option(help="Configuration folder; may be given several times.")] = None,
    elinks: Annotated[int | None, typer.Option(min=1, max=13, help="Output links, where a file gives none.")] = None,
    address_map: Annotated[str | None, typer.Option(help="tc0-first or tc47-first, against the numbering.")] = None,
    against: Annotated[str, typer.Option(help="model, or rtl: the autoencoder's Verilog in Icarus.")] = "model",
    as_json: Json = False,
) -> None:
    """Run published vectors through the model and compare every output word; exit code 1 on any difference."""
    from econ_ae.app.cli.console import print_json
    from econ_ae.econt import replay as replaying

    if against not in {"model", "rtl"}:
        raise ConfigError(f"--against {against!r} is unknown; expected model or rtl")
    if against == "rtl":
        from sim.bench.replay import replay_rtl

        if elinks is not None or address_map is not None:
            raise ConfigError("--elinks and --address-map are for --against model; the Verilog takes the registers'")
        with tempfile.TemporaryDirectory(prefix="econ-ae-") as folder:
            results = replay_rtl(vectors, config, Path(folder))
    else:
        results = replaying.replay(vectors, config, elinks, address_map)
    if as_json:
        print_json(replaying.rows(results))
    else:
        typer.echo("\n".join(replaying.lines(results)))
    if not all(result.ok for result in results):
        raise typer.Exit(1)


@registers.command("export")
def registers_export(
    run_path: RunPath,
    form: Annotated[
        str, typer.Option("--format", help="econt-yaml, i2c-script, c-header, hex or json.")
    ] = "econt-yaml",
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write the weights of a run as the chip takes them, the dense kernel output-major."""
    from econ_ae.app.run.context import open_run
    from econ_ae.econt.registers.export import export
    from econ_ae.progress import Silent

    _check(out, overwrite=overwrite)
    _write(export(open_run(run_path, Silent()).model(), form), out)


@registers.command("map")
def registers_map(
    run_path: RunPath,
    form: Annotated[str, typer.Option("--format", help="markdown, systemrdl, c-header or i2c-weights.")] = "markdown",
    i2c_address: Annotated[int, typer.Option(min=0, max=127, help="Of the block, for i2c-weights.")] = 0x20,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write the address map of the generated block's registers, or the I2C bytes that load the run's weights."""
    from econ_ae.app.run.context import open_run
    from econ_ae.ir import weights
    from econ_ae.progress import Silent
    from rtl_gen.registers import AddressMap, address_map, c_header, i2c_sequence, markdown, systemrdl, weight_writes

    _check(out, overwrite=overwrite)
    model = open_run(run_path, Silent()).model()

    def i2c_weights(layout: AddressMap) -> str:
        writes = weight_writes(layout, weights.pack(model))
        return i2c_sequence(writes, i2c_address, one_transaction=True)

    forms = {"markdown": markdown, "systemrdl": systemrdl, "c-header": c_header, "i2c-weights": i2c_weights}
    if form not in forms:
        raise ConfigError(f"format {form!r} is unknown; expected one of {', '.join(forms)}")
    _write(forms[form](address_map(model)), out)


@registers.command("import")
def registers_import(
    file: Annotated[Path, typer.Argument(help="Register YAML, or any file that `registers export` writes.")],
    dense_order: Annotated[
        str, typer.Option(help="out-in, as the chip reads it, or in-out, to undo a scramble.")
    ] = "out-in",
    out: Annotated[Path | None, typer.Option(help="encoder.json to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Make an encoder of the chip's weights."""
    from econ_ae.econt.registers.import_weights import import_weights
    from econ_ae.ir import codec

    _check(out, overwrite=overwrite)
    imported = import_weights(file, dense_order=dense_order)
    for message in imported.messages:
        typer.echo(f"econ-ae: warning: {message}", err=True)
    _write(codec.dumps(imported.model) + "\n", out)


def _check(path: Path | None, *, overwrite: bool) -> None:
    if path is not None:
        check_file(path, overwrite=overwrite)


def _write(text: str, path: Path | None) -> None:
    from econ_ae.app.cli.verbosity import quiet
    from econ_ae.files import write_text

    if path is None:
        typer.echo(text, nl=False)
        return
    write_text(path, text)
    if not quiet():
        typer.echo(path, err=True)
