"""Mean EMD of one preset after different choices of training, three seeds each, from the transmitted bits.

Usage: ``python benchmarks/compare_training.py DATA OUT.json [--preset econ-t-2elinks] [--epochs 40] [CHOICE ...]``
A choice that OUT.json has already is not trained again. Prints the table of docs/training.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import RunConfig, load_preset, parse
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact, recipe

SEEDS = (1, 2, 3)
DENSE = {"units": 16, "initial_bias": 0.0}
CHOICES: dict[str, dict[str, Any]] = {
    "the preset": {},
    "without generated images": {"training": {"admixture": None}},
    "outputs start at zero": {"encoder": {"dense": [DENSE]}},
    "neither": {"training": {"admixture": None}, "encoder": {"dense": [DENSE]}},
    "trained with exact sums": {"training": {"arithmetic": "exact"}},
    "float, rounded afterwards": {"training": {"quantise": "post"}},
    "moving average 0.99": {"training": {"average": 0.99}},
    "softmax output": {"decoder": {"output": "softmax"}},
    "decoder of transposed convolutions": {"decoder": {"kind": "conv", "hidden": [256]}},
    "without the module sum": {"decoder": {"use_sum": False}},
    "decoder 256, 256": {"decoder": {"hidden": [256, 256]}},
    "residual decoder 512 x 4": {"decoder": {"hidden": [512, 512, 512, 512], "residual": True}},
    "telescope loss": {"training": {"loss": "telescope"}},
    "sliced loss": {"training": {"loss": "sliced"}},
    "exact EMD as loss": {"training": {"loss": "emd"}},
    "also turned images": {"training": {"rotations": True}},
    "taught by a float network": {"training": {"distill": {}}},
    "half of the weights pruned": {"training": {"prune": {"weights": 0.5}}},
    "6 of 8 filters": {"training": {"prune": {"filters": 6}}},
    "12 of 16 outputs": {"training": {"prune": {"latents": 12}}},
}


def changed(preset: str, data: str, epochs: int, seed: int, choice: dict[str, Any]) -> RunConfig:
    """Return the preset with a number of epochs and the choice's settings."""
    raw = load_preset(preset).model_dump(mode="json")
    raw["seed"] = seed
    raw["data"]["source"] = data
    raw["training"] |= {"epochs": epochs, "patience": epochs}
    for section, settings in choice.items():
        raw[section] |= settings
    return parse(raw, "choice")


def mean_emd(config: RunConfig) -> float:
    """Train and return the mean EMD of the report events after the integer encoder, the frame and the decoder."""
    batch, rows = dataset_stage.read_data(config, LOW_DENSITY)
    with tempfile.TemporaryDirectory() as folder:
        events = (batch[rows.train], batch[rows.validation])
        artifact.train(config, LOW_DENSITY, events, Path(folder), Silent())
        return recipe.validation_emd(config, LOW_DENSITY, Path(folder), batch[rows.report])


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("choices", nargs="*", default=list(CHOICES))
    parser.add_argument("--preset", default="econ-t-2elinks")
    parser.add_argument("--epochs", type=int, default=40)
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.is_file() else {}
    print("| choice | mean EMD, seeds 1, 2, 3 | mean and error |\n|---|---|---|")
    for name in asked.choices:
        values = found.setdefault(name, [])
        for seed in SEEDS[len(values) :]:
            values.append(mean_emd(changed(asked.preset, asked.data, asked.epochs, seed, CHOICES[name])))
            asked.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        listed = ", ".join(f"{value:.3f}" for value in values)
        print(f"| {name} | {listed} | {np.mean(values):.3f} ± {error:.3f} |", flush=True)


if __name__ == "__main__":
    main()
