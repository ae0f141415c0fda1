"""Do latents and codes tell an electron's module from pileup better than the module sum does?

``python benchmarks/anomaly_latents.py [EVENTS.npz] --runs RUN [RUN...] [--events 100]`` takes modules of CE-E as
``anomaly_score.py`` does, encodes them with each run's encoder and scores what its frames say, without its decoder:

- *told apart*: boosted trees that were shown electrons and pileup of the other half of the events. No score that knows
  less can do better by much, so this bounds them; the same trees on the module sum, layer and eta are what to beat.
- *unlikely*: an isolation forest that was shown pileup alone, as an anomaly trigger is trained.

The difference to the sum's trees has the error of whole resampled events.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.metrics import roc_auc_score

from econ_ae.app.physics.sample import Sample
from econ_ae.app.run.context import Context, open_run
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.cells import artifact as cells
from metrics.trigger.resampling import Events

sys.path.insert(0, str(Path(__file__).parent))
from anomaly_score import generated, real

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_MOST = 60_000  # modules of pileup that are scored; every signal module is


def sent(context: Context, charges: NDArray[np.uint32]) -> tuple[Floats, Floats]:
    """Return the module sum (n,) that the frames carry, and all else that they say (n, values)."""
    model = context.model()
    if model.sends_cells:
        pulses = cells.transmit(model, charges)
        largest = -np.sort(-pulses.sent.pulses, axis=1)
        mode = pulses.sent.mode[:, None]
        count = (pulses.sent.pulses > 0).sum(axis=1, keepdims=True)
        return pulses.total, np.hstack([pulses.sent.pulses, largest[:, :12], mode, count]).astype(np.float64)
    latents = artifact.transmit(model, charges)
    return np.asarray(latents.total, np.float64), latents.latents.astype(np.float64)


def told_apart(values: Floats, signal: Bools, fold: NDArray[np.int64]) -> Floats:
    """Return the score of trees that were trained on the other fold."""
    out = np.zeros(len(values))
    for k in (0, 1):
        trees = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=1)
        out[fold == k] = trees.fit(values[fold != k], signal[fold != k]).decision_function(values[fold == k])
    return out


def unlikely(values: Floats, signal: Bools, fold: NDArray[np.int64]) -> Floats:
    """Return the score of an isolation forest that was trained on pileup of the other fold."""
    out = np.zeros(len(values))
    for k in (0, 1):
        forest = IsolationForest(n_estimators=200, random_state=1)
        forest.fit(values[(fold != k) & ~signal])
        out[fold == k] = -forest.score_samples(values[fold == k])
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--runs", nargs="+", type=Path, required=True)
    parser.add_argument("--events", type=int, default=100)
    given = parser.parse_args()
    samples = {"generated": generated(given.events)}
    if given.file is not None:
        samples["file"] = real(given.file)
    for title, (whole, signal, pileup) in samples.items():
        few = np.random.default_rng(1).permutation(np.flatnonzero(pileup & ~signal))[:_MOST]
        rows = np.sort(np.concatenate([np.flatnonzero(signal), few]))
        sample = Sample(whole.images[rows], whole.elinks[rows])
        print(f"{title}: {signal.sum()} modules of electrons, {len(few)} of pileup")
        _scores(sample, signal[rows], [open_run(path, Silent()) for path in given.runs])


def _scores(sample: Sample, signal: Bools, contexts: list[Context]) -> None:
    meta = sample.images.batch.metadata
    place = np.column_stack([np.asarray(meta[name], np.float64) for name in ("layer", "eta")])
    events = Events(sample.place)
    for context in contexts:
        total, rest = sent(context, sample.images.batch.charges)
        by_sum = np.column_stack([total, place])
        everything = np.column_stack([by_sum, rest])
        of_sum = told_apart(by_sum, signal, sample.fold)
        base = events.of(_area, of_sum, signal.astype(np.float64))
        print(
            f"  {context.run.path.resolve().name}, told apart by sum, layer, eta: "
            f"{base.measured.value:.4f} ± {base.measured.error:.4f}"
        )
        scores = {
            "and all that the frame says": told_apart(everything, signal, sample.fold),
            "what the frame says, without the sum": told_apart(np.column_stack([place, rest]), signal, sample.fold),
            "unlikely: sum, layer, eta": unlikely(by_sum, signal, sample.fold),
            "unlikely: all that the frame says": unlikely(everything, signal, sample.fold),
        }
        for name, score in scores.items():
            found = events.of(_area, score, signal.astype(np.float64))
            change = found.minus(base)
            print(f"    {name:40s} {found.value:.4f}, change {change.value:+.4f} ± {change.error:.4f}", flush=True)


def _area(score: Floats, signal: Floats) -> float:
    return float(roc_auc_score(signal, score)) if 0 < signal.sum() < len(signal) else float("nan")


if __name__ == "__main__":
    main()
