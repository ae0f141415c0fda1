"""The commands `econ-ae data`: what a source holds, and sources as dataset files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from econ_ae.app.cli.options import Json, check_file, numbers, span
from econ_ae.app.cli.shell import Group, Shell
from econ_ae.errors import ConfigError

if TYPE_CHECKING:
    from econ_ae.config import RunConfig


class _DescribeByDefault(Group):
    """``econ-ae data SOURCE`` means ``econ-ae data describe SOURCE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["describe", *args]
        return super().parse_args(ctx, args)


data = Shell(cls=_DescribeByDefault, help="Say what a data source holds, or convert it to a dataset file.")

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
    """Say what a data source holds: trees of a ROOT file, events, occupancy, charge, rows without charge."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.stages import data as dataset_stage
    from econ_ae.geometry import LOW_DENSITY

    settings = _read_as(config, data={"source": source})
    trees = dataset_stage.trees(settings, LOW_DENSITY)
    if trees and not as_json:
        print_table("Trees", trees)
    facts = dataset_stage.prepare(settings, LOW_DENSITY, Terminal(quiet=as_json)).describe()
    if as_json:
        print_json(facts | ({"trees": trees} if trees else {}))
        return
    print_table("Dataset", [{"fact": name, "value": str(value)} for name, value in facts.items()])


@data.command()
def convert(
    source: Source,
    out: Annotated[Path, typer.Option(help="Dataset file to write, ending in .h5.")],
    config: Config = None,
    events: Annotated[int | None, typer.Option(min=1, help="Images to generate.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of generated images.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most images to write.")] = None,
    tree: Annotated[str | None, typer.Option(help="ROOT: tree to read; `econ-ae data FILE` lists them.")] = None,
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
        "tree": tree,
        "layers": None if layers is None else numbers(layers, "--layers"),
        "wafer": None if wafer is None else numbers(wafer, "--wafer"),
        "zside": zside,
        "charge": charge,
        "transverse": transverse or None,
    }
    check_file(out, overwrite=overwrite)
    wanted: dict[str, Any] = {"source": source, "events": events, "limit": limit, "root": root}
    if source.endswith(".npz"):
        if wafer is not None or charge is not None or tree is not None or transverse:
            raise ConfigError("--tree, --wafer, --charge and --transverse are for ROOT files; see [data.cms_events]")
        wanted |= {"root": {}, "cms_events": {"layers": root["layers"], "zside": zside}}
    settings = _read_as(config, seed=seed, data=wanted)
    written = run(settings, out, LOW_DENSITY, Terminal(), overwrite=overwrite)
    typer.echo(f"{out}: {written} images")


@data.command()
def generate(
    out: Annotated[Path, typer.Option(help="File of whole events to write, ending in .npz.")],
    events: Annotated[int, typer.Option(min=1, help="Events to generate.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same events.")] = 1,
    particles: Annotated[
        str, typer.Option(help="electron, photon, pion, jet, with commas: one kind an event; or none.")
    ] = "electron",
    pt: Annotated[str, typer.Option(help="Range of the transverse momentum in GeV, drawn evenly.")] = "1:100",
    eta: Annotated[str, typer.Option(help="Range of the absolute pseudorapidity, drawn evenly.")] = "1.5:2.9",
    pileup: Annotated[float, typer.Option(min=0, max=1000, help="Mean interactions per event.")] = 0,
    single: Annotated[
        bool, typer.Option("--single", help="One particle an event, not two back to back of equal pT.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
) -> None:
    """Write whole events of both endcaps with their truth, generated, as a file that --data takes."""
    from econ_ae.app.cli.console import Terminal
    from econ_ae.app.studies.generated_events import generated_events, settings
    from econ_ae.geometry import LOW_DENSITY

    wanted = settings(particles, span(pt, "--pt"), span(eta, "--eta"), pileup, pairs=not single)
    check_file(out, overwrite=overwrite)
    written = generated_events(out, events, seed, wanted, geometry=LOW_DENSITY, progress=Terminal())
    typer.echo(f"{out}: {events} events, {written} images")


def _read_as(config: Path | None, **changes: Any) -> RunConfig:
    """Return the configuration of a file (of a family that of its data), or the default one, with other settings."""
    from econ_ae.config import RunConfig, changed
    from econ_ae.config.family import FamilyConfig, load

    settings = load(config) if config else RunConfig()
    return changed(settings.first if isinstance(settings, FamilyConfig) else settings, "options", **changes)
