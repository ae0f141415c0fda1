"""The commands `econ-ae data` and `econ-ae retrain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from econ_ae.app.cli.chip import Json, RunPath
from econ_ae.errors import ConfigError

INTERRUPTED = 130


class _DescribeByDefault(TyperGroup):
    """``econ-ae data SOURCE`` means ``econ-ae data describe SOURCE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["describe", *args]
        return super().parse_args(ctx, args)


data = typer.Typer(cls=_DescribeByDefault, help="Say what a data source holds, or convert it to a dataset file.")

Source = Annotated[
    str,
    typer.Argument(
        help="CSV, ROOT, HDF5 or npz file, directory of CSV files, 'synthetic' or 'pythia'.", metavar="SOURCE"
    ),
]
Config = Annotated[Path | None, typer.Option(help="TOML file whose [data] and [conditions] say how to read.")]


@data.command()
def describe(
    source: Source = "synthetic",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what a data source holds: events, occupancy, charge, rows without charge."""
    from econ_ae.app.cli.console import print_table
    from econ_ae.app.stages import data as dataset_stage
    from econ_ae.geometry import LOW_DENSITY

    facts = dataset_stage.prepare(_with_data(config, source=source), LOW_DENSITY).describe()
    print_table("Dataset", [{"fact": k, "value": str(v)} for k, v in facts.items()], as_json=as_json)


@data.command()
def convert(
    source: Source,
    out: Annotated[Path, typer.Option(help="Dataset file to write, ending in .h5.")],
    config: Config = None,
    events: Annotated[int | None, typer.Option(min=1, help="Images to generate.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of generated images.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most images to write.")] = None,
    layers: Annotated[str | None, typer.Option(help="ROOT, npz: trigger layers, with commas; default: all.")] = None,
    wafer: Annotated[str | None, typer.Option(help="ROOT: u,v of the one wafer to take; default: all.")] = None,
    zside: Annotated[int | None, typer.Option(help="ROOT, npz: 1 or -1; default: both.")] = None,
    charge: Annotated[str | None, typer.Option(help="ROOT: data, uncompressed or compressed.")] = None,
    transverse: Annotated[bool, typer.Option("--transverse", help="ROOT: multiply by 1/cosh(eta).")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write a data source as a dataset file (HDF5), which training can stream from disk."""
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.studies.convert import convert as run
    from econ_ae.geometry import LOW_DENSITY

    root = {
        "layers": None if layers is None else numbers(layers, "--layers"),
        "wafer": None if wafer is None else numbers(wafer, "--wafer"),
        "zside": zside,
        "charge": charge,
        "transverse": transverse or None,
    }
    if source.endswith(".npz"):
        root, own = {}, {"layers": root["layers"], "zside": zside}
        if wafer is not None or charge is not None or transverse:
            raise ConfigError("--wafer, --charge and --transverse are for ROOT files; see [data.cms_events]")
    else:
        own = {}
    settings = _with_data(config, seed=seed, root=root, cms=own, source=source, events=events, limit=limit)
    written = run(settings, out, LOW_DENSITY, Terminal(), overwrite=overwrite)
    typer.echo(f"{out}: {written} images")


def numbers(text: str, option: str) -> list[int]:
    """Return the numbers of a list with commas, in its order; ConfigError when it is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.removeprefix("-").isdecimal() for part in parts):
        raise ConfigError(f"{option} {text!r} is no list of numbers; expected for example 3,17")
    return [int(part) for part in parts]


def _with_data(
    config: Path | None,
    *,
    seed: int | None = None,
    root: dict[str, Any] | None = None,
    cms: dict[str, Any] | None = None,
    **data: Any,
) -> Any:
    """Return the configuration with other data settings; None keeps what is there."""
    from econ_ae.config import load, load_preset, parse

    settings = (load(config) if config else load_preset("econ-t")).model_dump(mode="json")
    settings["data"] |= {name: value for name, value in data.items() if value is not None}
    settings["data"]["cms_events"] |= {name: value for name, value in (cms or {}).items() if value is not None}
    settings["data"]["root"] |= {name: value for name, value in (root or {}).items() if value is not None}
    settings |= {} if seed is None else {"seed": seed}
    return parse(settings, str(config) if config else "econ-ae data")


def retrain(
    run_path: RunPath,
    dead: Annotated[str | None, typer.Option(help="Trigger cells that send nothing, with commas.")] = None,
    noisy: Annotated[str | None, typer.Option(help="Trigger cells with extra counts, with commas.")] = None,
    noise_rate: Annotated[float | None, typer.Option(help="Share of the crossings with extra counts.")] = None,
    noise_counts: Annotated[float | None, typer.Option(help="Mean of the extra counts.")] = None,
    partial: Annotated[str | None, typer.Option(help="Part of the module that is there, for example top.")] = None,
    drift: Annotated[float | None, typer.Option(help="Standard deviation of the cells' gains around 1.")] = None,
    pileup: Annotated[float | None, typer.Option(help="Factor of the mean charge, by overlay or thinning.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: a fifth of the run's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: a quarter of the run's.")] = None,
    only: Annotated[str, typer.Option(help="all, encoder, dense (and decoder) or decoder.")] = "all",
    out: Annotated[Path | None, typer.Option(help="Directory to write; default: a new one beside RUN.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the retraining in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Train on from a run's weights under new conditions; show EMD and I2C writes before and after."""
    from econ_ae.app.cli.console import Terminal, print_table
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.app.studies.retrain import Plan
    from econ_ae.app.studies.retrain import retrain as run
    from econ_ae.config import ConditionsConfig, parse

    changes: dict[str, Any] = {
        "dead": None if dead is None else numbers(dead, "--dead"),
        "noisy": None if noisy is None else numbers(noisy, "--noisy"),
        "noise_rate": noise_rate,
        "noise_counts": noise_counts,
        "partial": partial,
        "drift": drift,
        "pileup": pileup,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    conditions: ConditionsConfig = parse({"conditions": given}, "econ-ae retrain").conditions
    if resume and out is None:
        raise ConfigError("--resume needs --out, the retraining to continue")
    path = out or fresh_path(run_path.parent, f"{run_path.name}-retrained")
    try:
        plan = Plan(conditions, epochs, learning_rate, only)
        summary = run(run_path, path, plan, Terminal(quiet=as_json), resume=resume)
    except KeyboardInterrupt:
        hint = f"; continue with the same options and: --out {path} --resume" if path.exists() else ""
        typer.echo(f"\ninterrupted{hint}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    rows = [
        {"weights and data": s["name"], "mean EMD": f"{s['mean']['value']:.3f} ± {s['mean']['error']:.3f}"}
        for s in summary["steps"]
    ]
    print_table("Mean EMD of the report events, in units of half a trigger-cell pitch", rows)
    mean = summary["difference"]["mean"]
    typer.echo(
        f"new minus old weights: {mean['value']:+.4f} ± {mean['error']:.4f} ({summary['significance']:+.1f} sigma)"
    )
    times = ", ".join(f"{ms:.2f} ms at {khz} kHz" for khz, ms in summary["bus"][0]["milliseconds"].items())
    typer.echo(f"{summary['changed']} of {summary['size']} weight bytes change; to write them takes {times}")
    typer.echo(f"summary: {path / 'index.html'}")
