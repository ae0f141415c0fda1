"""Training that starts from weights instead of anew, and leaves parts as they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from econ_ae.config import TrainingConfig
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.training.fit import weights_path

START = "start"
"""Folder in a training directory with the weights that the training starts from."""

_MODELS = ("encoder", "decoder")


def start_from(trained: Path, directory: Path) -> None:
    """Give a new training directory the best weights of another one to start from."""
    (directory / START).mkdir(parents=True)
    for model in _MODELS:
        source = weights_path(trained, model)
        if not source.is_file():
            raise RunDirectoryError(f"{source} is missing; train that run first")
        shutil.copyfile(source, weights_path(directory / START, model))


def load_start(encoder: Any, decoder: Any, config: TrainingConfig, directory: Path) -> None:
    """Load the weights that a training directory starts from, if it has any, and hold what is not to be trained.

    Raises
    ------
    ConfigError
        When only a part is to be trained and there are no weights to start from.
    """
    started = (directory / START).is_dir()
    if started:
        for model, name in zip((encoder, decoder), _MODELS, strict=True):
            model.load_weights(weights_path(directory / START, name))
    if config.trains == "all":
        return
    if not started:
        raise ConfigError(
            f"training.trains is {config.trains!r}, but there are no weights to start from; it is for: econ-ae retrain"
        )
    decoder.trainable = config.trains != "encoder"
    for layer in encoder.layers:
        layer.trainable = config.trains == "encoder" or (config.trains == "dense" and layer.name.startswith("dense"))
