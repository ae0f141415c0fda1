"""Report: the run's autoencoder beside the chip's other algorithms on the report rows, as a page and tables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from econ_ae.app import cost_tables
from econ_ae.app.cells import no_costs
from econ_ae.app.headline import EXACT, TRANSMITTED
from econ_ae.app.model_card import model_card
from econ_ae.app.reconstruction import known_besides, reconstruct
from econ_ae.app.run.context import FACTS, FREEZE, HEADLINE, HISTORY, REPORT, TRAINING, VERIFICATION, VERIFY, Context
from econ_ae.app.run.made import made
from econ_ae.app.stages import costs
from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.files import write_json, write_text
from econ_ae.ir.model import EncoderModel, Exact
from econ_ae.ir.validate import frame_capacity

if TYPE_CHECKING:
    from metrics.evaluate import Evaluation
    from metrics.physics import SecondOpinions
    from metrics.threshold import ThresholdStream


def run(context: Context) -> list[Path]:
    """Evaluate the run on its report rows; write index.html, report.json, headline.json and emd.csv."""
    batch = context.rows("report")
    own = evaluate_own(context, batch)
    return write(context, batch, own, evaluate_others(context, batch))


@dataclass(frozen=True, eq=False)
class Others:
    """What a run's autoencoder is compared with: the same for all runs with the same rows, eLinks and seed.

    Parameters
    ----------
    evaluation : flat images, and the chip's other algorithms and the codes without a network from transmitted bits
    ideal : the chip's other algorithms with exact charges at the receiver
    streams : how the threshold sum used its links
    """

    evaluation: Evaluation
    ideal: Evaluation
    streams: tuple[ThresholdStream, ...]


def evaluate_own(context: Context, batch: Batch) -> Evaluation:
    """Return the evaluation of the run's autoencoder alone on the run's report rows."""
    from metrics.evaluate import evaluate

    context.progress.say(f"frames of {len(batch)} report events are decoded")
    sent = [reconstruct(context, context.model(), batch)]
    return evaluate(batch.charges, sent, context.geometry, context.config.seed, metadata=batch.metadata)


def evaluate_others(context: Context, batch: Batch) -> Others:
    """Return the evaluation of all else on the run's report rows; its tables are made of the training rows."""
    from metrics.baselines import baselines
    from metrics.emd import engine
    from metrics.evaluate import evaluate
    from metrics.transmitted import transmitted

    config, geometry = context.config, context.geometry
    context.progress.say(f"exact EMD of {len(batch)} report events ({engine(geometry)})")
    flat, *ideal = baselines(batch.charges, geometry, config.report.elinks)
    sent = transmitted(batch.charges, geometry, config.report.elinks, tune=context.rows("train").charges)
    compared = [flat, *sent.reconstructions]
    return Others(
        evaluate(batch.charges, compared, geometry, config.seed, metadata=batch.metadata),
        evaluate(batch.charges, ideal, geometry, config.seed),
        sent.streams,
    )


def write(
    context: Context,
    batch: Batch,
    own: Evaluation,
    others: Others,
    opinions: Mapping[int, SecondOpinions] | None = None,
) -> list[Path]:
    """Write the report of a run; return its files.

    Parameters
    ----------
    batch : the run's report rows
    own, others : of ``evaluate_own`` and ``evaluate_others`` on these rows
    opinions : second opinions that are known, see ``metrics.report.build_report``
    """
    from metrics.report import build_report, render, to_json
    from metrics.report.render import PLOTS
    from metrics.report.tables import emd_csv, headline_table

    config, model, evaluation = context.config, context.model(), own.beside(others.evaluation)
    history = context.json(TRAINING, HISTORY)
    silicon, left_out = cost_tables.for_report(context)
    data = build_report(
        evaluation,
        batch.charges,
        context.geometry,
        title=f"{config.name}: neural-network compression of trigger cells",
        dataset=context.json(FACTS),
        history={
            "loss": [e["loss"] for e in history],
            "val_loss": [e["validation_loss"] for e in history],
            "learning_rate": [e["learning_rate"] for e in history],
        }
        if history
        else {},  # weights that somebody else trained
        verification=context.json(VERIFY, VERIFICATION),
        model_card=model_card(model),
        manifest=context.run.manifest().facts() | {"preset": config.name},
        notes=_notes(context, model, len(batch)),
        ideal=others.ideal,
        streams=others.streams,
        costs=silicon,
        no_costs=f"{'' if silicon else costs.why_none(context) or no_costs(config)} {left_out}".strip(),
        opinions=opinions,
        **signed(config),
    )
    folder = context.path(REPORT)
    shutil.rmtree(folder / PLOTS, ignore_errors=True)  # of an earlier report
    write_text(folder / "index.html", render(data, folder))
    write_text(folder / "report.json", to_json(data))
    table = headline_table(evaluation, TRANSMITTED) + headline_table(others.ideal, EXACT)
    write_json(folder / HEADLINE, table)
    write_text(folder / "emd.csv", emd_csv(evaluation))
    return files(folder)


def files(folder: Path) -> list[Path]:
    """Return the files of a report that was written."""
    from metrics.report.render import PLOTS

    named = [folder / name for name in ("index.html", "report.json", HEADLINE, "emd.csv")]
    return [*named, *sorted((folder / PLOTS).glob("*"))]


def signed(config: RunConfig, experiment: str | None = None) -> dict[str, Any]:
    """Return what the pages and plots of a run say of its experiment, and when and how they were made.

    Parameters
    ----------
    experiment : instead of that of the settings, unless it is None
    """
    report = config.report
    name = report.experiment if experiment is None else experiment
    return {"experiment": name, "simulated": report.origin == "simulation", "made": made()}


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
