"""From the files of a run to its report: decodes the latents, compares, describes the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.emulator import encode
from econ_ae.errors import ConfigError, RunDirectoryError, did_you_mean
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel, Exact
from econ_ae.ir.validate import frame_capacity
from econ_ae.model_card import model_card

if TYPE_CHECKING:
    from econ_ae.pipeline import Context

HEADLINE = "headline.json"
EVALUATION = "evaluation.json"
TRANSMITTED = "transmitted bits"
EXACT = "exact charges"
_HEADER_BITS = 5


def write(context: Context) -> list[Path]:
    """Evaluate the run on its report rows; write index.html, report.json, headline.json and emd.csv."""
    from econ_ae import costing, pipeline
    from metrics.baselines import baselines
    from metrics.emd import engine
    from metrics.evaluate import evaluate
    from metrics.report import build_report, render, to_json
    from metrics.report.tables import emd_csv, headline_table
    from metrics.transmitted import transmitted

    config, model, geometry = context.config, context.model(), context.geometry
    batch = context.rows("report")
    autoencoder = reconstruct(context, model, batch)
    context.progress.say(f"exact EMD of {len(batch)} report events ({engine(geometry)})")
    flat, *ideal = baselines(batch.charges, geometry, config.report.elinks)
    sent = transmitted(batch.charges, geometry, config.report.elinks, tune=context.rows("train").charges)
    compared = [autoencoder, flat, *sent.reconstructions]
    evaluation = evaluate(batch.charges, compared, geometry, config.seed, metadata=batch.metadata)
    ideal_evaluation = evaluate(batch.charges, ideal, geometry, config.seed)
    history = pipeline.load_json(context.path(pipeline.TRAINING, "history.json"))
    data = build_report(
        evaluation,
        batch.charges,
        geometry,
        title=f"{config.name}: neural-network compression of trigger cells",
        dataset=pipeline.load_json(context.path("dataset.json")),
        history={
            "loss": [e["loss"] for e in history],
            "val_loss": [e["validation_loss"] for e in history],
            "learning_rate": [e["learning_rate"] for e in history],
        },
        verification=pipeline.load_json(context.path(pipeline.VERIFY, "verification.json")),
        model_card=model_card(model),
        manifest={k: v for k, v in context.run.manifest().items() if k != "stages"} | {"preset": config.name},
        notes=_notes(model, config),
        ideal=ideal_evaluation,
        streams=sent.streams,
        costs=costing.sections(context),
        uncosted=costing.skipped(context),
    )
    folder = context.path(pipeline.REPORT)
    write_text(folder / "index.html", render(data))
    write_text(folder / "report.json", to_json(data))
    table = headline_table(evaluation, TRANSMITTED) + headline_table(ideal_evaluation, EXACT)
    write_json(folder / HEADLINE, table)
    write_text(folder / "emd.csv", emd_csv(evaluation))
    return [folder / name for name in ("index.html", "report.json", HEADLINE, "emd.csv")]


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
    algorithms : some of ``ae``, ``stc``, ``bc``, ``ts``, ``rpt``
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
    from econ_ae import pipeline
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
        dataset=pipeline.load_json(first.path("dataset.json")),
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
        if "freeze" not in context.run.manifest()["stages"]:
            raise RunDirectoryError(
                f"{context.run.path}: stage 'freeze' has not finished; run: econ-ae freeze {context.run.path}"
            )
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


def reconstruct(context: Context, model: EncoderModel, batch: Batch) -> Any:
    """Return the autoencoder's reconstruction of a batch from its frames: encode, pack, unpack, decode."""
    from econ_ae import pipeline
    from econ_ae.econt.autoencoder import SUM_BITS, pack_latents, sum_code
    from econ_ae.econt.decode import decode_latents
    from econ_ae.training import artifact
    from metrics.baselines import Reconstruction

    pack = model.pack
    crossing = np.zeros(len(batch), np.int64)
    latents, codes = encode(model, batch.charges), sum_code(batch.charges)
    frames = pack_latents(latents, codes, crossing, pack.keep, elinks=pack.elinks, width=model.latent.width)
    received = decode_latents(frames, pack.keep, elinks=pack.elinks, latent=model.latent)
    networks = artifact.load(context.config, context.geometry, context.path(pipeline.TRAINING))
    decoded = artifact.decode(context.config, networks, model, received)
    bits = min(pack.bits, frame_capacity(pack.elinks))
    frame_bits = bits + _HEADER_BITS + SUM_BITS
    return Reconstruction("ae", "", pack.elinks, bits, decoded * received.total[:, None], frame_bits)


def headline_rows(context: Context) -> list[dict[str, Any]]:
    """Return the headline table that the report stage wrote: one row per algorithm and eLink count."""
    rows: list[dict[str, Any]] = json.loads(context.path("report", HEADLINE).read_text(encoding="utf-8"))
    return rows


def by_elinks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the headline table for a terminal: a row per algorithm, a column of mean EMDs per eLink count."""
    counts = sorted({row["eLinks"] for row in rows if row["eLinks"] != "-"})
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        variant = "" if row["variant"] == "-" or row["eLinks"] == "-" else f", {row['variant']}"
        name = row["algorithm"] + variant
        cells = table.setdefault(name, {"algorithm": name} | {f"{n} eLinks": "-" for n in counts})
        text = f"{row['mean']:.3f}({max(1, round(row['error'] * 1000))})"
        for n in counts if row["eLinks"] == "-" else [row["eLinks"]]:
            cells[f"{n} eLinks"] = text
    return list(table.values())


def synthetic(context: Context) -> str:
    """Return `` (synthetic)`` when the run's images were generated, else nothing."""
    facts = json.loads(context.path("dataset.json").read_text(encoding="utf-8"))
    return " (synthetic)" if facts["synthetic"] else ""


def verification_line(context: Context) -> str:
    """Return the outcome of the simulation in one line."""
    result = json.loads(context.path("verify", "verification.json").read_text(encoding="utf-8"))
    return (
        f"Verilog against integer model: {result['events']} events ({result['real_events']} real), "
        f"{result['mismatches']} mismatches, latency {result['latency']} clocks"
    )


def _notes(model: EncoderModel, config: RunConfig) -> list[str]:
    notes = [
        "Everything is reconstructed from the transmitted bits alone: latents, 4E3M and 5E4M codes of the frames.",
        "The encoder's integers were compared with QKeras on every event of the report before anything was generated.",
    ]
    lost = model.pack.bits - frame_capacity(model.pack.elinks)
    if lost > 0:
        notes.append(f"{lost} of the {model.pack.bits} latent bits do not fit the frame and are not sent.")
    if any(not isinstance(layer.accumulate, Exact) for layer in model.layers):
        how = "with the same" if config.training.arithmetic == "hardware" else "with exact sums"
        notes.append(f"The encoder floors every product, as the ECON-T does; it was trained {how}.")
    if config.data.keep_copies:
        notes.append("Images that are repeated in the report were trained on: the figures flatter the autoencoder.")
    return notes
