"""From the files of a run to its report: decodes the latents, compares, describes the model."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from econ_ae.emulator import encode
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec, weights
from econ_ae.ir.model import Conv2D, EncoderModel, Exact, Stage
from econ_ae.ir.ranges import accumulator_format

if TYPE_CHECKING:
    from econ_ae.pipeline import Context

HEADLINE = "headline.json"


def write(context: Context) -> list[Path]:
    """Evaluate the run on its report rows; write index.html, report.json, headline.json and emd.csv."""
    from econ_ae import pipeline
    from econ_ae.training import artifact
    from metrics.baselines import Reconstruction, baselines
    from metrics.evaluate import evaluate
    from metrics.report import build_report, render, to_json

    config, model = context.config, context.model()
    batch = context.rows("report")
    networks = artifact.load(config, context.geometry, context.path(pipeline.TRAINING))
    decoded = artifact.decode(networks, model, encode(model, batch.charges))
    # The receiver knows the exact charge sum here, as it does for the baselines.
    autoencoder = Reconstruction("ae", "", model.pack.elinks, model.pack.bits, decoded * batch.total[:, None])
    context.progress.say(f"exact EMD of {len(batch)} report events")
    compared = [autoencoder, *baselines(batch.charges, context.geometry, config.report.elinks)]
    evaluation = evaluate(batch.charges, compared, context.geometry, config.seed)
    history = pipeline.load_json(context.path(pipeline.TRAINING, "history.json"))
    data = build_report(
        evaluation,
        batch.charges,
        context.geometry,
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
        notes=_notes(),
    )
    folder = context.path(pipeline.REPORT)
    table = to_json(data)
    write_text(folder / "index.html", render(data))
    write_text(folder / "report.json", table)
    write_json(folder / HEADLINE, headline_table(evaluation))
    write_text(folder / "emd.csv", _emd_csv(evaluation))
    return [folder / name for name in ("index.html", "report.json", HEADLINE, "emd.csv")]


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


def headline_table(evaluation: Any) -> list[dict[str, Any]]:
    """Return one row per algorithm and eLink count, EMD in units of half a trigger-cell pitch."""
    rows = []
    for entry in evaluation.entries:
        reconstruction, summary = entry.reconstruction, entry.summary
        rows.append(
            {
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


def verification_rows(result: Any) -> list[dict[str, Any]]:
    """Return a verification result as table rows."""
    return [{"fact": name, "value": str(value)} for name, value in json.loads(result.to_json()).items()]


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


def _notes() -> list[str]:
    return [
        "The receiver is given the exact charge sum for every algorithm; charges sent by best choice and super trigger "
        "cells are exact. This flatters all of them alike, the ones that send few bits most.",
        "The encoder's integers were compared with QKeras on every event of the report before anything was generated.",
    ]
