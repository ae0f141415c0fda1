"""The training loop: seeded, resumable after any epoch, best weights kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import TrainingConfig
from econ_ae.errors import DataError
from econ_ae.files import write_json
from econ_ae.progress import Bar, Progress
from econ_ae.training.average import MovingAverage
from econ_ae.training.chain import Chain
from econ_ae.training.magnitude_pruning import WeightMasks, final_epoch
from econ_ae.training.sample import Sample
from econ_ae.training.source import Source


@dataclass(frozen=True)
class Epoch:
    """One line of the training history."""

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float
    seconds: float


class Trainer:
    """Trains an encoder and a decoder together.

    Parameters
    ----------
    chain : the models and the loss
    config : schedule and stopping rule
    directory : where checkpoints, the best weights and the history are kept; an existing checkpoint is continued
    weight_decay : of the decoder's kernels
    """

    def __init__(self, chain: Chain, config: TrainingConfig, *, directory: Path, weight_decay: float = 0.0) -> None:
        self.chain, self.config = chain, config
        self.directory = directory
        self.optimizer = adam(config, chain, weight_decay)
        self.average = MovingAverage(chain.variables, config.average) if config.average else None
        prune = config.prune
        self.masks = WeightMasks(chain.encoder, prune, config.epochs) if prune and prune.weights else None
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        directory.mkdir(parents=True, exist_ok=True)
        extras = {"average": self.average, "masks": self.masks}
        checkpoint = tf.train.Checkpoint(
            encoder=chain.encoder,
            decoder=chain.decoder,
            optimizer=self.optimizer,
            epoch=self.epoch,
            **{name: extra for name, extra in extras.items() if extra is not None},
        )
        self.manager = tf.train.CheckpointManager(checkpoint, str(directory / "checkpoints"), max_to_keep=2)
        self.history: list[Epoch] = []
        if self.manager.latest_checkpoint:
            checkpoint.restore(self.manager.latest_checkpoint).assert_existing_objects_matched()
            self.history = read_history(directory)[: int(self.epoch.numpy())]
        self._step = tf.function(self._train_step)
        self._evaluate = tf.function(partial(chain.loss_of, training=False))

    def fit(self, train: Source, validation: Sample, progress: Progress) -> list[Epoch]:
        """Train until the last epoch or until the validation loss stops improving; load and keep the best weights.

        Parameters
        ----------
        train : the events, drawn anew in every epoch
        validation : events of the validation loss

        Raises
        ------
        DataError
            When there are fewer training events than one batch, or no validation events.
        """
        if len(train) < self.config.batch or not len(validation):
            raise DataError(
                f"{len(train)} training and {len(validation)} validation events with charge; "
                f"expected at least one batch of {self.config.batch} and one validation event"
            )
        with progress.bar("training", self.config.epochs) as bar:
            bar.advance(len(self.history))
            for epoch in range(len(self.history), self.config.epochs):
                if epoch - self._best_epoch() > self.config.patience:
                    break
                self._run_epoch(epoch, train, validation, bar)
        self._load_best()
        return self.history

    def _run_epoch(self, epoch: int, train: Source, validation: Sample, bar: Bar) -> None:
        start = time.perf_counter()
        rate = learning_rate(self.config, epoch)
        self.optimizer.learning_rate.assign(rate)
        if self.masks is not None:
            self.masks.tighten(epoch)
        batches = train.batches(epoch, self.config.batch)
        losses = [self._step(*(tf.constant(array) for array in batch)) for batch in batches]
        whole = (validation.images, validation.sums, validation.fractions)
        # The best weights first, then the history, the checkpoint last: a run cut off between them repeats the epoch.
        with self._weights_to_keep():
            validation_loss = float(self._evaluate(*(tf.constant(array) for array in whole)))
            if self._is_best(epoch, validation_loss):
                self._save_best()
        done = Epoch(
            epoch, float(np.mean([float(v) for v in losses])), validation_loss, rate, time.perf_counter() - start
        )
        self.history.append(done)
        write_json(self.directory / "history.json", [asdict(e) for e in self.history])
        self.epoch.assign(epoch + 1)
        self.manager.save()
        bar.advance(1, f"loss {done.loss:.2e}  validation {validation_loss:.2e}")

    def _train_step(self, images: Any, sums: Any, fractions: Any) -> Any:
        variables = self.chain.variables
        with tf.GradientTape() as tape:
            loss = self.chain.loss_of(images, sums, fractions, training=True)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if self.masks is not None:
            self.masks.apply()
        if self.average is not None:
            self.average.update(self.optimizer.iterations)
        return loss

    def _best_epoch(self) -> int:
        best = best_epoch(self.history, self.config)
        return len(self.history) if best is None else best.epoch

    def _is_best(self, epoch: int, validation_loss: float) -> bool:
        if epoch < final_epoch(self.config.prune, self.config.epochs):
            return False
        best = best_epoch(self.history, self.config)
        return best is None or validation_loss < best.validation_loss

    @contextmanager
    def _weights_to_keep(self) -> Iterator[None]:
        """Put the weights that would be the result into the models: the average, pruned as the last ones are."""
        if self.average is None:
            yield
            return
        with self.average.in_place():
            if self.masks is not None:
                self.masks.apply()
            yield

    def _save_best(self) -> None:
        for model in (self.chain.encoder, self.chain.decoder):
            final = weights_path(self.directory, model.name)
            # Keras chooses the file format by the ending, so the temporary name must keep it.
            temporary = final.with_name(f"writing-{final.name}")
            model.save_weights(temporary)
            temporary.replace(final)

    def _load_best(self) -> None:
        for model in (self.chain.encoder, self.chain.decoder):
            model.load_weights(weights_path(self.directory, model.name))


def adam(config: TrainingConfig, chain: Chain, weight_decay: float) -> Any:
    """Return the optimizer of a chain; ``weight_decay`` concerns the kernels of the decoder alone."""
    optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=weight_decay or None)
    if weight_decay:
        biases = [v for v in chain.decoder.trainable_variables if len(v.shape) == 1]
        optimizer.exclude_from_weight_decay([*chain.encoder.trainable_variables, *biases])
    optimizer.build(chain.variables)
    return optimizer


def weights_path(directory: Path, model: str) -> Path:
    """Return where the best weights of ``encoder`` or ``decoder`` are kept."""
    return directory / f"{model}.weights.h5"


def read_history(directory: Path) -> list[Epoch]:
    """Return the history kept in a training directory; empty when there is none."""
    path = directory / "history.json"
    if not path.is_file():
        return []
    return [Epoch(**line) for line in json.loads(path.read_text(encoding="utf-8"))]


def best_epoch(history: list[Epoch], config: TrainingConfig) -> Epoch | None:
    """Return the epoch whose weights are kept: of smallest validation loss, when all weights to prune are 0."""
    candidates = history[final_epoch(config.prune, config.epochs) :]
    return min(candidates, key=lambda e: e.validation_loss, default=None)


def learning_rate(config: TrainingConfig, epoch: int) -> float:
    """Return the cosine schedule from ``learning_rate`` at epoch 0 to ``final_learning_rate`` at the last.

    During the first ``warmup`` epochs it is multiplied by a factor that rises linearly to 1.
    """
    part = epoch / max(config.epochs - 1, 1)
    span = config.learning_rate - config.final_learning_rate
    rise = min(1.0, (epoch + 1) / (config.warmup + 1))
    return float(rise * (config.final_learning_rate + span * 0.5 * (1 + np.cos(np.pi * part))))


def make_deterministic(seed: int) -> None:
    """Seed TensorFlow and make its operations repeat to the bit on the same machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
