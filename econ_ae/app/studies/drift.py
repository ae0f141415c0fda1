"""`econ-ae drift`: when is a retraining worth it? EMD over dead cells, gain drift and pileup, old weights against new.

Every point is a retraining in short: the run's rows under one condition, old weights, then training on from them. What
is written to the chip is counted; nothing is simulated. The directory holds ``index.html`` with the plot,
``drift.csv``, ``drift.json`` and a folder per point with the I2C writes and the YAML of what changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.run.context import FACTS, Context
from econ_ae.app.run.lock import content, lock
from econ_ae.app.run.made import made
from econ_ae.app.studies import retrain as studies
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.config import ConditionsConfig, parse
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.files import read_json, write_json, write_text
from econ_ae.progress import Progress
from metrics.detector.judged import Judged
from metrics.detector.maps import data_uri
from metrics.drift import Curve, Verdict, picture, verdict
from metrics.report.render import PLOTS
from metrics.report.tables import to_csv
from metrics.report.tabular import Cell, Table, TablePage, render_tables
from metrics.sheet import Sheet, Sign, origin
from metrics.statistics import Measured

SUMMARY = "drift.json"
_PLAN, _POINT = "plan.json", "point.json"
_TWO = 2  # the data as they are, and a condition
_AXES = {
    "dead": "dead cells per module",
    "gain": "spread of the cells' gains",
    "pileup": "pileup, times that of the data",
}


@dataclass(frozen=True)
class Study:
    """What is looked at.

    Parameters
    ----------
    dead : numbers of dead cells per module, drawn at random for each
    gain : standard deviations of the gains of cells
    pileup : factors of the mean charge, by overlay of the same module in other crossings
    rows : most images of every set (training, validation, report), evenly taken
    sigma : errors that a gain must have to count
    epochs, learning_rate, trains : as ``studies.retrain.Plan``
    seed : of what is drawn

    Raises
    ------
    ConfigError
        When a value is out of range, or there is none.
    """

    dead: tuple[int, ...] = (1, 2, 4, 8)
    gain: tuple[float, ...] = (0.05, 0.1, 0.2)
    pileup: tuple[float, ...] = (1.25, 1.5, 2.0)
    rows: int = 20_000
    sigma: float = 2.0
    epochs: int | None = None
    learning_rate: float | None = None
    trains: str = "all"
    seed: int = 1

    def __post_init__(self) -> None:
        limits = {"dead": (1, 40), "gain": (0.0, 1.0), "pileup": (0.0, 10.0)}
        for name, (low, high) in limits.items():
            for value in getattr(self, name):
                if not low <= value <= high or (name != "dead" and value == 0):
                    raise ConfigError(f"--{name} {value:g}; expected numbers above 0, up to {high:g}")
        if len(list(self.points())) < _TWO:
            raise ConfigError("nothing to study; give some of --dead, --gain and --pileup")

    def points(self) -> Iterator[tuple[str, float, ConditionsConfig]]:
        """Yield axis, value and conditions of every point; first the data as they are."""
        yield "as it is", 0.0, self._conditions()
        settings = {"dead": "dead_count", "gain": "drift", "pileup": "pileup"}
        for axis, key in settings.items():
            for value in sorted(set(getattr(self, axis))):
                if axis == "pileup" and value == 1:
                    continue
                yield axis, float(value), self._conditions(**{key: value, "per_module": True})

    def _conditions(self, **changes: Any) -> ConditionsConfig:
        return parse({"conditions": {"seed": self.seed} | changes}, "options").conditions

    def plan(self, conditions: ConditionsConfig) -> Plan:
        """Return the retraining of a point."""
        return Plan(conditions, self.epochs, self.learning_rate, self.trains, whole=False, rows=self.rows)


def drift(
    runs: Mapping[str, Context], out: Path, study: Study, progress: Progress, *, resume: bool = False
) -> dict[str, Any]:
    """Do the study of runs in ``out`` and return the summary.

    Parameters
    ----------
    runs : finished ones, by the name under which they are shown

    Raises
    ------
    RunDirectoryError
        When ``out`` exists or, to resume, is of another study.
    DataError
        When images do not say which module they are of.
    """
    made = {
        "study": asdict(study),
        "encoders": {name: dict(run.run.manifest().stages["freeze"].outputs) for name, run in runs.items()},
    }
    made = read_back(made)
    if resume and out.exists():
        if not (out / _PLAN).is_file() or read_json(out / _PLAN) != made:
            raise RunDirectoryError(f"{out} is of another study or other runs; choose another --out")
    elif out.exists() and (not out.is_dir() or content(out)):
        raise RunDirectoryError(f"{out} exists; give another --out, or --resume to continue a study there")
    points = list(study.points())
    for run in runs.values():
        for _, _, conditions in points:
            studies.check_conditions(run, study.plan(conditions))
    with lock(out, progress):
        write_json(out / _PLAN, made)
        found: list[dict[str, Any]] = []
        with progress.bar("points", len(runs) * len(points)) as bar:
            for name, run in runs.items():
                for axis, value, conditions in points:
                    folder = out / "points" / name / f"{axis.replace(' ', '-')}-{value:g}"
                    point = _point(run, folder, study.plan(conditions))
                    found.append({"class": name, "axis": axis, "value": value, **point})
                    bar.advance(1, f"{name}, {axis} {value:g}")
        return _summarise(runs, out, study, found)


def read_back(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree as JSON gives it back: tuples are lists."""
    return {k: read_back(v) if isinstance(v, dict) else list(v) if isinstance(v, tuple) else v for k, v in tree.items()}


def _point(run: Context, folder: Path, plan: Plan) -> dict[str, Any]:
    """Return what one point gave, done now or before."""
    if (folder / _POINT).is_file():
        found: dict[str, Any] = read_json(folder / _POINT)
        return found
    if folder.exists():
        shutil.rmtree(folder)  # cut off
    short = studies.short(run, folder, plan)
    batch = short.after.rows("report")
    event = np.asarray(batch.metadata.get("event", np.arange(len(batch))), np.int64)
    of = np.zeros(len(batch), np.int64)
    judged = Judged(("all",), of, event, {}, {"old": short.emd.old, "new": short.emd.new})
    old, new = (judged.mean(name, judged.everything) for name in ("old", "new"))
    gain = judged.difference("old", "new", judged.everything)
    if old is None or new is None or gain is None:
        raise ConfigError(f"{folder.name}: no report image has charge; give a smaller condition")
    told = {
        "images": int(np.isfinite(short.emd.old).sum()),
        "old": old.pair,
        "new": new.pair,
        "gain": gain.pair,
        "changed": len(short.difference.changed),
        "size": short.difference.size,
        "bits": short.difference.bits,
        "milliseconds": {str(khz): ms for khz, ms in short.milliseconds.items()},
    }
    for part in (studies.BEFORE, studies.AFTER):
        shutil.rmtree(folder / part)  # rows and weights; what is written to the chip stays
    write_json(folder / _POINT, told)
    return told


def _summarise(
    runs: Mapping[str, Context], out: Path, study: Study, found: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    curves, verdicts = [], []
    for name in runs:
        own = [point for point in found if point["class"] == name]
        start = next(point for point in own if point["axis"] == "as it is")
        for axis, words in _AXES.items():
            here = [point for point in own if point["axis"] == axis]
            if here:
                curve = Curve(
                    name,
                    words,
                    (1.0 if axis == "pileup" else 0.0, *(point["value"] for point in here)),
                    tuple(Measured.of_pair(point["old"]) for point in (start, *here)),
                    tuple(Measured.of_pair(point["new"]) for point in (start, *here)),
                    tuple(Measured.of_pair(point["gain"]) for point in (start, *here)),
                )
                curves.append(curve)
                verdicts.append(verdict(curve, study.sigma))
    by_point = {(point["class"], _AXES.get(point["axis"]), point["value"]): point for point in found}
    answers = [_answer(one, by_point) for one in verdicts]
    rows = [_row(point) for point in found]
    write_text(out / "drift.csv", to_csv(rows))
    first = next(iter(runs.values())).config.report
    synthetic = any(bool(run.json(FACTS)["synthetic"]) for run in runs.values())
    sign = Sign(first.experiment, origin(synthetic=synthetic, simulated=first.origin == "simulation"))
    png = picture(curves, Sheet(sign, out / PLOTS))
    caption = "Old weights dashed, retrained ones full"
    summary = {
        "study": asdict(study),
        "points": list(found),
        "answers": [
            {
                "class": one.name,
                "axis": one.axis,
                "retrain from": one.value,
                "most": one.most,
                "gain": None if one.gain is None else one.gain.pair,
                "control": one.control.pair,
                "text": text,
            }
            for one, text in zip(verdicts, answers, strict=True)
        ],
    }
    write_json(out / SUMMARY, summary)
    page = TablePage(
        made=made(),
        kind="drift study",
        title=f"When to retrain {', '.join(runs)}",
        synthetic=synthetic,
        headline=" ".join(answers),
        lead="Old weights against weights that were retrained under the condition, on the same report images. ± is the "
        "error that leaving out whole events gives. The truth is the image that the module sees.",
        tables=[
            Table("Answers", _answers(verdicts)),
            Table("EMD over the condition", pictures={caption: data_uri(png)}, files={caption: f"{PLOTS}/drift"}),
            Table("Every point", [_shown(point) for point in found]),
        ],
        notes=_notes(study),
    )
    write_text(out / "index.html", render_tables(page))
    return summary


def _notes(study: Study) -> list[str]:
    return [
        f"A retraining counts where its gain is more than {study.sigma:g} errors and a thousandth of the EMD, and "
        "exceeds by as many errors what the same retraining gives without any condition (the points 'as it is').",
        f"At most {study.rows} images of every set, evenly taken; of a run that does not fit in memory, of its first "
        "training images.",
        "Dead cells and gains are drawn at random for every module of its own; all modules of a class have one set of "
        "weights, so that a retraining learns what the modules have in common.",
        "Pileup is a proxy: hits of the same module (of either endcap) in other crossings are overlaid, in the share "
        "of crossings in which it was not empty. The electronics' saturation, pulse tails and out-of-time pileup are "
        "not in it, and modules that were empty stay so.",
        "Times are those of the changed bytes alone, for one module.",
    ]


def _answer(one: Verdict, points: Mapping[Any, Mapping[str, Any]]) -> str:
    if one.value is None or one.gain is None:
        return f"{one.name}: no retraining up to {one.most:g} ({one.axis})."
    point = points[one.name, one.axis, one.value]
    times = point["milliseconds"]
    khz = "400" if "400" in times else next(iter(times))
    return (
        f"{one.name}: retrain from {one.value:g} on ({one.axis}): gain {one.gain.value:.4f} ± {one.gain.error:.4f}, "
        f"{point['changed']} of {point['size']} bytes, {times[khz]:.2f} ms at {khz} kHz."
    )


def _answers(verdicts: Sequence[Verdict]) -> list[dict[str, Cell]]:
    return [
        {
            "class": one.name,
            "condition": one.axis,
            "retrain from": f"not up to {one.most:g}" if one.value is None else f"{one.value:g}",
            "gain there": one.gain,
            "gain without the condition": one.control,
        }
        for one in verdicts
    ]


def _row(point: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: point[name] for name in ("class", "axis", "value", "images")}
    for name in ("old", "new", "gain"):
        row |= {name: point[name]["value"], f"{name}, error": point[name]["error"]}
    row |= {name: point[name] for name in ("changed", "size", "bits")}
    return row | {f"ms at {khz} kHz": ms for khz, ms in point["milliseconds"].items()}


def _shown(point: Mapping[str, Any]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: point[name] for name in ("class", "axis", "value", "images")}
    cells |= {
        "old weights": Measured.of_pair(point["old"]),
        "retrained": Measured.of_pair(point["new"]),
        "gain": Measured.of_pair(point["gain"]),
        "bytes that change": point["changed"],
        "of": point["size"],
    }
    return cells | {f"ms at {khz} kHz": round(ms, 3) for khz, ms in point["milliseconds"].items()}
