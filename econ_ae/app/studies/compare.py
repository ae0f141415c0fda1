"""`econ-ae evaluate`: finished runs and the chip's other algorithms at equal transmitted bits."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from econ_ae.app.headline import TRANSMITTED
from econ_ae.app.reconstruction import known_besides, reconstruct
from econ_ae.app.run.context import FACTS, VERIFICATION, VERIFY, Context
from econ_ae.app.run.lock import content, lock
from econ_ae.app.stages.data import read_batch
from econ_ae.app.stages.report import signed
from econ_ae.config import RunConfig, changed
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError, RunDirectoryError, did_you_mean
from econ_ae.files import write_text
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity

if TYPE_CHECKING:
    from metrics.evaluate import Evaluation
    from metrics.threshold import ThresholdStream

EVALUATION = "evaluation.json"


def evaluation_folder(first: Path, out: Path | None, *, overwrite: bool) -> Path:
    """Return where an evaluation is written: ``evaluation/`` in the first run or family, or ``out``.

    Raises
    ------
    RunDirectoryError
        When ``out`` holds something else, or an evaluation and ``overwrite`` is not set.
    """
    if out is None:
        return first / "evaluation"
    if out.exists() and (not out.is_dir() or content(out)):
        if not (out / EVALUATION).is_file():
            raise RunDirectoryError(f"{out} holds something else than an evaluation; choose another --out")
        if not overwrite:
            raise RunDirectoryError(f"{out} exists; give --overwrite to replace it, or another --out")
    return out


@dataclass(frozen=True)
class Compared:
    """The rows of the headline table, whether the events were generated, and what the rows are of."""

    rows: list[dict[str, Any]]
    synthetic: bool
    evaluation: Evaluation


def compare(
    contexts: Sequence[Context],
    algorithms: Sequence[str],
    elinks: Sequence[int] | None,
    out: Path,
    *,
    source: str | None = None,
    experiment: str | None = None,
) -> Compared:
    """Evaluate finished runs and the chip's other algorithms on the same events, from the transmitted bits.

    Writes ``index.html``, ``evaluation.json``, ``emd.csv`` and every table as CSV into ``out``.

    Parameters
    ----------
    contexts : runs with the same report events
    algorithms : some of ``ae``, ``stc``, ``bc``, ``ts``, ``rpt``, ``abc`` (best choice with adaptive precision),
        ``ccc`` (companded cell code)
    elinks : eLink counts of the others; None takes the runs' settings and the autoencoders' counts
    source : a file with other events of the same geometry, all of which are taken, with the first run's settings of
        the data; None takes the runs' report events. Tables of the others are made of the first run's training rows.
    experiment : that plots name; None takes that of the first run's settings

    Raises
    ------
    ConfigError
        When an algorithm is unknown or an eLink count is outside 1..13.
    RunDirectoryError
        When a run has no frozen encoder, the runs report on different events, or another process writes there.
    """
    from metrics.transmitted import ALGORITHMS

    known = ("ae", *ALGORITHMS)
    for name in algorithms:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"algorithm {name!r} is unknown; expected some of {', '.join(known)}{hint}")
    first = contexts[0]
    labels = _labels(contexts)
    place = first.run.path if out.resolve().is_relative_to(first.run.path.resolve()) else out
    with lock(place, first.progress):
        return _compare(contexts, labels, algorithms, elinks, out=out, source=source, experiment=experiment)


def _compare(
    contexts: Sequence[Context],
    labels: list[str],
    algorithms: Sequence[str],
    elinks: Sequence[int] | None,
    *,
    out: Path,
    source: str | None,
    experiment: str | None,
) -> Compared:
    from metrics.baselines import flat_image
    from metrics.emd import engine
    from metrics.evaluate import evaluate
    from metrics.transmitted import transmitted

    first = contexts[0]
    batch, facts = same_events(contexts) if source is None else _other_events(contexts, source)
    models = [context.model() for context in contexts]
    runs = [run_facts(*run) for run in zip(labels, contexts, models, strict=True)]
    if elinks is None:
        elinks = sorted({*first.config.report.elinks, *(model.elinks for model in models)})
    others = [name for name in algorithms if name != "ae"]
    sent = transmitted(batch.charges, first.geometry, elinks, others, tune=first.rows("train").charges)
    compared = [flat_image(batch.charges), *sent.reconstructions]
    if "ae" in algorithms:
        autoencoders = (reconstruct(*pair, batch) for pair in zip(contexts, models, strict=True))
        compared[:0] = [replace(r, variant=label) for r, label in zip(autoencoders, labels, strict=True)]
    first.progress.say(f"exact EMD of {len(batch)} events, {len(compared)} reconstructions ({engine()})")
    with first.progress.bar("EMD", len(batch) * len(compared)) as bar:
        evaluation = evaluate(
            batch.charges,
            compared,
            first.geometry,
            first.config.seed,
            metadata=batch.metadata,
            progress=bar.advance,
        )
    notes = [f"{label}: {note}" for label, c in zip(labels, contexts, strict=True) for note in known_besides(c.config)]
    title = f"Evaluation of {', '.join(labels)}"
    told = signed(first.config, experiment)
    return write_comparison(
        out, title, evaluation, batch, facts, streams=sent.streams, runs=runs, notes=notes, told=told
    )


def write_comparison(
    out: Path,
    title: str,
    evaluation: Evaluation,
    batch: Batch,
    facts: dict[str, Any],
    *,
    streams: Sequence[ThresholdStream] = (),
    runs: Sequence[dict[str, Any]] = (),
    notes: Sequence[str] = (),
    told: Mapping[str, Any] | None = None,
) -> Compared:
    """Write the page of an evaluation and its tables into a folder.

    Parameters
    ----------
    facts : what a reader must know about the events; ``synthetic`` is required
    streams : how the threshold sum used its links
    runs : a row of facts per run
    told : what the page and its plots say of the experiment and of how they were made, see ``stages.report.signed``
    """
    from metrics.report import build_report, render, to_json
    from metrics.report.render import PLOTS
    from metrics.report.tables import NAMES, emd_csv, headline_table, tables, to_csv

    data = build_report(
        evaluation,
        batch.charges,
        LOW_DENSITY,
        title=title,
        dataset=facts,
        streams=streams,
        runs=runs,
        notes=["Everything is reconstructed from the transmitted bits alone.", *notes],
        **(told or {}),
    )
    shutil.rmtree(out / PLOTS, ignore_errors=True)  # of an earlier evaluation here
    write_text(out / "index.html", render(data, out))
    write_text(out / EVALUATION, to_json(data))
    write_text(out / "emd.csv", emd_csv(evaluation))
    found = tables(data)
    for name in NAMES:
        if name in found:
            write_text(out / f"{name}.csv", to_csv(found[name]))
        else:
            (out / f"{name}.csv").unlink(missing_ok=True)  # of an earlier evaluation here
    rows = [dict(row) for row in headline_table(evaluation, TRANSMITTED)]
    return Compared(rows, bool(facts["synthetic"]), evaluation)


def _other_events(contexts: Sequence[Context], source: str) -> tuple[Batch, dict[str, Any]]:
    """Return all events of a file that the runs' settings select, and what a reader must know about them."""
    first = contexts[0]
    first.run.check("data")
    settings = [changed(context.config, "options", data={"source": source}) for context in contexts]
    for context, other in zip(contexts, settings, strict=True):
        context.run.check("freeze")
        if _selection(other) != _selection(settings[0]):
            raise ConfigError(
                f"{context.run.path} takes other images of a file than {first.run.path} (settings of data); evaluate "
                "them one at a time"
            )
    batch = read_batch(settings[0], first.geometry, first.progress)
    if not len(batch):
        raise ConfigError(f"{source} has no image that the settings of {first.run.path} select")
    return batch, facts_of(batch)


def facts_of(batch: Batch) -> dict[str, Any]:
    """Return what a reader must know about events all of which are evaluated."""
    facts = {**asdict(batch.provenance), "events": len(batch), "rows": "all", "report_events": len(batch)}
    return facts | {"undefined_in_report": int((batch.total == 0).sum())}


def _selection(config: RunConfig) -> dict[str, Any]:
    """Return the settings that say which images are read, not what they are used for."""
    data = config.data.model_dump(exclude={"train", "report", "validation", "keep_copies", "memory_mb", "resample"})
    events = {"train_events", "validation_events", "report_events"}
    data["cms_events"] = {key: value for key, value in data["cms_events"].items() if key not in events}
    return data


def same_events(contexts: Sequence[Context]) -> tuple[Batch, dict[str, Any]]:
    """Return the report rows that all runs share, row by row, and what a reader must know about them."""
    hashes = []
    for context in contexts:
        context.run.check("freeze")
        charges = context.rows("report").charges
        hashes.append((hashlib.sha256(charges.tobytes()).hexdigest()[:12], len(charges)))
    for context, found in zip(contexts, hashes, strict=True):
        if found != hashes[0]:
            (one, n), (other, m) = hashes[0], found
            raise RunDirectoryError(
                f"{context.run.path} reports on other events ({m}, sha256 {other}) than {contexts[0].run.path} "
                f"({n}, sha256 {one}); runs are compared event by event: train them on the same data with the same "
                "report rows, or evaluate them one at a time"
            )
    return contexts[0].rows("report"), contexts[0].json(FACTS)


def _labels(contexts: Sequence[Context]) -> list[str]:
    """Return a short name per run: its directory, with the parent where two have the same."""
    paths = [context.run.path.resolve() for context in contexts]
    names = [path.name for path in paths]
    labels = [
        name if names.count(name) == 1 else f"{path.parent.name}/{name}"
        for path, name in zip(paths, names, strict=True)
    ]
    if len(set(paths)) < len(paths):
        raise ConfigError(f"a run is given twice: {', '.join(str(c.run.path) for c in contexts)}; give each once")
    return labels


def run_facts(label: str, context: Context, model: EncoderModel) -> dict[str, Any]:
    """Return what a table of runs says of one, settings, encoder and verification, by the names of its columns."""
    verified = "not verified"
    if context.run.has("verify"):
        context.run.check("generate", "verify")
        result = context.json(VERIFY, VERIFICATION)
        verified = f"{result['mismatches']} mismatches in {result['events']} events"
    return {
        "run": label,
        "settings": context.config.name,
        "loss": context.config.training.loss,
        "seed": context.config.seed,
        "eLinks": model.elinks,
        "payload bits": frame_capacity(model.elinks) if model.sends_cells else model.pack.bits,
        "weights": sum(field.count for field in weights.fields(model)),
        "Verilog": verified,
        "encoder sha256": codec.sha256(model)[:12],
    }
