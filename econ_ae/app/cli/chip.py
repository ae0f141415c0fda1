"""The commands `econ-ae econt` and `econ-ae registers`: thin, as ``cli``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from econ_ae.app.cli.options import Json, RunPath, check_file
from econ_ae.app.cli.shell import Shell
from econ_ae.errors import ConfigError

if TYPE_CHECKING:
    from econ_ae.ir.model import EncoderModel
    from rtl_gen.registers import AddressMap, Write

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
        str | None,
        typer.Option(
            "--format",
            help="econt-yaml (default), i2c-script, c-header, hex or json; cells-yaml of an encoder that sends cells.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write the weights of a run as the chip takes them, the dense kernel output-major, or limits and biases."""
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
    file: Annotated[
        Path | None,
        typer.Option("--registers", help="Load all registers of this cells-yaml, for i2c-weights; default: the rule."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write the address map of the generated block's registers, or the I2C bytes that load the run's weights."""
    from econ_ae.app.run.context import open_run
    from econ_ae.ir import weights
    from econ_ae.progress import Silent
    from rtl_gen.registers import address_map, c_header, i2c_sequence, markdown, systemrdl, weight_writes

    _check(out, overwrite=overwrite)
    model = open_run(run_path, Silent()).model()
    if file is not None and form != "i2c-weights":
        raise ConfigError(f"--registers goes with --format i2c-weights, not {form}")

    def i2c_weights(layout: AddressMap) -> str:
        if file is not None:
            return i2c_sequence(_all_writes(layout, model, file), i2c_address, one_transaction=True)
        return i2c_sequence(weight_writes(layout, weights.pack(model)), i2c_address, one_transaction=True)

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
    into: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Run whose encoder gets the registers; needed for one that sends cells."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="encoder.json to write; default: standard output.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Make an encoder of the chip's weights, or of limits and biases."""
    from econ_ae.econt.registers.import_weights import import_weights
    from econ_ae.ir import codec

    _check(out, overwrite=overwrite)
    if into is not None:
        _write(_with_registers(into, file) + "\n", out)
        return
    imported = import_weights(file, dense_order=dense_order)
    for message in imported.messages:
        typer.echo(f"econ-ae: warning: {message}", err=True)
    _write(codec.dumps(imported.model) + "\n", out)


def _with_registers(run_path: Path, file: Path) -> str:
    """Return the encoder of a run, which sends cells, with the rule in a register file, as JSON."""
    from econ_ae.app.run.context import open_run
    from econ_ae.econt.registers.import_weights import import_cells
    from econ_ae.ir import codec
    from econ_ae.progress import Silent

    model = open_run(run_path, Silent()).model()
    if not model.sends_cells:
        raise ConfigError(f"{run_path} has an encoder of layers, whose register file holds all of it; leave out --into")
    found = import_cells(file, model)
    if not found.plain_settings():
        typer.echo(
            "econ-ae: warning: mux, calibration and control of the file are no part of an encoder; load them with "
            f"econ-ae registers map {run_path} --format i2c-weights --registers {file}",
            err=True,
        )
    return codec.dumps(found.into(model))


def _all_writes(layout: AddressMap, model: EncoderModel, file: Path) -> list[Write]:
    """Return the writes of everything in a register file of an encoder that sends cells, control at the end."""
    from econ_ae.econt.registers.import_weights import import_cells
    from econ_ae.ir import weights
    from rtl_gen.registers import register_write, weight_writes

    if not model.sends_cells:
        raise ConfigError(
            f"--registers takes the cells-yaml of an encoder that sends cells; {model.name} sends latents"
        )
    found = import_cells(file, model)
    return [
        register_write(layout, "mux", found.mux),
        register_write(layout, "calibration", found.calibration),
        *weight_writes(layout, weights.pack(found.into(model))),
        register_write(layout, "control", found.enable | found.refresh_disable << 1),
    ]


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
