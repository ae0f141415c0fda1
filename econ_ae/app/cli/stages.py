"""The commands that make a run, all of it or stage by stage: thin, every command is one function call elsewhere."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from econ_ae.app.cli.options import FamilyPath, Json, RunPath, continued_by
from econ_ae.errors import ConfigError

if TYPE_CHECKING:
    from econ_ae.app.run.context import Context
    from econ_ae.app.run.family import FamilyDirectory
    from econ_ae.config import RunConfig
    from econ_ae.config.family import FamilyConfig

_REPORT = "report"


def run(
    preset: Annotated[
        str | None,
        typer.Option(help="frontier (default: encoders for 2 to 5 eLinks), econ-t, quick ...: see docs/index.md."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings, instead of a preset.")] = None,
    data: Annotated[
        str | None, typer.Option(help="CSV, ROOT, HDF5 or npz file, or pythia; default: synthetic images.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run directory; default: a new one under runs/.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Do everything: data, training, integer model, Verilog, verification, report."""
    from econ_ae.app import pipeline
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.run.directory import RunDirectory
    from econ_ae.app.run.family import FamilyDirectory, is_family
    from econ_ae.config.family import FamilyConfig

    if overwrite and resume:
        raise ConfigError("--overwrite and --resume exclude each other; give one")
    if resume and out is None:
        raise ConfigError("--resume needs --out, the run directory to continue")
    if resume and out is not None and (preset, config, data, seed) == (None,) * 4:
        settings = (FamilyDirectory if is_family(out) else RunDirectory).open(out).config
    else:
        settings = _settings(preset, config, data, seed)
    path, progress = out or _fresh(settings), Terminal(quiet=as_json)
    with continued_by(shlex.join(["econ-ae", "run", "--out", str(path), "--resume"]), path):
        if isinstance(settings, FamilyConfig):
            from econ_ae.app.family.run import run as run_family

            family = run_family(path, settings, overwrite=overwrite, resume=resume, progress=progress)
            _family_headline(family, as_json=as_json)
        else:
            context = pipeline.run(path, settings, overwrite=overwrite, resume=resume, progress=progress)
            _headline([context], context.path(_REPORT), as_json=as_json)


def _settings(preset: str | None, config: Path | None, data: str | None, seed: int | None) -> RunConfig | FamilyConfig:
    from econ_ae.config import changed
    from econ_ae.config.family import DEFAULT, FamilyConfig, load, named

    if preset and config:
        raise ConfigError("--preset and --config exclude each other; give one")
    settings = load(config) if config else named(preset or DEFAULT)
    changes: dict[str, Any] = {"seed": seed, "data": {"source": data}}
    if isinstance(settings, FamilyConfig):
        return settings.changed("options", **changes)
    return changed(settings, "options", **changes)


def _fresh(settings: RunConfig | FamilyConfig) -> Path:
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.config.family import FamilyConfig

    source = (settings.first if isinstance(settings, FamilyConfig) else settings).data.source
    return fresh_path(Path("runs"), f"{settings.name}-{Path(source).stem}")


def _family_headline(family: FamilyDirectory, *, as_json: bool) -> None:
    from econ_ae.app.run.context import open_run
    from econ_ae.progress import Silent

    _headline([open_run(path, Silent()) for path in family.members], family.path / _REPORT, as_json=as_json)


def _headline(contexts: list[Context], folder: Path, *, as_json: bool) -> None:
    from econ_ae.app.cli.console import print_json, print_table
    from econ_ae.app.headline import (
        EXACT,
        TRANSMITTED,
        by_elinks,
        headline_rows,
        synthetic,
        verification_line,
        who_wins,
    )

    rows = headline_rows(folder)
    if as_json:
        print_json(rows)
        return
    typer.echo(f"Mean EMD of the report events{synthetic(contexts[0])}, in units of half a trigger-cell pitch;")
    typer.echo("in brackets the error of the last digits.")
    print_table("From the transmitted bits", by_elinks([r for r in rows if r["receiver"] == TRANSMITTED]))
    print_table("With exact charges at the receiver", by_elinks([r for r in rows if r["receiver"] == EXACT]))
    for sentence in who_wins(folder / "report.json"):
        typer.echo(sentence)
    for context in contexts:
        name = f"{context.run.path.name}: " if len(contexts) > 1 else ""
        typer.echo(name + verification_line(context))
    typer.echo(f"report: {folder / 'index.html'}")


def _stage(path: Path, name: str, *, as_json: bool = False) -> Context:
    from econ_ae.app import pipeline
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.run.context import open_run

    context = open_run(path, Terminal(quiet=as_json))
    pipeline.run_stage(context, name, repeat=True)
    return context


def train(run_path: RunPath) -> None:
    """Train the encoder and decoder of a run, continuing what is there."""
    _stage(run_path, "train")


def freeze(run_path: RunPath) -> None:
    """Turn the trained encoder into its integer model and compare the two on every report event."""
    context = _stage(run_path, "freeze")
    typer.echo(context.path("encoder.json"))


def generate(
    run_path: RunPath,
    target: Annotated[str, typer.Option(help="verilog, catapult, vitis or all.")] = "verilog",
    block: Annotated[str, typer.Option(help="Of the Verilog: encoder, normaliser, datapath or block.")] = "encoder",
    weights: Annotated[str, typer.Option(help="Weight port of the C++: image or struct.")] = "image",
    reuse: Annotated[int, typer.Option(min=1, help="Reuse factor of the C++.")] = 1,
    half_even: Annotated[
        str, typer.Option(help="Rounding in the C++: type, or increment (simulates faster).")
    ] = "type",
    leaf: Annotated[str, typer.Option(help="Arithmetic of the Verilog: sum, loop or structural.")] = "sum",
    no_tmr: Annotated[
        list[str] | None, typer.Option(help="Class of registers of the complete block built without triplication.")
    ] = None,
) -> None:
    """Write Verilog or C++ of a run's encoder."""
    from econ_ae.app import hardware as generation
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.hardware import HlsChoice, VerilogChoice
    from econ_ae.app.run.context import open_run

    context = open_run(run_path, Terminal())
    cpp, verilog = HlsChoice(weights, reuse, half_even), VerilogChoice(leaf, tuple(no_tmr or ()))
    for folder in generation.generate(context, target, block, options=cpp, verilog=verilog):
        typer.echo(folder)


def verify(
    run_path: FamilyPath,
    events: Annotated[int | None, typer.Option(min=1, help="Real events to simulate.")] = None,
    suite: Annotated[
        str, typer.Option(help="encoder, datapath, i2c, block, seu, hls, netlist, cmssw or all.")
    ] = "encoder",
    simulator: Annotated[str, typer.Option(help="icarus, or verilator for the datapath.")] = "icarus",
    waves: Annotated[bool, typer.Option("--waves", help="Also write waveforms (FST).")] = False,
    ac_types: Annotated[Path | None, typer.Option(help="Headers of Catapult's C++; default: hls4ml's.")] = None,
    liberty: Annotated[
        Path | None, typer.Option(help="Cells of the netlist (.lib, .lib.gz); default: generic.")
    ] = None,
    package: Annotated[
        Path | None, typer.Option(help="Suite cmssw: files that `econ-ae export` wrote; default: written anew.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Simulate the Verilog and compare everything with the integer model; exit code 1 on any difference."""
    from econ_ae.app import suites as verification
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.run.context import open_run
    from econ_ae.app.run.family import is_campaign, run_paths

    found: list[Any] = []
    progress = Terminal(quiet=as_json)
    if package is not None:
        from econ_ae.app.export.cmssw.suite import verify_package

        if suite != verification.CMSSW:
            raise ConfigError(f"--package goes with --suite {verification.CMSSW}, not {suite}")
        found += verify_package(run_path, package, events, progress)
        if not as_json:
            print_table(f"verification of {package}: {suite}", verification.rows(found))
        contexts = []
    elif is_campaign(run_path):
        from econ_ae.app.campaign.members import opened

        contexts = list(opened(run_path, progress)[1].values())
    else:
        contexts = [open_run(path, progress) for path in run_paths(run_path)]
    for context in contexts:
        results = verification.run_suites(
            context, suite, events, simulator=simulator, waves=waves, ac_types=ac_types, liberty=liberty
        )
        if not as_json:
            name = f" of {context.run.path.name}" if len(contexts) > 1 else ""
            print_table(f"verification{name}: {suite}", verification.rows(results))
        found += results
    if as_json:
        print_json([json.loads(result.to_json()) for result in found])
    if not all(result.passed for result in found):
        raise typer.Exit(1)


def report(run_path: FamilyPath, as_json: Json = False) -> None:
    """Compare the run with the chip's other algorithms and write the report page."""
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.run.family import FamilyDirectory, is_campaign, is_family

    if is_campaign(run_path):
        from econ_ae.app.campaign.run import write_report
        from econ_ae.app.cli.campaign import show

        write_report(run_path, Terminal(quiet=as_json))
        show(run_path, as_json=as_json)
        return
    if is_family(run_path):
        from econ_ae.app.family.page import write_page

        family = FamilyDirectory.open(run_path)
        write_page(family, Terminal(quiet=as_json), repeat=True)
        _family_headline(family, as_json=as_json)
        return
    context = _stage(run_path, "report", as_json=as_json)
    _headline([context], context.path(_REPORT), as_json=as_json)
