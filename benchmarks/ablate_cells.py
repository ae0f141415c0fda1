"""What is learned in runs of encoders of cells: choice of the mode and network, each replaced by something simple.

``python benchmarks/ablate_cells.py RUN... [--rows validation] [--events 8000]`` prints the mean exact EMD of rows with
charge; events that are sent without loss have none and count. Modes are chosen

- by the biases that the run learned,
- by the least sum of absolute differences between the fractions and the table's image, as best choice with adaptive
  precision chooses: every mode is tried, which takes as many quantisers in silicon,
- by the number of cells with charge, up to the one limit that is best on the training rows,
- by the exact EMD of what the decoder would make of every mode, which no encoder knows.

Behind every mean but the learned one stands how many errors of the paired difference it is worse; negative is better.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from econ_ae.app.run.context import TRAINING, Context, open_run
from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Silent
from econ_ae.training.cells import artifact, network
from econ_ae.training.cells.artifact import CellsDecoder
from econ_ae.training.cells.candidates import Candidates, candidates
from econ_ae.training.cells.rule import Rule
from econ_ae.training.sample import received_sums
from metrics.emd import emd

_AT_ONCE = 16_384
Array = np.ndarray


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--rows", default="validation", choices=("validation", "report"))
    parser.add_argument("--events", default=8000, type=int)
    arguments = parser.parse_args()
    names = ("least", "hits", "oracle")
    print(f"{'run':24} {'decoder':8} {'learned':>8} " + " ".join(f"{name:>16}" for name in names))
    for path in arguments.runs:
        context = open_run(path, Silent())
        model = context.model()
        decoder = artifact.load(context.config, context.geometry, context.path(TRAINING))
        limit = best_limit(context, model, decoder, arguments.events)
        seen, share = some(context, model, arguments.rows, arguments.events)
        for by_table in (False, True):
            cost = costs(context, model, decoder, seen, by_table=by_table)
            learned, *others = chosen(model, decoder, seen, limit, cost)
            columns = f"{share * learned.mean():8.4f} " + " ".join(
                f"{share * other.mean():8.4f} {sigmas(other - learned):+7.1f}" for other in others
            )
            print(f"{path.name:24} {'table' if by_table else 'network':8} {columns}", flush=True)


def chosen(model: EncoderModel, decoder: CellsDecoder, seen: Candidates, limit: int, cost: Array) -> Array:
    """Return the EMD of every event with every choice of the mode, (4, n)."""
    table = decoder.table.fractions(seen.mode, seen.pulses)
    least = np.argmin(seen.of_pairs(np.abs(table - seen.fractions[seen.row]).sum(axis=1)), axis=1)
    learned = Rule.of(model).modes(seen, model.cell_code.choose.bias_fraction)
    choices = (learned, least, by_hits(model, seen, limit), np.argmin(cost, axis=1))
    return np.array([cost[np.arange(len(cost)), choice] for choice in choices])


def sigmas(difference: Array) -> float:
    """Return a mean in units of its standard error."""
    return float(difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference)) or 1.0))


def some(context: Context, model: EncoderModel, rows: str, events: int) -> tuple[Candidates, float]:
    """Return the candidates of some rows with charge, evenly spread, and the share of them that has any."""
    if context.config.decoder.conditions:
        raise ConfigError(f"{context.run.path} has decoder.conditions; expected runs without any")
    charges = context.rows(rows).charges
    charges = charges[charges.sum(axis=1) > 0]
    charges = charges[np.linspace(0, len(charges) - 1, min(events, len(charges))).astype(int)]
    seen = candidates(model, charges)
    return seen, len(seen.charges) / len(charges)


def costs(context: Context, model: EncoderModel, decoder: CellsDecoder, seen: Candidates, *, by_table: bool) -> Array:
    """Return the exact EMD of every event and mode, infinite where a mode is impossible."""
    image = decoder.table.fractions(seen.mode, seen.pulses)
    if not by_table:
        sums, modes = received_sums(seen.charges), model.cell_code.choose.modes
        for start in range(0, len(seen.row), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            inputs = network.features(modes, decoder.table, seen.mode[part], seen.pulses[part], sums[seen.row[part]])
            image[part] = network.predict(decoder.network, inputs)
    return seen.of_pairs(emd(seen.charges[seen.row], image, context.geometry).values)


def by_hits(model: EncoderModel, seen: Candidates, limit: int) -> Array:
    """Return the mode with as many cells as have charge, up to a limit."""
    sizes = np.array([mode.cells for mode in model.cell_code.choose.modes])
    return np.searchsorted(sizes, np.minimum(seen.hit, limit), side="right") - 1


def best_limit(context: Context, model: EncoderModel, decoder: CellsDecoder, events: int) -> int:
    """Return the limit of ``by_hits`` with the least mean EMD of training rows, decoded by the table."""
    seen, _ = some(context, model, "train", events)
    cost = costs(context, model, decoder, seen, by_table=True)
    limits = range(1, model.cell_code.choose.modes[-1].cells + 1)
    rows = np.arange(len(cost))
    return min(limits, key=lambda limit: float(cost[rows, by_hits(model, seen, limit)].mean()))


if __name__ == "__main__":
    main()
