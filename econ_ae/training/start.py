"""Training that starts from weights instead of anew, and leaves parts as they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from econ_ae.config import TrainingConfig
from econ_ae.data.module_conditions import NONE, Conditions
from econ_ae.errors import ConfigError
from econ_ae.training.kept import load_weights, weights_path

START = "start"
"""Folder in a training directory with the weights that the training starts from."""


def start_with(trained: Path, directory: Path, parts: Iterable[str]) -> None:
    """Give a new training directory some files of another one: what is not among them begins anew.

    With the encoder alone that stays as it is, and the decoder begins anew.

    Parameters
    ----------
    parts : names of the files in ``trained``
    """
    folder = directory / START
    if folder.is_dir():
        return
    unfinished = directory / f"writing-{START}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in parts:
        shutil.copyfile(trained / name, unfinished / name)
    unfinished.rename(folder)


def load_start(
    encoder: Any, decoder: Any, config: TrainingConfig, directory: Path, conditions: Conditions = NONE
) -> None:
    """Load the weights that a training directory starts from, if it has any, and hold what is not to be trained.

    Raises
    ------
    ConfigError
        When only a part is to be trained and there are no weights to start from.
    """
    started = (directory / START).is_dir()
    if started:
        with_decoder = weights_path(directory / START, decoder.name).is_file()
        models = (encoder, decoder) if with_decoder else (encoder,)
        load_weights(directory / START, *models, conditions=conditions)
    if config.trains == "all":
        return
    if not started:
        raise ConfigError(
            f"training.trains is {config.trains!r}, but there are no weights to start from; it is for: econ-ae retrain"
        )
    decoder.trainable = config.trains != "encoder"
    for layer in encoder.layers:
        layer.trainable = config.trains == "encoder" or (config.trains == "dense" and layer.name.startswith("dense"))
