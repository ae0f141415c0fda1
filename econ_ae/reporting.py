"""From the files of a run to its report: decodes the latents, compares, describes the model."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from econ_ae.data.batch import Batch
from econ_ae.emulator import encode
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec, weights
from econ_ae.ir.model import Conv2D, EncoderModel, Exact, Stage
from econ_ae.ir.ranges import accumulator_format
from econ_ae.ir.validate import frame_capacity

if TYPE_CHECKING:
    from econ_ae.pipeline import Context

HEADLINE = "headline.json"
TRANSMITTED = "transmitted bits"
EXACT = "exact charges"


def write(context: Context) -> list[Path]:
    """Evaluate the run on its report rows; write index.html, report.json, headline.json and emd.csv."""
    from econ_ae import pipeline
    from metrics.baselines import baselines
    from metrics.evaluate import evaluate
    from metrics.report import build_report, render, to_json
    from metrics.transmitted import transmitted

    config, model, geometry = context.config, context.model(), context.geometry
    batch = context.rows("report")
    autoencoder = reconstruct(context, model, batch)
    context.progress.say(f"exact EMD of {len(batch)} report events")
    flat, *ideal = baselines(batch.charges, geometry, config.report.elinks)
    compared = [autoencoder, flat, *transmitted(batch.charges, geometry, config.report.elinks)]
    evaluation = evaluate(batch.charges, compared, geometry, config.seed)
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
        notes=_notes(model),
        ideal=ideal_evaluation,
    )
    folder = context.path(pipeline.REPORT)
    write_text(folder / "index.html", render(data))
    write_text(folder / "report.json", to_json(data))
    table = headline_table(evaluation, TRANSMITTED) + headline_table(ideal_evaluation, EXACT)
    write_json(folder / HEADLINE, table)
    write_text(folder / "emd.csv", _emd_csv(evaluation))
    return [folder / name for name in ("index.html", "report.json", HEADLINE, "emd.csv")]


def reconstruct(context: Context, model: EncoderModel, batch: Batch) -> Any:
    """Return the autoencoder's reconstruction of a batch from its frames: encode, pack, unpack, decode."""
    from econ_ae import pipeline
    from econ_ae.econt.autoencoder import pack_latents, sum_code
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
    return Reconstruction("ae", "", pack.elinks, bits, decoded * received.total[:, None])


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


def headline_table(evaluation: Any, receiver: str) -> list[dict[str, Any]]:
    """Return one row per algorithm and eLink count, EMD in units of half a trigger-cell pitch.

    ``receiver`` says what the receiver knows: the transmitted bits, or exact charges.
    """
    rows = []
    for entry in evaluation.entries:
        reconstruction, summary = entry.reconstruction, entry.summary
        rows.append(
            {
                "receiver": receiver,
                "algorithm": reconstruction.name,
                "variant": reconstruction.variant or "-",
                "eLinks": reconstruction.elinks or "-",
                "mean": summary.mean.value,
                "error": summary.mean.error,
                "median": summary.median.value,
                "16 %": summary.low.value,
                "84 %": summary.high.value,
                "events": summary.n_defined,
                "undefined": summary.n_undefined,
            }
        )
    return rows


def model_card(model: EncoderModel) -> dict[str, Any]:
    """Return what a reader must know about an encoder."""
    return {
        "layers": [_layer_row(stage) for stage in model.stages],
        "name": model.name,
        "input": f"{'x'.join(map(str, model.input.arrangement.shape))} image of {model.input.cells} trigger cells, "
        f"{model.normalise.out}",
        "output": f"{model.latents} latents of {model.latent} ({model.latent.width} bits)",
        "bits_sent": model.pack.bits,
        "elinks": model.pack.elinks,
        "weights": sum(layer.kernel.size + layer.bias.size for layer in model.layers),
        "weight_bits": weights.image_bits(model),
        "sha256": codec.sha256(model),
    }


def _layer_row(stage: Stage) -> dict[str, Any]:
    layer, requantise = stage.layer, stage.requantise
    kind = "dense"
    if isinstance(layer, Conv2D):
        kind = f"conv {layer.kernel.shape[0]}x{layer.kernel.shape[1]}, stride {layer.stride[0]}"
    rule = (
        "exact" if isinstance(layer.accumulate, Exact) else f"each product floored to 2^-{stage.accumulator_fraction}"
    )
    return {
        "layer": layer.name,
        "operation": kind,
        "input": "x".join(map(str, stage.in_shape)),
        "output": "x".join(map(str, stage.out_shape)),
        "weights": layer.kernel.size + layer.bias.size,
        "weight format": str(layer.weight),
        "accumulation": rule,
        "accumulator": str(accumulator_format(stage)),
        "activation": f"{'ReLU, ' if requantise.relu else ''}{requantise.out}",
        "rounding": str(requantise.rounding),
    }


def _emd_csv(evaluation: Any) -> str:
    """Return the EMD of every event and algorithm; an undefined EMD is an empty cell."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    names = [
        "_".join(str(p) for p in (r.algorithm, r.variant, f"{r.elinks}elinks" if r.elinks else "") if p)
        for r in (entry.reconstruction for entry in evaluation.entries)
    ]
    out.writerow(["occupancy", "total_calq", *names])
    columns = [(entry.result.values, entry.result.defined) for entry in evaluation.entries]
    for i, (occupancy, total) in enumerate(zip(evaluation.occupancy, evaluation.total, strict=True)):
        out.writerow([occupancy, int(total), *(f"{v[i]:.6g}" if ok[i] else "" for v, ok in columns)])
    return stream.getvalue()


def _notes(model: EncoderModel) -> list[str]:
    notes = [
        "Everything is reconstructed from the transmitted bits alone: latents, 4E3M and 5E4M codes of the frames.",
        "The encoder's integers were compared with QKeras on every event of the report before anything was generated.",
    ]
    lost = model.pack.bits - frame_capacity(model.pack.elinks)
    if lost > 0:
        notes.append(f"{lost} of the {model.pack.bits} latent bits do not fit the frame and are not sent.")
    if any(not isinstance(layer.accumulate, Exact) for layer in model.layers):
        notes.append(
            "The integer model floors every product, as the ECON-T does; the network was trained without that."
        )
    return notes
