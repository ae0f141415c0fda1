"""What a choice by clusters and the term of clusters change in short trainings: encoders of cells, CE-E, 2 eLinks.

``python benchmarks/physics_training.py FILE.npz`` trains on the images of events 0 to 5, in counts, and validates on
events 54 and 55; the first training says of every epoch its EMD and the figure of its clusters, so which epoch either
would keep. Trainings with ``training.cluster_weight`` follow, with the same seed. What every training keeps is then
measured on events 56 and 57, which chose nothing. A weight of 0 twice must give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from econ_ae.config import RunConfig, parse
from econ_ae.data.readers.cms_events import EventsOptions
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.files import read_json
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.cells import artifact as cells
from econ_ae.training.kept import read_history
from metrics.emd import emd
from metrics.trigger.kept import KeptClusters, spread
from metrics.trigger.resampling import Events
from metrics.trigger.resolution import correlation

TRAINED, VALIDATED, MEASURED = range(6), (54, 55), (56, 57)


def settings(source: Path, weight: float, threshold: float | None, seed: int) -> RunConfig:
    """Return a short training."""
    return parse(
        {
            "seed": seed,
            "data": {"source": str(source), "cms_events": {"section": "CE-E", "calibration": "counts"}},
            "encoder": {"family": "cells"},
            "cells": {"rule_events": 1000, "units": 16, "depth": 2, "steps": 60},
            "training": {
                "epochs": 6,
                "batch": 64,
                "loss": "emd",
                "cluster_weight": weight,
                "cluster_threshold": threshold,
            },
            "hardware": {"elinks": 2},
        },
        "benchmark",
    )


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=float, nargs="*", default=[0.0, 1.0])
    parser.add_argument("--threshold", type=float, help="of the term, counts")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    images = from_npz(args.data, [*TRAINED, *VALIDATED, *MEASURED], EventsOptions(section="CE-E"))
    train, validation, measured = (images.of_events(events) for events in (TRAINED, VALIDATED, MEASURED))
    judge, last = (KeptClusters(part, part.batch.charges) for part in (validation, measured))
    for weight in args.weights:
        for name, chooses in (("emd", None), ("physics", judge)):
            if chooses is None and weight:
                continue  # the choice by clusters is shown without weight
            config = settings(args.data, weight, args.threshold, args.seed)
            with tempfile.TemporaryDirectory() as folder:
                rows = (train.batch, validation.batch)
                artifact.train(config, LOW_DENSITY, rows, Path(folder), Silent(), judge=chooses)
                print(f"\nweight {weight:g}, chosen by {name}")
                for e in read_history(Path(folder)):
                    figure = "" if e.figure is None else f"  clusters {e.figure:.4f}"
                    print(f"  epoch {e.epoch}  loss {e.loss:.4f}  EMD {e.validation_loss:.4f}{figure}")
                print(f"  {read_json(Path(folder) / 'learned.json')}")
                _measure(config, Path(folder), measured, last)


def _measure(config: RunConfig, folder: Path, images: WholeEvents, kept: KeptClusters) -> None:
    charges = images.batch.charges
    model = cells.freeze_run(config, LOW_DENSITY, folder, {})
    received = cells.transmit(model, charges)
    found = cells.load(config, LOW_DENSITY, folder).fractions(model, received) * received.total[:, None]
    values = emd(charges.astype(np.float64), found, LOW_DENSITY).of_defined
    clusters = kept.clusters(found)
    draws = Events(np.arange(len(kept)))
    response = draws.of(spread, kept.response(clusters)).measured
    apart = draws.of(lambda a, b: 1 - correlation(a, b), kept.pt(clusters), kept.whole).measured
    lost = float((kept.pt(clusters) == 0).mean())
    print(
        f"  events 56, 57: EMD {values.mean():.4f}, {len(kept)} clusters: spread {response.value:.4f} ± "
        f"{response.error:.4f}, 1 - correlation {apart.value:.4f} ± {apart.error:.4f}, lost {lost:.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
