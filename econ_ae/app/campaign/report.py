"""What a campaign ends with: tables, the page with the map of the detector, and the register images of every class."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.campaign import class_page, judge
from econ_ae.app.campaign.judge import OURS, PLAIN, RIVALS, OfClass
from econ_ae.app.run.context import FACTS, VERIFICATION, VERIFY, Context
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.run.made import made
from econ_ae.files import write_json, write_text
from econ_ae.ir import weights
from econ_ae.progress import Progress
from metrics.detector import maps, tables
from metrics.detector.judged import MIXTURE, Judged
from metrics.detector.maps import Places
from metrics.detector.page import Detector, Recommendation, render_detector
from metrics.detector.tables import Row
from metrics.figure import EMD_LABEL
from metrics.report.render import PLOTS
from metrics.report.tables import to_csv
from metrics.sheet import Sheet, Sign, origin

FOLDER, REGISTERS = "report", "registers"
_ETA = np.array([1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0])
_I2C_ADDRESS = 0x20
_ALL = tuple(RIVALS.values())


def write(campaign: CampaignDirectory, members: Mapping[str, Context], progress: Progress) -> list[Path]:
    """Judge a campaign whose members are verified; return the files that say how it ended."""
    config = campaign.config
    classes: dict[str, OfClass] = {}
    with progress.bar("classes judged", len(config.classes)) as bar:
        for name in config.classes:
            classes[name] = judge.judge_class(config, name, members)
            bar.advance(1, name)
    validation, reported = (judge.whole(classes, side) for side in ("validation", "report"))
    among = [name for name in (OURS, *_ALL) if name in reported.emd]
    choices = validation.choices(among)
    reported = reported.with_mixture(choices)
    shown = [MIXTURE, *among[:1], *([PLAIN] if PLAIN in reported.emd else []), *among[1:]]
    groups = _groups(reported, shown, among)
    folder = campaign.path / FOLDER
    synthetic = any(context.json(FACTS)["synthetic"] for context in members.values())
    told_of = config.first.report
    sign = Sign(
        told_of.experiment,
        origin(synthetic=synthetic, simulated=told_of.origin == "simulation"),
        len(reported),
        "images",
    )
    shutil.rmtree(folder / PLOTS, ignore_errors=True)  # of an earlier report
    drawn = _maps(reported, classes, among, config.classes, Sheet(sign, folder / PLOTS))
    pages = {
        name: class_page.write(
            folder,
            name,
            one,
            member=None if one.chosen is None else members[one.chosen],
            klass=config.classes[name],
            sides=(validation, reported),
        )
        for name, one in classes.items()
    }
    page = Detector(
        title=f"{config.name}: {len(classes)} classes of modules",
        synthetic=synthetic,
        verdict=_verdict(reported, among),
        recommendations=[
            _recommendation(campaign, name, one, members, sides=(validation, reported), among=among, pages=pages)
            for name, one in classes.items()
        ],
        algorithms=shown,
        groups=groups,
        differences=tables.against(reported, OURS, among[1:], tables.classes(reported)),
        conditions=tables.against(reported, OURS, [PLAIN], tables.classes(reported)) if PLAIN in reported.emd else [],
        maps={caption: maps.data_uri(png) for caption, (_, png) in drawn.items()},
        files={caption: f"{PLOTS}/{name}" for caption, (name, _) in drawn.items()},
        made=made(),
        facts=_facts(campaign, classes),
        notes=_notes(config.unconditional and PLAIN in reported.emd),
    )
    files = [_text(folder / "index.html", render_detector(page)), *pages.values()]
    files += sorted((folder / PLOTS).glob("*"))
    files += [_text(folder / f"{_file(title)}.csv", to_csv(_plain(rows, shown))) for title, rows in groups.items()]
    told: dict[str, Any] = {"choices": choices, "chosen": {name: one.chosen for name, one in classes.items()}}
    sent = {name: one.algorithm for name, one in config.classes.items() if one.algorithm is not None}
    told["variants"] = {name: classes[name].variants[RIVALS[algorithm]] for name, algorithm in sent.items()}
    told["groups"] = {title: _plain(rows, shown) for title, rows in groups.items()}
    for name in ("recommendations", "differences", "conditions"):
        told[name] = [_finite(asdict(one)) for one in getattr(page, name)]
    write_json(folder / "report.json", told)
    files += [folder / "report.json"]
    for name, one in classes.items():
        if one.chosen is not None:
            files += _registers(campaign.path / REGISTERS, name, members[one.chosen])
    return files


def _groups(reported: Judged, shown: list[str], among: list[str]) -> dict[str, list[Row]]:
    found = {"By class": tables.rows(reported, "class", tables.classes(reported), shown, among)}
    if "section" in reported.columns:
        sections = tables.values(reported, "section")
        if len(sections) > 1:
            sections |= {tables.ALL: reported.everything}
        found["By section"] = tables.rows(reported, "section", sections, shown, among)
        found |= {
            f"By class, {section}": tables.rows(reported, "class", _within(reported, where), shown, among)
            for section, where in sections.items()
            if section != tables.ALL
        }
    for column, title in (("layer", "By layer"), ("thickness", "By thickness")):
        if column in reported.columns:
            found[title] = tables.rows(reported, column, tables.values(reported, column), shown, among)
    if "eta" in reported.columns:
        found["By eta"] = tables.rows(reported, "eta", tables.bins(reported, "eta", _ETA), shown, among)
    return found


def _within(reported: Judged, where: Any) -> dict[str, Any]:
    return {name: part & where for name, part in tables.classes(reported).items()}


def _verdict(reported: Judged, among: list[str]) -> str:
    means = {name: reported.mean(name, reported.everything) for name in (MIXTURE, *among)}
    complete = [name for name in among[1:] if reported.complete(name, reported.everything)]
    best = min(complete, key=lambda name: getattr(means[name], "value", np.inf))
    ours, mixed, other = (getattr(means[name], "value", float("nan")) for name in (OURS, MIXTURE, best))
    bc = getattr(means.get(RIVALS["bc"]), "value", float("nan"))
    start = "Our encoders win" if ours < other else f"Our encoders lose to {best}"
    return (
        f"{start}: mean EMD {ours:.4f} over all report images, {other:.4f} with the best other single algorithm "
        f"({best}), {bc:.4f} with best choice ({bc / ours:.1f} times ours); {mixed:.4f} with the best of each class."
    )


def _recommendation(
    campaign: CampaignDirectory,
    name: str,
    one: OfClass,
    members: Mapping[str, Context],
    *,
    sides: tuple[Judged, Judged],
    among: list[str],
    pages: Mapping[str, Path],
) -> Recommendation:
    """Return what is best in a class on validation images, and how far that holds on those of the report."""
    validation, reported = sides
    here = reported.of == reported.classes.index(name)
    there = validation.of == validation.classes.index(name)
    first = validation.best(there, among)
    runner_up = validation.best(there, [other for other in one.validation if other in among and other != first])
    return Recommendation(
        name,
        campaign.config.classes[name].elinks,
        first,
        runner_up,
        reported.difference(first, runner_up, here),
        _modules(reported, here),
        int(here.sum()),
        "no encoder" if one.chosen is None else _verified(members[one.chosen]),
        pages[name].name,
    )


def _modules(reported: Judged, here: Any) -> int:
    columns = [reported.columns[name] for name in ("layer", "zside", "x", "y") if name in reported.columns]
    return (
        len(np.unique(np.stack([np.asarray(c[here], np.float64) for c in columns], axis=1), axis=0)) if columns else 0
    )


def _verified(context: Context) -> str:
    result = context.json(VERIFY, VERIFICATION)
    return f"{result['events']} events, {result['mismatches']} mismatches"


def _maps(
    reported: Judged, classes: Mapping[str, OfClass], among: list[str], settings: Mapping[str, Any], sheet: Sheet
) -> dict[str, tuple[str, bytes]]:
    """Return names of files and pictures by caption."""
    if not {"layer", "x", "y"} <= set(reported.columns):
        return {}
    places = Places(*(np.asarray(reported.columns[name]) for name in ("layer", "x", "y")))
    modules, of_module = maps.averages(places, reported.of.astype(np.float64))
    names = [f"{name}, {settings[name].elinks} eLinks" for name in classes]
    by_algorithm = np.stack([maps.averages(places, reported.emd[name])[1] for name in among])
    best = np.nan_to_num(by_algorithm, nan=np.inf).argmin(axis=0)
    numbers = maps.averages(places, reported.emd[OURS])[1]
    in_class, best_of = [names[round(c)] for c in of_module], [among[i] for i in best]
    return {
        "Class of every module": (
            "map_classes",
            maps.of_names(modules, in_class, names, "class", name="map_classes", sheet=sheet),
        ),
        "Algorithm with the smallest mean EMD of the module's report images": (
            "map_best",
            maps.of_names(modules, best_of, among, "algorithm", name="map_best", sheet=sheet),
        ),
        "Mean EMD of our encoders by module": (
            "map_emd",
            maps.of_numbers(modules, numbers, f"Mean {EMD_LABEL}", name="map_emd", sheet=sheet),
        ),
    }


def _facts(campaign: CampaignDirectory, classes: Mapping[str, OfClass]) -> dict[str, Any]:
    facts: dict[str, Any] = {"class map": campaign.config.map, "data": campaign.config.first.data.source}
    for name, one in classes.items():
        facts[f"{name}: encoder of"] = one.chosen or campaign.config.classes[name].algorithm
        facts[f"{name}: variants"] = ", ".join(one.variants.values())
        if len(one.seeds) > 1:
            facts[f"{name}: validation EMD by seed"] = ", ".join(f"{k} {v:.4f}" for k, v in one.seeds.items())
    return facts


def _notes(conditions: bool) -> list[str]:
    notes = [
        "Algorithm, variant and seed of every class were chosen on validation images, never on those of the report.",
        "Tables of adaptive precision and companded cells, and thresholds, are made of the class's training images.",
    ]
    return [*notes, "Decoders without conditions are compared, never chosen."] if conditions else notes


def _plain(rows: list[Row], shown: list[str]) -> list[dict[str, Any]]:
    out = []
    for row in rows:
        line: dict[str, Any] = {row.by: row.group, "images": row.images, "best": row.best}
        for name in shown:
            mean = row.means[name]
            line |= {name: None if mean is None else mean.value, f"{name}, error": None if mean is None else mean.error}
        out.append(_finite(line))
    return out


def _finite(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree with None for every number that is none, as JSON and CSV want it."""
    return {
        key: _finite(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and not np.isfinite(value)
        else value
        for key, value in tree.items()
    }


def _registers(folder: Path, name: str, context: Context) -> list[Path]:
    """Write the weights of a class as register file and as the I2C bytes that load them."""
    from econ_ae.econt.registers.export import export
    from rtl_gen.registers import address_map, i2c_sequence, weight_writes

    model = context.model()
    writes = weight_writes(address_map(model), weights.pack(model))
    return [
        _text(folder / f"{name}.yaml", export(model, None)),
        _text(folder / f"{name}.i2c", i2c_sequence(writes, _I2C_ADDRESS, one_transaction=True)),
    ]


def _file(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "_")


def _text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path
