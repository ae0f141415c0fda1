"""The summary of a retraining: EMD before and after on the same events, and the I2C writes between the two."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from econ_ae.app.headline import headline_rows
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import FACTS, HISTORY, REPORT, TRAINING, VERIFICATION, VERIFY, Context
from econ_ae.data import conditions
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec, weights

SUMMARY = "retrain.json"
CHANGED_BYTES = "i2c_changed_bytes.csv"
CHANGED_WRITES = "i2c_changed_bytes.txt"
JOINED_WRITES = "i2c_shortest.txt"

I2C_ADDRESS = 0x20


def summarise(run: Context, before: Context, after: Context, out: Path) -> dict[str, Any]:
    """Compare the run, the old weights under the conditions and the new ones; write page, JSON and I2C files."""
    from metrics.report.retraining import Retraining, Step, render_retraining
    from metrics.statistics import paired_difference, summarise

    seed = run.config.seed
    old, new = (_emd(context) for context in (before, after))
    steps = []
    for name, context, result in (
        ("old weights, before the conditions", run, _emd(run)),
        ("old weights, under the conditions", before, old),
        ("new weights, under the conditions", after, new),
    ):
        found = summarise(result, seed)
        link = "" if context is run else f"{context.run.path.name}/report/index.html"
        steps.append(Step(name, found.mean, found.median, found.n_defined, found.n_undefined, link))
    difference, bus = _i2c(before, after, out)
    elinks = after.model().pack.elinks
    page = Retraining(
        title=f"{run.config.name}: retrained for {'; '.join(conditions.describe(after.config.conditions))}",
        synthetic=bool(run.json(FACTS)["synthetic"]),
        conditions=conditions.describe(after.config.conditions),
        steps=steps,
        difference=paired_difference(new, old, seed),
        changed=len(difference.changed),
        size=difference.size,
        bits=difference.bits,
        blocks=difference.by_block,
        bus=bus,
        rivals=[
            row
            for row in headline_rows(after.path(REPORT))
            if row["eLinks"] == elinks and "autoencoder" not in row["algorithm"] and row["receiver"] != "exact charges"
        ],
        facts=_facts(run, before, after),
    )
    summary = asdict(page) | {"verdict": page.verdict, "significance": page.difference.significance}
    write_json(out / SUMMARY, summary)
    write_text(out / "index.html", render_retraining(page))
    return json.loads(json.dumps(summary))


def _emd(context: Context) -> Any:
    """Return the EMD of a run's report events, reconstructed from the transmitted bits."""
    from metrics.emd import emd

    batch = context.rows("report")
    return emd(batch.charges, reconstruct(context, context.model(), batch).charges, context.geometry)


def _i2c(before: Context, after: Context, out: Path) -> tuple[Any, list[Any]]:
    from metrics.report.retraining import BusRow
    from rtl_gen.registers import address_map, bus_seconds, changed_csv, i2c_sequence, weight_difference, weight_writes
    from rtl_gen.registers.sequence import FREQUENCIES

    layout = address_map(after.model())
    new = weights.pack(after.model())
    difference = weight_difference(layout, weights.pack(before.model()), new)
    write_text(out / CHANGED_BYTES, changed_csv(difference))
    ways = (
        ("changed bytes alone", difference.writes, CHANGED_WRITES),
        ("changed bytes, short gaps written again", difference.joined, JOINED_WRITES),
        ("all weights", weight_writes(layout, new), ""),
    )
    rows = []
    for name, writes, file in ways:
        if file:
            write_text(out / file, i2c_sequence(writes, I2C_ADDRESS, one_transaction=True))
        times = {f // 1000: bus_seconds(writes, f) * 1e3 for f in FREQUENCIES}
        rows.append(BusRow(name, len(writes), sum(len(w.data) for w in writes), times, file))
    return difference, rows


def _facts(run: Context, before: Context, after: Context) -> dict[str, Any]:
    training = after.config.training
    history = after.json(TRAINING, HISTORY)
    return {
        "run": run.run.path.name,
        "trained": {
            "all": "encoder and decoder",
            "encoder": "encoder",
            "dense": "dense layers of the encoder, and decoder",
            "decoder": "decoder",
        }[training.trains],
        "epochs": len(history),
        "learning_rate": training.learning_rate,
        "training_events": len(after.rows("train")),
        "validation_loss_first_epoch": history[0]["validation_loss"],
        "validation_loss_best": min(e["validation_loss"] for e in history),
        "old_encoder_sha256": codec.sha256(run.model())[:12],
        "new_encoder_sha256": codec.sha256(after.model())[:12],
        "Verilog_with_old_weights": _verified(before),
        "Verilog_with_new_weights": _verified(after),
    }


def _verified(context: Context) -> str:
    result = context.json(VERIFY, VERIFICATION)
    return f"{result['mismatches']} mismatches in {result['events']} events"
