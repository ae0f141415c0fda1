"""Trainings of seconds on random images, and what every one of them must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.config import RunConfig, TrainingConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from econ_ae.training import artifact

CONFIG = RunConfig(training=TrainingConfig(epochs=4, batch=50))


def batches() -> tuple[Batch, Batch]:
    rng = np.random.default_rng(0)
    charges = rng.poisson(0.3, (400, 48)) * rng.integers(20, 2000, (400, 48))
    batch = Batch(charges, Provenance("random", synthetic=True))
    return batch[:300], batch[300:]


def train(directory: Path, config: RunConfig = CONFIG) -> str:
    history = artifact.train(config, LOW_DENSITY, batches(), directory, Silent())
    assert [e.epoch for e in history] == list(range(len(history)))
    networks = artifact.load(config, LOW_DENSITY, directory)
    return codec.sha256(artifact.freeze_run(config, LOW_DENSITY, networks, {}))


class InterruptedInEpochTwo(Silent):
    def bar(self, title: str, total: int) -> Any:
        context = super().bar(title, total)

        class Bar:
            epochs = 0

            def __enter__(self) -> Bar:
                context.__enter__()
                return self

            def __exit__(self, *error: object) -> None:
                context.__exit__(*error)

            def advance(self, steps: int = 1, note: str = "") -> None:
                self.epochs += steps
                if self.epochs == 2:
                    raise KeyboardInterrupt

        return Bar()


def settings(**sections: dict[str, Any]) -> RunConfig:
    """``CONFIG`` with a small decoder and some settings changed, by section."""
    raw = CONFIG.model_dump(mode="json")
    raw["decoder"]["hidden"] = [16, 16]
    return RunConfig.model_validate(
        {k: (v | sections.get(k, {}) if isinstance(v, dict) else v) for k, v in raw.items()}
    )


def trains_and_resumes(config: RunConfig, folder: Path) -> tuple[artifact.Networks, Any]:
    """Train, and train again with an interruption: the bits must be the same; return networks and integer model."""
    straight = train(folder / "straight", config)
    with pytest.raises(KeyboardInterrupt):
        artifact.train(config, LOW_DENSITY, batches(), folder / "cut", InterruptedInEpochTwo())
    assert train(folder / "cut", config) == straight
    weights = [artifact.load(config, LOW_DENSITY, folder / name).decoder.get_weights() for name in ("straight", "cut")]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    networks = artifact.load(config, LOW_DENSITY, folder / "cut")
    return networks, artifact.freeze_run(config, LOW_DENSITY, networks, {})
