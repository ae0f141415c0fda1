"""What limits the ECON-T's encoder on whole CMS events: short trainings that each lift one of its limits.

Usage: ``python benchmarks/limits_of_chip.py EVENTS.npz OUT.json [--preset P] [--epochs 5] [--steps 250] [CHOICE ...]``
A choice that OUT.json has already is not trained again. Prints the mean exact EMD of rows with charge (at most 20,000
of validation, or all of the report), of all layers and of each class of them: from the transmitted bits where the
choice can be built, else as it was trained. Every choice sees as many training rows as it has steps for, once.
Best choice, filled, sends charges of full precision here.
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

from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import RunConfig, load_preset, parse
from econ_ae.data.batch import Batch
from econ_ae.data.splits import Split
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact, recipe
from metrics.baselines import best_choice
from metrics.emd import emd

CLASSES = {"0-3": range(4), "4-6": range(4, 7), "7-12": range(7, 13)}
CELLS = {2: 4, 3: 6, 4: 9, 5: 14}
"""Cells that best choice sends, by eLinks."""
_JUDGED, _SHOWN = 3000, 20_000  # validation rows that choose the best epoch, and that the table is made of
_ROWS_SEED = 5


def _wide(units: int, bits: int) -> dict[str, Any]:
    """Two dense layers of float weights, and outputs of which some bits are sent."""
    hidden = {"units": 512, "weight": "s2.4", "activation": "u3.3"}
    last = {"units": units, "weight": "s2.4", "activation": "u1.8", "initial_bias": 0.75}
    return {
        "encoder": {"conv": [], "dense": [hidden, last]},
        "training": {"quantise": "latents"},
        "hardware": {"accumulate": "exact", "keep": bits},
    }


CHOICES: dict[str, dict[str, Any]] = {
    "the preset": {},
    "dense decoder 512, 512": {"decoder": {"kind": "dense", "hidden": [512, 512]}},
    "decoder of transposed convolutions": {"decoder": {"kind": "conv", "hidden": [512]}},
    "decoder on the lattice": {"decoder": {"kind": "graph", "hidden": [256]}},
    "unrolled decoder without the scale": {"decoder": {"use_scale": False}},
    "pyramid loss": {"training": {"loss": "pyramid"}},
    "transverse charges": {"data": {"cms_events": {"calibration": "transverse"}}},
    "12 outputs of 4 bits": {"hardware": {"keep": [4] * 12 + [0] * 4}},
    "float weights, 16 x 3 bits": {"training": {"quantise": "latents"}},
    "5 bits of 16 outputs": {"hardware": {"elinks": 3}},
    "9 bits of 16 outputs": {"hardware": {"elinks": 5}},
    "float weights and outputs, 16 outputs": {"training": {"quantise": "post"}},
    "two dense layers, 16 x 3 bits": _wide(16, 3),
    "two dense layers, 24 x 2 bits": _wide(24, 2),
    "two dense layers, 48 x 1 bit": _wide(48, 1),
    **{f"layers {name} alone": {"data": {"cms_events": {"layers": list(layers)}}} for name, layers in CLASSES.items()},
}
Values = dict[str, tuple[float, float]]


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return settings with some replaced, tables key by key."""
    both = {key: merged(old[key], value) for key, value in new.items() if isinstance(value, dict) and key in old}
    return old | new | both


def configured(asked: argparse.Namespace, choice: dict[str, Any]) -> RunConfig:
    """Return the preset with a short training and the choice's settings."""
    raw = load_preset(asked.preset).model_dump(mode="json")
    short = {
        "seed": asked.seed,
        "data": {"source": asked.data},
        "training": {"epochs": asked.epochs, "steps": asked.steps},
    }
    return parse(merged(merged(raw, short), choice), "choice")


def judged(config: RunConfig, rows: str) -> Values:
    """Train, and return the mean EMD and its error of rows with charge by class of layers."""
    batch, split = dataset_stage.read_data(config, LOW_DENSITY)
    few, seen = spread(batch[split.validation], _JUDGED), shown(batch, split, rows)
    training = config.training
    count = max(training.epochs * (training.steps or len(batch)) * training.batch, 1000)
    drawn = np.random.default_rng(_ROWS_SEED).permutation(len(split.train))[:count]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifact.train(config, LOW_DENSITY, (batch[split.train[drawn]], few), folder, Silent())
        if config.training.quantise == "aware":
            networks = artifact.load(config, LOW_DENSITY, folder)
            model = recipe.chip_model(config, LOW_DENSITY, networks)
            decoded = artifact.decode(config, networks, model, artifact.transmit(model, seen.charges))
        else:
            decoded = artifact.fractions_as_trained(config, LOW_DENSITY, folder, seen)
    return by_class(seen, decoded)


def spread(rows: Batch, most: int) -> Batch:
    """Return at most so many rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]


def shown(batch: Batch, split: Split, rows: str) -> Batch:
    """Return the rows with charge that the table is made of."""
    seen = batch[getattr(split, rows)]
    seen = seen[seen.total > 0]
    return spread(seen, _SHOWN) if rows == "validation" else seen


def by_class(seen: Batch, decoded: Any) -> Values:
    """Return the mean EMD and its error of all rows, and of those of every class of layers that has some."""
    values = emd(seen.charges, decoded, LOW_DENSITY).of_defined
    layer = np.asarray(seen.metadata["layer"])
    groups = {"all": values} | {name: values[np.isin(layer, list(layers))] for name, layers in CLASSES.items()}
    return {
        name: (float(some.mean()), float(some.std() / np.sqrt(len(some)))) for name, some in groups.items() if len(some)
    }


def rival(asked: argparse.Namespace) -> Values:
    """Return the same of best choice, filled, on the links of the preset."""
    config = configured(asked, {})
    batch, split = dataset_stage.read_data(config, LOW_DENSITY)
    seen = shown(batch, split, asked.rows)
    cells = CELLS[config.hardware.elinks or 5]
    return by_class(seen, best_choice(seen.charges.astype(float), cells, fill=True))


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("choices", nargs="*", default=list(CHOICES))
    parser.add_argument("--preset", default="econ-t-cms-2elinks")
    parser.add_argument("--rows", default="validation", choices=("validation", "report"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=250)
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.is_file() else {}
    print(f"| choice | all | {' | '.join(CLASSES)} |\n|---|---|---|---|---|")
    for name in ("best choice, filled", *asked.choices):
        if name not in found:
            found[name] = rival(asked) if name not in CHOICES else judged(configured(asked, CHOICES[name]), asked.rows)
            asked.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
        cells = [found[name].get(column) for column in ("all", *CLASSES)]
        print(f"| {name} | {' | '.join('' if c is None else f'{c[0]:.3f} ± {c[1]:.3f}' for c in cells)} |", flush=True)


if __name__ == "__main__":
    main()
