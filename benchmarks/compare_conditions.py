"""Decoders of cells with and without conditions of their module, on CE-E of whole events at 2 eLinks: short trainings.

``python benchmarks/compare_conditions.py FILE.npz`` trains on 60,000 images of events 0 to 53, in counts, and validates
on 4,000 of events 54 to 59; both drawn at random with one seed, the same for all. It prints the mean exact EMD of the
validation images after every epoch, and after the last choice of the mode.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from econ_ae.config import RunConfig, parse
from econ_ae.data.batch import Batch
from econ_ae.data.readers.cms_events import EventsOptions, read_events
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact

ALL = ["eta", "layer", "u", "v", "thickness", "log_sum"]
DECODERS: dict[str, dict[str, Any]] = {
    "none": {},
    "concat": {"conditions": ALL},
    "film": {"conditions": ALL, "conditioning": "film"},
}
_TRAINED, _VALIDATED = 60_000, 4_000
_EVENTS = (0, 54, 60)


def main() -> None:
    """Print one line per decoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--decoders", nargs="+", default=list(DECODERS), choices=list(DECODERS))
    parser.add_argument("--out", type=Path, help="directory of the trainings, which are continued; default: none kept")
    arguments = parser.parse_args()
    batches = sets(arguments.file)
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.decoders:
            folder = (arguments.out or Path(temporary)) / name
            history = artifact.train(settings(name), LOW_DENSITY, batches, folder, Silent())
            epochs = " ".join(f"{epoch.validation_loss:.4f}" for epoch in history)
            found = json.loads((folder / "learned.json").read_text())["validation_emd"]
            print(f"{name:8} {epochs}  kept {min(found['network'], found['rule learned anew']):.4f}", flush=True)


def settings(decoder: str) -> RunConfig:
    """Return the configuration of a training."""
    raw = {
        "encoder": {"family": "cells"},
        "cells": {"rule_events": 1500, "steps": 150, "refits": 1},
        "training": {
            "epochs": 6,
            "batch": 64,
            "average": 0.99,
            "learning_rate": 3e-3,
            "final_learning_rate": 3e-5,
        },
        "hardware": {"elinks": 2},
        "decoder": DECODERS[decoder],
    }
    return parse(raw, decoder)


def sets(path: Path) -> tuple[Batch, Batch]:
    """Return training and validation images."""
    images = read_events(path, EventsOptions(section="CE-E", calibration="counts"), LOW_DENSITY)
    event, rng = np.asarray(images.metadata["event"]), np.random.default_rng(1)
    first, validation, report = _EVENTS
    own = rng.permutation(np.flatnonzero((event >= first) & (event < validation)))[:_TRAINED]
    other = rng.permutation(np.flatnonzero((event >= validation) & (event < report)))[:_VALIDATED]
    return images[np.sort(own)], images[np.sort(other)]


if __name__ == "__main__":
    main()
