"""What a training directory keeps: best weights, history, checkpoints, and where a training stopped being one."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import tensorflow as tf

from econ_ae.data.module_conditions import NONE, Conditions, told_by
from econ_ae.errors import RunDirectoryError, TrainingError
from econ_ae.files import write_json

_DECODER = "decoder"
MODELS = ("encoder", _DECODER)
_CONDITIONS = "conditions"

_HISTORY = "history.json"
_CHECKPOINTS = "checkpoints"
_DIVERGED = "diverged.json"
_DAMAGE = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)
"""What HDF5, Keras and JSON raise on changed bytes, depending on where they are."""


@dataclass(frozen=True)
class Epoch:
    """One line of the training history."""

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float
    seconds: float
    figure: float | None = None  # of a judge, where one chooses

    @property
    def cost(self) -> float:
        """What the best epoch has the smallest of: the judge's figure, without a judge the validation loss."""
        return self.validation_loss if self.figure is None else self.figure


def weights_path(directory: Path, model: str) -> Path:
    """Return where the best weights of ``encoder`` or ``decoder`` are kept."""
    return directory / f"{model}.weights.h5"


def require_weights(directory: Path, models: Sequence[str] = MODELS) -> list[Path]:
    """Return the files of the best weights; RunDirectoryError when one is missing."""
    files = [weights_path(directory, model) for model in models]
    for path in files:
        if not path.is_file():
            raise RunDirectoryError(f"{path} is missing; train this run first, or delete {directory} to train it anew")
    return files


def save_weights(directory: Path, *models: Any, conditions: Conditions = NONE) -> None:
    """Write the weights of Keras models, each file whole or not at all; OSError when that cannot be.

    The decoder's file carries the list of its conditions, which loading compares.
    """
    for model in models:
        final = weights_path(directory, model.name)
        # Keras chooses the file format by the ending, so the temporary name must keep it.
        temporary = final.with_name(f"writing-{final.name}")
        try:
            # On a full disk HDF5 ends the whole process, so room is made before; it adds less than half to small files.
            with temporary.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 2 * sum(w.nbytes for w in model.get_weights()) + (1 << 18))
            model.save_weights(temporary)
            if model.name == _DECODER and conditions.names:
                with h5py.File(temporary, "r+") as stored:
                    stored.attrs[_CONDITIONS] = conditions.text
            temporary.replace(final)
        except OSError as problem:
            raise OSError(problem.errno, f"cannot write: {problem.strerror}", str(final)) from problem
        finally:
            temporary.unlink(missing_ok=True)


def load_weights(directory: Path, *models: Any, conditions: Conditions = NONE) -> None:
    """Load the weights of Keras models.

    Raises
    ------
    RunDirectoryError
        When a file is missing, damaged or of another network, or the decoder was trained with other conditions, another
        order of them or another normalisation.
    """
    require_weights(directory, [model.name for model in models])
    for model in models:
        path = weights_path(directory, model.name)
        try:
            if model.name == _DECODER:
                with h5py.File(path, "r") as stored:
                    carried = str(stored.attrs.get(_CONDITIONS, NONE.text))
                _check_conditions(path, carried, conditions)
            model.load_weights(path)
        except _DAMAGE as problem:
            raise RunDirectoryError(
                f"{path} is damaged or of another {model.name}; delete {directory} to train anew"
            ) from problem


def _check_conditions(path: Path, carried: str, conditions: Conditions) -> None:
    if carried == conditions.text:
        return
    here, there = told_by(conditions.text), told_by(carried)
    how = "in another normalisation" if here == there else f"these settings have {here}"
    raise RunDirectoryError(
        f"{path} is of a decoder with {there}, {how}; use it with the settings that it was trained with"
    )


def read_history(directory: Path) -> list[Epoch]:
    """Return the history of a training directory, empty when there is none; RunDirectoryError when it is broken."""
    path = directory / _HISTORY
    if not path.is_file():
        return []
    try:
        return [Epoch(**line) for line in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as problem:
        raise RunDirectoryError(f"{path} is damaged; delete {directory} to train anew") from problem


def write_history(directory: Path, history: list[Epoch]) -> None:
    """Write the history."""
    lines = [asdict(epoch) for epoch in history]
    write_json(directory / _HISTORY, [{k: v for k, v in line.items() if v is not None} for line in lines])


def copy_result(source: Path, target: Path, names: Sequence[str] | None = None) -> None:
    """Give a training directory the best weights and the history of another one.

    Parameters
    ----------
    names : of the files that hold the weights; None takes those of encoder and decoder
    """
    weights = require_weights(source) if names is None else [source / name for name in names]
    for path in (*weights, source / _HISTORY):
        temporary = target / f"writing-{path.name}"
        try:
            shutil.copyfile(path, temporary)
            temporary.replace(target / path.name)
        finally:
            temporary.unlink(missing_ok=True)


def note_divergence(directory: Path, message: str) -> TrainingError:
    """Keep why a training stopped, so that it is not repeated; return the error to raise."""
    write_json(directory / _DIVERGED, {"message": message})
    return TrainingError(message)


def check_not_diverged(directory: Path) -> None:
    """Raise TrainingError when the training in a directory diverged before."""
    path = directory / _DIVERGED
    if not path.is_file():
        return
    try:
        message = json.loads(path.read_text(encoding="utf-8"))["message"]
    except (ValueError, TypeError, KeyError):
        message = "training diverged"
    raise TrainingError(f"{message} ({path} says so; the training is not repeated)")


class Checkpoints:
    """The last two states of a training, from which it continues.

    Parameters
    ----------
    directory : of the training
    parts : what a state is made of, by name; among them ``epoch``, the number of finished epochs
    """

    def __init__(self, directory: Path, parts: dict[str, Any]) -> None:
        self._directory = directory
        self._epoch = parts["epoch"]
        self._checkpoint = tf.train.Checkpoint(**parts)
        self._folder = directory / _CHECKPOINTS
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(self._folder), max_to_keep=2)

    def restore(self) -> list[Epoch]:
        """Go back to the last state and return its history, empty when there is none.

        Raises
        ------
        RunDirectoryError
            When a file is damaged, or the history or the best weights are missing.
        """
        if not self._manager.latest_checkpoint:
            return []
        try:
            self._checkpoint.restore(self._manager.latest_checkpoint).assert_existing_objects_matched()
        except (tf.errors.OpError, AssertionError, *_DAMAGE) as problem:
            raise RunDirectoryError(
                f"{self._folder} is damaged or of another network; delete {self._directory} to train anew"
            ) from problem
        history, epochs = read_history(self._directory), int(self._epoch.numpy())
        if len(history) < epochs:
            raise RunDirectoryError(
                f"{self._directory / _HISTORY} has {len(history)} epochs, {self._folder} {epochs}; "
                f"delete {self._directory} to train anew"
            )
        return history[:epochs]

    def save(self) -> None:
        """Keep the present state; OSError when it cannot be written."""
        try:
            self._manager.save()
        except (tf.errors.OpError, OSError) as problem:
            for left in (*self._folder.glob("*temp*"), *self._folder.glob("*tmp*")):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            raise OSError(errno.EIO, "cannot write a checkpoint, the disk may be full", str(self._folder)) from problem
