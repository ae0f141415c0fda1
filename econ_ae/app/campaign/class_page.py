"""The page of one class of a campaign: what it is made of, how it was trained and verified, its algorithms by layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.model_card import model_card
from econ_ae.app.run.context import FACTS, HISTORY, REPORT, TRAINING, VERIFICATION, VERIFY, Context
from econ_ae.app.run.made import made
from econ_ae.config.campaign import ClassConfig
from econ_ae.files import write_text
from econ_ae.ir import codec, weights
from metrics.detector import tables
from metrics.detector.judged import Judged
from metrics.report.tabular import Cell, Link, Table, TablePage, render_tables

if TYPE_CHECKING:
    from econ_ae.app.campaign.judge import OfClass

_MOST = 12  # epochs that are shown


def write(
    folder: Path, name: str, one: OfClass, *, member: Context | None, klass: ClassConfig, sides: tuple[Judged, Judged]
) -> Path:
    """Write the page of a class into the campaign's report; return its path.

    Parameters
    ----------
    one : what was judged
    member : the run that stands for the class; None where it sends with an algorithm of the chip
    sides : validation and report images of all classes
    """
    validation, reported = sides
    here = reported.of == reported.classes.index(name)
    names = [algorithm for algorithm in one.report if algorithm in reported.emd]
    sections = [Table("Algorithms", [_algorithm(n, one, validation, reported, name) for n in names], _TEXT)]
    if member is not None:
        sections += _of_run(member, name, one)
    for column in ("layer", "thickness"):
        if column in reported.columns:
            groups = {group: where & here for group, where in tables.values(reported, column).items()}
            rows = tables.rows(reported, column, groups, names)
            sections.append(Table(f"By {column}", [_grouped(row, names) for row in rows]))
    who = f"the encoder of {member.run.path.name}" if member else f"{klass.algorithm}, an algorithm of the chip"
    page = TablePage(
        made=made(),
        kind="campaign",
        title=f"Class {name}: {klass.elinks} eLinks",
        synthetic=member is not None and bool(member.json(FACTS)["synthetic"]),
        headline=f"Modules of this class send with {who}.",
        lead="± is the error that leaving out whole events gives.",
        tables=sections,
    )
    path = folder / f"class_{name}.html"
    write_text(path, render_tables(page))
    return path


_TEXT = "Of every algorithm the variant that was best on validation images; the report images took no part in choices."


def _algorithm(algorithm: str, one: OfClass, validation: Judged, reported: Judged, name: str) -> dict[str, Cell]:
    sides = {"validation images": validation, "report images": reported}
    means: dict[str, Cell] = {
        side: judged.mean(algorithm, judged.of == judged.classes.index(name)) if algorithm in judged.emd else None
        for side, judged in sides.items()
    }
    return {"algorithm": algorithm, "variant": one.variants.get(algorithm), **means}


def _grouped(row: tables.Row, names: list[str]) -> dict[str, Cell]:
    return {row.by: row.group, "images": row.images, **{name: row.means[name] for name in names}}


def _of_run(member: Context, name: str, one: OfClass) -> list[Table]:
    model, place = member.model(), member.run.path.name
    own_page = member.path(REPORT, "index.html")
    verified = member.json(VERIFY, VERIFICATION)
    card = model_card(model)
    facts: dict[str, Cell] = {
        "run directory": Link(place, f"../{place}/"),
        "its own report": Link("page", f"../{place}/{REPORT}/index.html")
        if own_page.is_file()
        else f"not written yet: econ-ae report {member.run.path}",
        "registers": Link(f"{name}.yaml", f"../registers/{name}.yaml"),
        "I2C writes": Link(f"{name}.i2c", f"../registers/{name}.i2c"),
        "bits of weights": weights.image_bits(model),
        "sha256 of the encoder": codec.sha256(model)[:12],
        "decoder knows of its module": ", ".join(member.config.decoder.conditions) or "nothing",
        "training images": len(member.rows("train")),
        "Verilog": f"{verified['mismatches']} mismatches in {verified['events']} events",
        **{f"validation EMD of {seed}": value for seed, value in one.seeds.items() if len(one.seeds) > 1},
    }
    facts |= {key: value for key, value in card.items() if isinstance(value, str | int | float)}
    history = member.json(TRAINING, HISTORY)
    shown = history[:: max(1, -(-len(history) // _MOST))]
    shown = shown if shown[-1] is history[-1] else [*shown, history[-1]]
    epochs: list[dict[str, Cell]] = [
        {"epoch": e["epoch"] + 1, "loss": e["loss"], "validation": e["validation_loss"], "rate": e["learning_rate"]}
        for e in shown
    ]
    return [
        Table("The encoder", [{"fact": key, "value": value} for key, value in facts.items()]),
        Table("Training", epochs),
    ]
