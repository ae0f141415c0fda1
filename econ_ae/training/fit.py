"""The training loop: seeded, resumable after any epoch, best weights kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import TrainingConfig
from econ_ae.errors import DataError
from econ_ae.geometry import FloatArray
from econ_ae.progress import Bar, Progress, waiting
from econ_ae.training.average import MovingAverage
from econ_ae.training.chain import Chain
from econ_ae.training.judge import Judge
from econ_ae.training.kept import (
    Checkpoints,
    Epoch,
    check_not_diverged,
    load_weights,
    note_divergence,
    require_weights,
    save_weights,
    write_history,
)
from econ_ae.training.magnitude_pruning import WeightMasks, final_epoch
from econ_ae.training.sample import Sample, totals_of
from econ_ae.training.source import Source
from econ_ae.training.transport_losses import normalised

_AT_ONCE = 8192  # validation events


class Trainer:
    """Trains an encoder and a decoder together.

    Parameters
    ----------
    chain : the models and the loss
    config : schedule and stopping rule
    directory : where checkpoints, the best weights and the history are kept; an existing checkpoint is continued
    weight_decay : of the decoder's kernels
    judge : chooses the best epoch, instead of the validation loss
    """

    def __init__(
        self,
        chain: Chain,
        config: TrainingConfig,
        *,
        directory: Path,
        weight_decay: float = 0.0,
        judge: Judge | None = None,
    ) -> None:
        self.chain, self.config = chain, config
        self.directory, self.judge = directory, judge
        self.optimizer = adam(config, chain, weight_decay)
        self.average = MovingAverage(chain.variables, config.average) if config.average else None
        prune = config.prune
        self.masks = WeightMasks(chain.encoder, prune, config.epochs) if prune and prune.weights else None
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        directory.mkdir(parents=True, exist_ok=True)
        parts = {
            "encoder": chain.encoder,
            "decoder": chain.decoder,
            "optimizer": self.optimizer,
            "epoch": self.epoch,
            "average": self.average,
            "masks": self.masks,
        }
        self.checkpoints = Checkpoints(directory, {name: part for name, part in parts.items() if part is not None})
        self.history = self.checkpoints.restore()
        self._step = tf.function(self._train_step)
        self._evaluate = tf.function(partial(chain.loss_of, training=False))
        self._predict = tf.function(partial(chain.predict, training=False))

    def fit(self, train: Source, validation: Sample, progress: Progress, *, until: int | None = None) -> list[Epoch]:
        """Train until the last epoch or until validation stops improving; load and keep the best weights.

        Parameters
        ----------
        train : the events, drawn anew in every epoch
        validation : events of the validation loss
        until : epochs after which to stop for now, with the best weights so far; None trains to the end

        Raises
        ------
        DataError
            When there are fewer training events than one batch, or no validation events.
        TrainingError
            When a loss or a weight is no finite number after an epoch, now or in an earlier attempt; the best weights
            of the epochs before stay in the directory.
        OSError
            When a file cannot be written.
        """
        check_not_diverged(self.directory)
        if self._best() is not None:
            require_weights(self.directory)
        if len(train) < self.config.batch or not len(validation):
            raise DataError(
                f"{len(train)} training and {len(validation)} validation events with charge; "
                f"expected at least one batch of {self.config.batch} and one validation event"
            )
        with progress.bar("training", self.config.epochs) as bar:
            bar.advance(len(self.history))
            first = len(self.history)
            for epoch in range(first, min(self.config.epochs, until or self.config.epochs)):
                best = self._best()
                if best is not None and epoch - best.epoch > self.config.patience:
                    break
                count = min(self.config.steps or len(train), len(train) // self.config.batch)
                compiling = f"first epoch of {count} batches, the network is compiled"
                with waiting(progress, compiling) if epoch == first else nullcontext():
                    self._run_epoch(epoch, train, validation, bar)
        chain = self.chain
        load_weights(self.directory, chain.encoder, chain.decoder, conditions=chain.conditions)
        return self.history

    def _run_epoch(self, epoch: int, train: Source, validation: Sample, bar: Bar) -> None:
        start = time.perf_counter()
        rate = learning_rate(self.config, epoch)
        self.optimizer.learning_rate.assign(rate)
        if self.masks is not None:
            self.masks.tighten(epoch)
        batches = islice(train.batches(epoch, self.config.batch), self.config.steps)
        losses = [self._step(*(tf.constant(array) for array in batch)) for batch in batches]
        loss = float(np.mean([float(v) for v in losses]))
        self._check_finite(epoch, "training loss", loss)
        for variable in self.chain.variables:
            self._check_finite(epoch, f"sum of the weights {variable.name}", float(tf.reduce_sum(variable)))
        # The best weights first, then the history, the checkpoint last: a run cut off between them repeats the epoch.
        with self._weights_to_keep():
            validation_loss = self._validation_loss(validation)
            self._check_finite(epoch, "validation loss", validation_loss)
            figure = None if self.judge is None else self.judge(self._charges(validation))
            found = Epoch(epoch, loss, validation_loss, rate, time.perf_counter() - start, figure)
            if self._is_best(found):
                chain = self.chain
                save_weights(self.directory, chain.encoder, chain.decoder, conditions=chain.conditions)
        self.history.append(replace(found, seconds=time.perf_counter() - start))
        write_history(self.directory, self.history)
        self.epoch.assign(epoch + 1)
        self.checkpoints.save()
        judged = "" if figure is None else f"  clusters {figure:.4f}"
        bar.advance(1, f"loss {loss:.2e}  validation {validation_loss:.2e}{judged}")

    def _validation_loss(self, events: Sample) -> float:
        """Return the mean loss; in parts, as the channels of every cell of all events would not fit in memory."""
        total = 0.0
        for start in range(0, len(events), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            arrays = (events.images[part], events.beside[part], events.fractions[part])
            total += len(arrays[0]) * float(self._evaluate(*(tf.constant(array) for array in arrays)))
        return total / len(events)

    def _charges(self, events: Sample) -> FloatArray:
        """Return what the decoder makes of events, float64 (n, cells), charges of the sum that the frame carries."""
        parts = []
        for start in range(0, len(events), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            found = self._predict(tf.constant(events.images[rows]), tf.constant(events.beside[rows]))
            sums = totals_of(events.beside[rows, :1])
            parts.append(np.asarray(normalised(found) * sums[:, None], np.float64))
        return np.concatenate(parts)

    def _check_finite(self, epoch: int, name: str, value: float) -> None:
        if np.isfinite(value):
            return
        best = self._best()
        kept = "no epoch before it was good"
        if best is not None:
            kept = f"the weights of epoch {best.epoch + 1} are kept in {self.directory}"
        message = (
            f"training diverged in epoch {epoch + 1} of {self.config.epochs}: the {name} is {value}; {kept}; "
            f"make a new run with a smaller training.learning_rate (now {self.config.learning_rate:g})"
        )
        raise note_divergence(self.directory, message)

    def _train_step(self, images: Any, beside: Any, fractions: Any) -> Any:
        variables = self.chain.variables
        with tf.GradientTape() as tape:
            loss = self.chain.loss_of(images, beside, fractions, training=True)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if self.masks is not None:
            self.masks.apply()
        if self.average is not None:
            self.average.update(self.optimizer.iterations)
        return loss

    def _best(self) -> Epoch | None:
        return best_epoch(self.history, self.config)

    def _is_best(self, found: Epoch) -> bool:
        if found.epoch < final_epoch(self.config.prune, self.config.epochs):
            return False
        best = self._best()
        return best is None or found.cost < best.cost

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


def adam(config: TrainingConfig, chain: Chain, weight_decay: float) -> Any:
    """Return the optimizer of a chain; ``weight_decay`` concerns the kernels of the decoder alone."""
    optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=weight_decay or None)
    if weight_decay:
        biases = [v for v in chain.decoder.trainable_variables if len(v.shape) == 1]
        optimizer.exclude_from_weight_decay([*chain.encoder.trainable_variables, *biases])
    optimizer.build(chain.variables)
    return optimizer


def best_epoch(history: list[Epoch], config: TrainingConfig) -> Epoch | None:
    """Return the epoch whose weights are kept: of smallest cost, when all weights to prune are 0."""
    candidates = history[final_epoch(config.prune, config.epochs) :]
    return min(candidates, key=lambda e: e.cost, default=None)


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
