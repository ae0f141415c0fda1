"""Report: the run's autoencoder beside the chip's other algorithms on the report rows, as a page and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from econ_ae.app import cost_tables
from econ_ae.app.cells import no_costs
from econ_ae.app.headline import EXACT, TRANSMITTED
from econ_ae.app.model_card import model_card
from econ_ae.app.reconstruction import known_besides, reconstruct
from econ_ae.app.run.context import FACTS, FREEZE, HEADLINE, HISTORY, REPORT, TRAINING, VERIFICATION, VERIFY, Context
from econ_ae.app.stages import costs
from econ_ae.files import write_json, write_text
from econ_ae.ir.model import EncoderModel, Exact
from econ_ae.ir.validate import frame_capacity


def run(context: Context) -> list[Path]:
    """Evaluate the run on its report rows; write index.html, report.json, headline.json and emd.csv."""
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
    history = context.json(TRAINING, HISTORY)
    silicon, left_out = cost_tables.for_report(context)
    data = build_report(
        evaluation,
        batch.charges,
        geometry,
        title=f"{config.name}: neural-network compression of trigger cells",
        dataset=context.json(FACTS),
        history={
            "loss": [e["loss"] for e in history],
            "val_loss": [e["validation_loss"] for e in history],
            "learning_rate": [e["learning_rate"] for e in history],
        },
        verification=context.json(VERIFY, VERIFICATION),
        model_card=model_card(model),
        manifest=context.run.manifest().facts() | {"preset": config.name},
        notes=_notes(context, model, len(batch)),
        ideal=ideal_evaluation,
        streams=sent.streams,
        costs=silicon,
        no_costs=no_costs(config) or f"{costs.why_none(context)} {left_out}".strip(),
    )
    folder = context.path(REPORT)
    write_text(folder / "index.html", render(data))
    write_text(folder / "report.json", to_json(data))
    table = headline_table(evaluation, TRANSMITTED) + headline_table(ideal_evaluation, EXACT)
    write_json(folder / HEADLINE, table)
    write_text(folder / "emd.csv", emd_csv(evaluation))
    return [folder / name for name in ("index.html", "report.json", HEADLINE, "emd.csv")]


def compared_with_keras(frozen: Mapping[str, Any], events: int) -> str:
    """Return what the freeze compared, from its record and the number of report events."""
    real = "every event" if frozen["real_events"] == events else f"{frozen['real_events']} of {events} events"
    return (
        f"The encoder's integers were compared with QKeras on {real} of the report and on {frozen['random_events']} "
        f"random images before anything was generated: {frozen['mismatches']} mismatches."
    )


def _notes(context: Context, model: EncoderModel, events: int) -> list[str]:
    config = context.config
    if model.sends_cells:
        return [
            "Everything is reconstructed from the transmitted bits alone: pulses, 4E3M and 5E4M codes of the frames.",
            "Events that fit are sent without any loss. The frames of every event of the report were unpacked and "
            "compared with what was encoded.",
            *known_besides(config),
        ]
    notes = [
        "Everything is reconstructed from the transmitted bits alone: latents, 4E3M and 5E4M codes of the frames.",
        compared_with_keras(context.json(FREEZE), events),
        *known_besides(config),
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
