"""The training loop: seeded, resumable after any epoch, best weights kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from econ_ae.config import TrainingConfig
from econ_ae.errors import DataError
from econ_ae.files import write_json
from econ_ae.progress import Bar, Progress
from econ_ae.training.losses import Loss
from econ_ae.training.sample import Sample


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
    encoder, decoder : Keras models; the decoder takes what the encoder gives
    loss : function of (true, predicted) fractions
    config : schedule and stopping rule
    directory : where checkpoints, the best weights and the history are kept; an existing checkpoint is continued
    seed : of the order of the events
    """

    def __init__(
        self, encoder: Any, decoder: Any, loss: Loss, config: TrainingConfig, *, directory: Path, seed: int
    ) -> None:
        self.encoder, self.decoder, self.loss, self.config, self.seed = encoder, decoder, loss, config, seed
        self.directory = directory
        self.optimizer = keras.optimizers.Adam(config.learning_rate)
        self.optimizer.build([*encoder.trainable_variables, *decoder.trainable_variables])
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        directory.mkdir(parents=True, exist_ok=True)
        checkpoint = tf.train.Checkpoint(encoder=encoder, decoder=decoder, optimizer=self.optimizer, epoch=self.epoch)
        self.manager = tf.train.CheckpointManager(checkpoint, str(directory / "checkpoints"), max_to_keep=2)
        self.history: list[Epoch] = []
        if self.manager.latest_checkpoint:
            checkpoint.restore(self.manager.latest_checkpoint).assert_existing_objects_matched()
            self.history = read_history(directory)[: int(self.epoch.numpy())]
        self._step = tf.function(self._train_step)
        self._evaluate = tf.function(self._loss_of)

    def fit(self, train: Sample, validation: Sample, progress: Progress) -> list[Epoch]:
        """Train until the last epoch or until the validation loss stops improving; load and keep the best weights.

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

    def _run_epoch(self, epoch: int, train: Sample, validation: Sample, bar: Bar) -> None:
        start = time.perf_counter()
        rate = learning_rate(self.config, epoch)
        self.optimizer.learning_rate.assign(rate)
        losses = [
            self._step(tf.constant(train.images[rows]), tf.constant(train.fractions[rows]))
            for rows in self._batches(epoch, len(train))
        ]
        validation_loss = float(self._evaluate(tf.constant(validation.images), tf.constant(validation.fractions)))
        done = Epoch(
            epoch, float(np.mean([float(v) for v in losses])), validation_loss, rate, time.perf_counter() - start
        )
        best = not self.history or validation_loss < min(e.validation_loss for e in self.history)
        self.history.append(done)
        # The best weights first, then the history, the checkpoint last: a run cut off between them repeats the epoch.
        if best:
            self._save_best()
        write_json(self.directory / "history.json", [asdict(e) for e in self.history])
        self.epoch.assign(epoch + 1)
        self.manager.save()
        bar.advance(1, f"loss {done.loss:.2e}  validation {validation_loss:.2e}")

    def _batches(self, epoch: int, events: int) -> Iterator[NDArray[np.intp]]:
        """Rows of every batch; the order depends on the seed and the epoch alone, so that a resumed run repeats it."""
        order = np.random.default_rng([self.seed, epoch]).permutation(events)
        for start in range(0, events - self.config.batch + 1, self.config.batch):
            yield order[start : start + self.config.batch]

    def _loss_of(self, images: Any, fractions: Any) -> Any:
        return self.loss(fractions, self.decoder(self.encoder(images, training=False), training=False))

    def _train_step(self, images: Any, fractions: Any) -> Any:
        variables = [*self.encoder.trainable_variables, *self.decoder.trainable_variables]
        with tf.GradientTape() as tape:
            loss = self.loss(fractions, self.decoder(self.encoder(images, training=True), training=True))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def _best_epoch(self) -> int:
        if not self.history:
            return 0
        return min(self.history, key=lambda e: e.validation_loss).epoch

    def _save_best(self) -> None:
        for model in (self.encoder, self.decoder):
            final = weights_path(self.directory, model.name)
            # Keras chooses the file format by the ending, so the temporary name must keep it.
            temporary = final.with_name(f"writing-{final.name}")
            model.save_weights(temporary)
            temporary.replace(final)

    def _load_best(self) -> None:
        for model in (self.encoder, self.decoder):
            model.load_weights(weights_path(self.directory, model.name))


def weights_path(directory: Path, model: str) -> Path:
    """Return where the best weights of ``encoder`` or ``decoder`` are kept."""
    return directory / f"{model}.weights.h5"


def read_history(directory: Path) -> list[Epoch]:
    """Return the history kept in a training directory; empty when there is none."""
    path = directory / "history.json"
    if not path.is_file():
        return []
    return [Epoch(**line) for line in json.loads(path.read_text(encoding="utf-8"))]


def learning_rate(config: TrainingConfig, epoch: int) -> float:
    """Return the cosine schedule: from ``learning_rate`` at epoch 0 to ``final_learning_rate`` at the last."""
    part = epoch / max(config.epochs - 1, 1)
    span = config.learning_rate - config.final_learning_rate
    return float(config.final_learning_rate + span * 0.5 * (1 + np.cos(np.pi * part)))


def make_deterministic(seed: int) -> None:
    """Seed TensorFlow and make its operations repeat to the bit on the same machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
