"""The training of learned widths: of every epoch what no other one beats in both loss and cost is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ConfigError, DataError, TrainingError
from econ_ae.files import write_json
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress
from econ_ae.training.chain import Chain
from econ_ae.training.fit import adam, learning_rate, make_deterministic
from econ_ae.training.frozen import trained_link
from econ_ae.training.kept import save_weights
from econ_ae.training.learned_widths import LearnedEncoder, Price, Widths, prices, widths_of, with_widths
from econ_ae.training.losses import LOSSES
from econ_ae.training.networks import build
from econ_ae.training.sample import Sample, make_sample
from econ_ae.training.source import InMemory

FRONT = "front.json"


@dataclass(frozen=True)
class Point:
    """An epoch of the training, as an ordinary encoder.

    Parameters
    ----------
    epoch : from 1 on
    loss : of the validation events
    cost : what the price function says of its widths
    folder : weights and ``config.json``, relative to the folder of the search
    """

    epoch: int
    loss: float
    cost: float
    widths: Widths
    folder: str

    def beats(self, other: Point) -> bool:
        """Tell whether it is nowhere worse than another one and somewhere better."""
        mine, others = (self.loss, self.cost), (other.loss, other.cost)
        return mine != others and mine[0] <= others[0] and mine[1] <= others[1]


def front(points: Sequence[Point], new: Point) -> tuple[Point, ...]:
    """Return the points that no other one beats, when one is added; of equal ones the first stays."""
    if any(old.beats(new) or (old.loss, old.cost) == (new.loss, new.cost) for old in points):
        return tuple(points)
    return (*(old for old in points if not new.beats(old)), new)


@dataclass(frozen=True)
class Search:
    """What is searched.

    Parameters
    ----------
    config : shape, largest widths, schedule and seed; of layers
    strength : loss that one unit of cost is worth
    price : cost of a configuration
    """

    config: RunConfig
    geometry: WaferGeometry
    strength: float
    price: Price

    def run(self, batches: tuple[Batch, Batch], directory: Path, progress: Progress) -> tuple[Point, ...]:
        """Train on (training, validation) rows; return the front, in rising cost.

        Every point has a folder with the weights of ordinary networks and the configuration that has these widths.

        Raises
        ------
        ConfigError
            When the encoder sends cells, has been given float training, or the strength is negative.
        DataError
            When there are fewer training events than one batch, or no validation events.
        TrainingError
            When the loss is no finite number.
        """
        self.check()
        config = self.config
        target = skeleton(config, self.geometry)
        known = Conditions(config.decoder.conditions)
        train, validation = (make_sample(rows, target.input, target.normalise, known) for rows in batches)
        if len(train) < config.training.batch or not len(validation):
            raise DataError(
                f"{len(train)} training and {len(validation)} validation events with charge; "
                f"expected at least one batch of {config.training.batch} and one validation event"
            )
        make_deterministic(config.seed)
        chain = self._chain(known)
        learner = _Learner(self, chain)
        found: tuple[Point, ...] = ()
        source = InMemory([train], config.seed)
        with progress.bar("widths", config.training.epochs) as bar:
            for epoch in range(config.training.epochs):
                learner.epoch(epoch, source)
                loss = learner.validation(validation)
                if not np.isfinite(loss):
                    raise TrainingError(
                        f"the validation loss of epoch {epoch + 1} is {loss}; "
                        f"use a smaller training.learning_rate (now {config.training.learning_rate:g})"
                    )
                widths = chain.encoder.widths()
                cost = self.price(with_widths(config, widths))
                point = Point(epoch + 1, loss, cost, widths, f"epoch-{epoch + 1}")
                kept = front(found, point)
                if point in kept:
                    self._store(chain, widths, directory / point.folder)
                for old in set(found) - set(kept):
                    shutil.rmtree(directory / old.folder)
                found = kept
                bar.advance(1, f"validation {loss:.2e}  cost {cost:.1f}")
        ordered = tuple(sorted(found, key=lambda one: one.cost))
        write_json(directory / FRONT, [asdict(one) for one in ordered])
        return ordered

    def config_of(self, point: Point) -> RunConfig:
        """Return the configuration with the widths of a point."""
        return with_widths(self.config, point.widths)

    def check(self) -> None:
        """Raise ConfigError when nothing can be learned of this configuration."""
        if self.config.encoder.family == "cells":
            raise ConfigError("an encoder that sends cells has no weights; expected encoder.family = 'layers'")
        if self.config.training.quantise != "aware":
            raise ConfigError(
                f"training.quantise is {self.config.training.quantise!r}; widths are learned in their formats: 'aware'"
            )
        if self.config.training.prune is not None:
            raise ConfigError("training.prune removes what widths are learned of; leave one of them out")
        if not 0 <= self.strength < np.inf:
            raise ConfigError(f"the price of a unit of cost is {self.strength:g}; expected a number, 0 or more")
        if min(widths_of(self.config).weights) < 1:
            raise ConfigError("a weight format has no fractional bits; expected at least one, as in s0.5")

    def _chain(self, known: Conditions) -> Chain:
        networks = build(self.config, self.geometry)
        return Chain(
            LearnedEncoder(self.config, self.geometry),
            networks.decoder,
            trained_link(self.config, self.geometry),
            self.config.decoder.sum_columns,
            LOSSES[self.config.training.loss](self.geometry),
            conditions=known,
        )

    def _store(self, chain: Chain, widths: Widths, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ordinary = chain.encoder.ordinary(self.config, self.geometry)
        save_weights(folder, ordinary.encoder, chain.decoder, conditions=chain.conditions)
        write_json(folder / "config.json", with_widths(self.config, widths).model_dump(mode="json"))


class _Learner:
    """One step after another, with the prices of the bits as they are at the start of an epoch."""

    def __init__(self, search: Search, chain: Chain) -> None:
        self._search, self._chain = search, chain
        self._optimizer = adam(search.config.training, chain, search.config.decoder.weight_decay)
        bits = len(chain.encoder.layers)
        self._weights = tf.Variable(tf.zeros(bits), trainable=False)
        self._activations = tf.Variable(tf.zeros(bits - 1), trainable=False)
        self._step: Callable[..., Any] = tf.function(self._train)
        self._loss: Callable[..., Any] = tf.function(lambda *batch: chain.loss_of(*batch, training=False))

    def epoch(self, epoch: int, source: InMemory) -> None:
        search = self._search
        training = search.config.training
        self._optimizer.learning_rate.assign(learning_rate(training, epoch))
        weights, activations = prices(search.config, self._chain.encoder.widths(), search.price)
        self._weights.assign([search.strength * one for one in weights])
        self._activations.assign([search.strength * one for one in activations])
        for batch in islice(source.batches(epoch, training.batch), training.steps):
            self._step(*(tf.constant(array) for array in batch))

    def validation(self, events: Sample) -> float:
        arrays = (events.images, events.beside, events.fractions)
        return float(self._loss(*(tf.constant(array) for array in arrays)))

    def _train(self, images: Any, beside: Any, fractions: Any) -> None:
        chain, variables = self._chain, self._chain.variables
        with tf.GradientTape() as tape:
            loss = chain.loss_of(images, beside, fractions, training=True)
            loss += chain.encoder.cost(tf.unstack(self._weights), tf.unstack(self._activations))
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        chain.encoder.constrain()
