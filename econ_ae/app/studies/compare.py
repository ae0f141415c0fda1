"""`econ-ae evaluate`: finished runs and the chip's other algorithms at equal transmitted bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from econ_ae.app.headline import TRANSMITTED
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import FACTS, Context
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError, RunDirectoryError, did_you_mean
from econ_ae.files import write_text
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel

EVALUATION = "evaluation.json"


def evaluation_folder(contexts: Sequence[Context], out: Path | None, *, overwrite: bool) -> Path:
    """Return where an evaluation is written: ``evaluation/`` in the first run, or ``out``.

    Raises
    ------
    RunDirectoryError
        When ``out`` holds something else, or an evaluation and ``overwrite`` is not set.
    """
    if out is None:
        return contexts[0].path("evaluation")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not (out / EVALUATION).is_file():
            raise RunDirectoryError(f"{out} holds something else than an evaluation; choose another --out")
        if not overwrite:
            raise RunDirectoryError(f"{out} exists; give --overwrite to replace it, or another --out")
    return out


def compare(
    contexts: Sequence[Context], algorithms: Sequence[str], elinks: Sequence[int] | None, out: Path
) -> list[dict[str, Any]]:
    """Evaluate finished runs and the chip's other algorithms on the runs' report events, from the transmitted bits.

    Writes ``index.html``, ``evaluation.json``, ``emd.csv`` and every table as CSV into ``out``.

    Parameters
    ----------
    contexts : runs with the same report events
    algorithms : some of ``ae``, ``stc``, ``bc``, ``ts``, ``rpt``, ``abc`` (best choice with adaptive precision),
        ``ccc`` (companded cell code)
    elinks : eLink counts of the others; None takes the runs' settings and the autoencoders' counts

    Returns
    -------
    rows of the headline table

    Raises
    ------
    ConfigError
        When an algorithm is unknown or an eLink count is outside 1..13.
    RunDirectoryError
        When a run has no frozen encoder, or the runs report on different events.
    """
    from metrics.baselines import flat_image
    from metrics.emd import engine
    from metrics.evaluate import evaluate
    from metrics.report import build_report, render, to_json
    from metrics.report.tables import NAMES, emd_csv, headline_table, tables, to_csv
    from metrics.transmitted import ALGORITHMS, transmitted

    known = ("ae", *ALGORITHMS)
    for name in algorithms:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"algorithm {name!r} is unknown; expected some of {', '.join(known)}{hint}")
    first = contexts[0]
    batch = _same_events(contexts)
    models = [context.model() for context in contexts]
    if elinks is None:
        elinks = sorted({*first.config.report.elinks, *(model.pack.elinks for model in models)})
    others = [name for name in algorithms if name != "ae"]
    sent = transmitted(batch.charges, first.geometry, elinks, others, tune=first.rows("train").charges)
    labels = _labels(contexts)
    compared = [flat_image(batch.charges), *sent.reconstructions]
    if "ae" in algorithms:
        autoencoders = (reconstruct(*pair, batch) for pair in zip(contexts, models, strict=True))
        compared[:0] = [replace(r, variant=label) for r, label in zip(autoencoders, labels, strict=True)]
    first.progress.say(f"exact EMD of {len(batch)} report events, {len(compared)} reconstructions ({engine()})")
    with first.progress.bar("EMD", len(batch) * len(compared)) as bar:
        evaluation = evaluate(
            batch.charges,
            compared,
            first.geometry,
            first.config.seed,
            metadata=batch.metadata,
            progress=bar.advance,
        )
    data = build_report(
        evaluation,
        batch.charges,
        first.geometry,
        title=f"Evaluation of {', '.join(labels)}",
        dataset=first.json(FACTS),
        streams=sent.streams,
        runs=[_run_facts(*run) for run in zip(labels, contexts, models, strict=True)],
        notes=["Everything is reconstructed from the transmitted bits alone."],
    )
    write_text(out / "index.html", render(data))
    write_text(out / EVALUATION, to_json(data))
    write_text(out / "emd.csv", emd_csv(evaluation))
    found = tables(data)
    for name in NAMES:
        if name in found:
            write_text(out / f"{name}.csv", to_csv(found[name]))
        else:
            (out / f"{name}.csv").unlink(missing_ok=True)  # of an earlier evaluation here
    return [dict(row) for row in headline_table(evaluation, TRANSMITTED)]


def _same_events(contexts: Sequence[Context]) -> Batch:
    """Return the report rows that all runs share, row by row."""
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
    return contexts[0].rows("report")


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


def _run_facts(label: str, context: Context, model: EncoderModel) -> dict[str, Any]:
    path = context.path("verify", "verification.json")
    verified = "not verified"
    if path.is_file():
        result = json.loads(path.read_text(encoding="utf-8"))
        verified = f"{result['mismatches']} mismatches in {result['events']} events"
    return {
        "run": label,
        "settings": context.config.name,
        "loss": context.config.training.loss,
        "seed": context.config.seed,
        "eLinks": model.pack.elinks,
        "latent bits": model.pack.bits,
        "weights": sum(layer.kernel.size + layer.bias.size for layer in model.layers),
        "Verilog": verified,
        "encoder sha256": codec.sha256(model)[:12],
    }
