"""`econ-ae retrain` on a campaign: classes retrained one after another, and what all of it brings and costs.

The result is a directory with the retraining of every class, which is one of ``app.studies.retrain``, and the summary:
``index.html``, ``retrain.json``, and per class the I2C writes and the YAML of what changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.campaign import members
from econ_ae.app.campaign.judge import section_of
from econ_ae.app.run.context import FACTS, Context
from econ_ae.app.run.directory import check_free
from econ_ae.app.run.lock import lock
from econ_ae.app.run.made import made
from econ_ae.app.studies import retrain as studies
from econ_ae.app.studies.retrain import AFTER
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.app.studies.retrain_report import CHANGED_WRITES, CHANGED_YAML, IMAGES, SUMMARY, ImageEmd
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.files import read_json, sha256, write_json, write_text
from econ_ae.progress import Progress
from metrics.detector import tables
from metrics.detector.judged import Judged
from metrics.report.tabular import Cell, Link, Table, TablePage, render_tables
from metrics.statistics import Measured

OLD, NEW = "old weights", "new weights"
_PLAN = "plan.json"


def retrain(
    path: Path, out: Path, plan: Plan, progress: Progress, *, classes: Sequence[str] | None = None, resume: bool = False
) -> dict[str, Any]:
    """Retrain classes of a campaign in ``out`` and return the summary.

    Parameters
    ----------
    plan : the same for all classes
    classes : names; None takes all that have an encoder

    Raises
    ------
    RunDirectoryError
        When ``path`` is no campaign or not finished, or ``out`` exists or is of another retraining.
    ConfigError
        When nothing is to change, a condition is impossible, or a class has no encoder.
    DataError
        When a new file cannot be read, or has not what a class needs.
    """
    campaign, found = members.opened(path, progress)
    plan = replace(plan, whole=False)  # the encoders are simulated once, and judged here
    names = members.picked(campaign.config, classes)
    runs = {name: members.chosen(campaign.config, name, found) for name in names}
    studies.check_changes(plan)
    made: dict[str, Any] = {name: run.run.path.name for name, run in runs.items()}
    made = {"classes": made} | {
        "plans": {n: plan.config(run.config).model_dump(mode="json") for n, run in runs.items()}
    }
    if plan.source is not None and Path(plan.source).is_file():
        made["source"] = sha256(Path(plan.source))
    if resume and out.exists():
        if not (out / _PLAN).is_file() or read_json(out / _PLAN) != made:
            raise RunDirectoryError(
                f"{out} was retrained from another campaign or with other settings; choose another --out"
            )
    elif out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise RunDirectoryError(f"{out} exists; give another --out, or --resume to continue a retraining there")
    else:
        check_free(out, overwrite=False)
    for name in names:  # whatever is wrong with a class is found before another one trains
        studies.check_start(runs[name], out / name, plan)
    with lock(out, progress):
        write_json(out / _PLAN, made)
        told = {}
        with progress.bar("classes retrained", len(names)) as bar:
            for name in names:
                progress.say(f"class {name}")
                told[name] = studies.retrain(runs[name].run.path, out / name, plan, progress, resume=True)
                bar.advance(1, name)
        return _summarise(campaign.config.name, out, plan, runs, told)


def _summarise(
    title: str, out: Path, plan: Plan, runs: Mapping[str, Context], told: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    judged = judged_of({name: out / name for name in runs})
    groups = {"By class": tables.rows(judged, "class", tables.classes(judged), [OLD, NEW])}
    if "section" in judged.columns:
        sections = tables.values(judged, "section") | {tables.ALL: judged.everything}
        groups["By section"] = tables.rows(judged, "section", sections, [OLD, NEW])
    gains = {d.group: d for d in tables.against(judged, NEW, [OLD], tables.classes(judged))}
    summary: dict[str, Any] = {
        "campaign": title,
        "conditions": plan.told(),
        "classes": [_row(name, runs[name], told[name], gains[name].difference) for name in runs],
        "total": {
            "old": _means(judged, OLD),
            "new": _means(judged, NEW),
            "difference": gains[tables.ALL].difference.pair,
            "changed": sum(one["changed"] for one in told.values()),
            "size": sum(one["size"] for one in told.values()),
        },
    }
    summary["verdict"] = _verdict(summary)
    page = TablePage(
        made=made(),
        kind="retraining of a campaign",
        title=f"{title}: retrained for {'; '.join(plan.told())}",
        synthetic=any(bool(run.json(FACTS)["synthetic"]) for run in runs.values()),
        headline=summary["verdict"],
        lead="Old and new weights are compared on the same report images, from the transmitted bits alone. ± is the "
        "error that leaving out whole events gives. The truth is the image that the module sees: the charge of a dead "
        "cell is not missed.",
        tables=[
            Table("Classes", [_shown(row) for row in summary["classes"]], _WHAT),
            *(Table(name, [_means_of(row) for row in rows]) for name, rows in groups.items()),
        ],
        notes=[
            "What is written to the chip is in every class's folder: i2c_changed_bytes.txt (I2C writes), "
            "registers_changed.yaml (old and new values).",
            "A class has one set of weights: its bytes are written once per module of the class, all modules alike.",
        ],
    )
    write_text(out / "index.html", render_tables(page))
    write_json(out / SUMMARY, summary)
    return summary


_WHAT = (
    "Retrained is the choice of the mode, which is in the chip, and the network of the receiver; with --only one of "
    "them. Times are those of the changed bytes alone."
)


def judged_of(folders: Mapping[str, Path]) -> Judged:
    """Return the report images of retrained classes with old and new weights.

    Parameters
    ----------
    folders : of the retraining of every class
    """
    from econ_ae.app.run.context import open_run
    from econ_ae.progress import Silent

    parts = {name: ImageEmd.read(folder / IMAGES) for name, folder in folders.items()}
    rows = {name: open_run(folder / AFTER, Silent()).rows("report") for name, folder in folders.items()}
    sizes = [len(batch) for batch in rows.values()]
    for (name, part), size in zip(parts.items(), sizes, strict=True):
        if len(part.old) != size:
            raise RunDirectoryError(f"{folders[name] / IMAGES} has {len(part.old)} images, the run has {size}")
    batches = list(rows.values())
    shared = set.intersection(*(set(batch.metadata) for batch in batches))
    columns = {name: np.concatenate([batch.metadata[name] for batch in batches]) for name in sorted(shared)}
    if "detector_layer" in columns:
        columns["section"] = section_of(columns["detector_layer"])
    of = np.repeat(np.arange(len(sizes)), sizes)
    event = columns.get("event", np.arange(len(of))).astype(np.int64)
    emd = {OLD: np.concatenate([p.old for p in parts.values()]), NEW: np.concatenate([p.new for p in parts.values()])}
    return Judged(tuple(folders), of, event, columns, emd)


def _row(name: str, run: Context, told: Mapping[str, Any], difference: Measured) -> dict[str, Any]:
    steps = told["steps"]
    return {
        "class": name,
        "run": run.run.path.name,
        "eLinks": run.model().elinks,
        "trained": told["facts"]["trained"],
        "own rows, old": steps[0]["mean"]["value"],
        "old": steps[1]["mean"]["value"],
        "new": steps[2]["mean"]["value"],
        "images": steps[2]["events"],
        "difference": difference.pair,
        "changed": told["changed"],
        "size": told["size"],
        "bits": told["bits"],
        "milliseconds": told["bus"][0]["milliseconds"],
        "writes": f"{name}/{CHANGED_WRITES}",
        "yaml": f"{name}/{CHANGED_YAML}",
        "verified": told["facts"]["Verilog_with_new_weights"],
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Cell]:
    error = row["difference"]["error"]
    difference = Measured(row["difference"]["value"], float("nan") if error is None else error)
    times = ", ".join(f"{ms:.2f}" for ms in row["milliseconds"].values())
    return {
        "class": Link(row["class"], f"{row['class']}/index.html"),
        "eLinks": row["eLinks"],
        "images": row["images"],
        "old weights, images that it was made for": row["own rows, old"],
        "old weights": row["old"],
        "new weights": row["new"],
        "new minus old": difference,
        "bytes that change": row["changed"],
        "of": row["size"],
        f"ms at {', '.join(map(str, row['milliseconds']))} kHz": times,
        "I2C": Link("writes", row["writes"]),
        "registers": Link("yaml", row["yaml"]),
        "Verilog": row["verified"],
    }


def _means_of(row: tables.Row) -> dict[str, Cell]:
    return {row.by: row.group, "images": row.images, **row.means}


def _means(judged: Judged, algorithm: str) -> dict[str, float | None]:
    mean = judged.mean(algorithm, judged.everything)
    if mean is None:
        raise ConfigError("no report image has charge; nothing can be compared")
    return mean.pair


def _verdict(summary: Mapping[str, Any]) -> str:
    total = summary["total"]
    difference = total["difference"]
    error = "" if difference["error"] is None else f" ± {difference['error']:.4f}"
    return (
        f"Mean EMD of all classes {total['old']['value']:.4f} with the old weights, {total['new']['value']:.4f} with "
        f"the new ones (new minus old {difference['value']:+.4f}{error}); {total['changed']} of {total['size']} weight "
        f"bytes change in {len(summary['classes'])} classes."
    )
