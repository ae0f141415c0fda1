"""Learning of an encoder of cells and its decoders: table and rule, the network, the rule anew with the network."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import DataError
from econ_ae.files import write_json
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Bar, Progress, waiting
from econ_ae.training.average import MovingAverage
from econ_ae.training.cells import network, table
from econ_ae.training.cells.candidates import Candidates, candidates, lossy
from econ_ae.training.cells.events import LossyEvents, encoded
from econ_ae.training.cells.judged import Judged, Validated
from econ_ae.training.cells.rule import Rule, learn
from econ_ae.training.cells.table import Table
from econ_ae.training.cells.warm import LEARNED, RULE, Start
from econ_ae.training.cluster_loss import cluster_term
from econ_ae.training.judge import Judge
from econ_ae.training.kept import (
    Checkpoints,
    Epoch,
    check_not_diverged,
    load_weights,
    note_divergence,
    save_weights,
    write_history,
)
from econ_ae.training.losses import exact, pair_emd
from econ_ae.training.sample import received_sums

_WARMUP = 100  # steps over which the learning rate rises
_PAIRS = 16_384  # of events and modes that the network decodes at a time


class CellsTrainer:
    """Learns everything of a configuration into a directory, continuing what is there.

    Parameters
    ----------
    batches : training and validation events
    judge : chooses the epoch and the rule, instead of the validation EMD
    """

    def __init__(
        self,
        config: RunConfig,
        geometry: WaferGeometry,
        batches: tuple[Batch, Batch],
        directory: Path,
        progress: Progress,
        *,
        judge: Judge | None = None,
    ) -> None:
        self.config, self.geometry, self.progress, self.directory = config, geometry, progress, directory
        self.empty = skeleton(config, geometry)
        self.modes = self.empty.cell_code.choose.modes
        directory.mkdir(parents=True, exist_ok=True)
        self._start = Start.of(directory, config.training)
        self._given = self._start.given
        self._start.give_table(directory)
        self.conditions = Conditions(config.decoder.conditions)
        with waiting(progress, f"{len(batches[0])} training and {len(batches[1])} validation events are encoded"):
            train, validation = (part[part.total > 0] for part in batches)
            train = train[lossy(self.empty, train.charges)]
            self.events = LossyEvents(train.charges, self.conditions.features(train), config.seed)
            rows = lossy(self.empty, validation.charges)
            self.judged = None if judge is None else Judged(judge, validation.charges, rows)
            self.lossy_share, validation = float(rows.mean()), validation[rows]
            self.validation, self.validation_known = validation.charges, self.conditions.features(validation)
        training = config.training
        if len(self.events) < training.batch or not len(self.validation):
            raise DataError(
                f"{len(self.events)} training and {len(self.validation)} validation events cannot be sent without "
                f"loss; expected at least one batch of {training.batch} and one: give more events or fewer eLinks"
            )
        self.steps = min(config.cells.steps or len(self.events), len(self.events) // training.batch)
        self.network = network.build(config.cells, len(self.modes), geometry, config.seed, config.decoder)
        self._start.load(self.network, self.conditions)
        self.optimizer = keras.optimizers.Adam(training.learning_rate)
        self.optimizer.build(self.network.trainable_variables)
        self.average = MovingAverage(self.network.trainable_variables, training.average) if training.average else None
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        parts = {"decoder": self.network, "optimizer": self.optimizer, "epoch": self.epoch, "average": self.average}
        self.checkpoints = Checkpoints(directory, {name: part for name, part in parts.items() if part is not None})
        self.history = self.checkpoints.restore()
        self.loss, self.clusters = exact(geometry), cluster_term(config, geometry)
        self._step = tf.function(self._train_step)

    def fit(self, until: int | None = None) -> list[Epoch]:
        """Learn all; load and keep the best weights and the rule that goes with them.

        Parameters
        ----------
        until : epochs after which to stop for now, with what is best so far; None trains to the end

        Raises
        ------
        TrainingError
            When a loss is no finite number, now or in an earlier attempt.
        OSError
            When a file cannot be written.
        """
        check_not_diverged(self.directory)
        epochs, first = self.config.training.epochs, len(self.history)
        with self.progress.bar("training", epochs) as bar:
            bar.advance(first)
            for epoch in range(first, min(epochs, until or epochs)):
                if self._best() is not None and epoch - self._best_epoch().epoch > self.config.training.patience:
                    break
                compiling = f"first epoch of {self.steps} batches, the network is compiled"
                with waiting(self.progress, compiling) if epoch == first else nullcontext():
                    self._run_epoch(epoch, bar)
        self._finish()
        return self.history

    @cached_property
    def table(self) -> Table:
        """The table decoder, made once."""
        path = self.directory / table.FILE
        if not path.is_file():
            with waiting(self.progress, f"table of {len(self.candidates.charges)} events"):
                Table.fitted(self.modes, self.candidates, self.geometry).save(path)
        return Table.load(path)

    @cached_property
    def candidates(self) -> Candidates:
        """All modes of the events that the rule is learned from."""
        return candidates(self.empty, self.events.charges[self._rule_rows])

    @cached_property
    def _rule_rows(self) -> NDArray[np.integer]:
        count = min(self.config.cells.rule_events, len(self.events))
        return np.random.default_rng([self.config.seed, 6]).permutation(len(self.events))[:count]

    def rule(self, epoch: int) -> Rule:
        """Return the rule of an epoch; at the first one after a refit is due it is learned, unless one is given."""
        if self._given is not None:
            return self._given
        begins = max((e for e in self._boundaries() if e <= epoch), default=0)
        path = self.directory / f"rule-{begins}.json"
        if not path.is_file():
            before = self._start.before if begins == 0 else self.rule(begins - 1)
            self._learn(before, with_network=begins > 0 or self._start.network).save(path)
        return Rule.load(path)

    def _boundaries(self) -> list[int]:
        parts = self.config.cells.refits + 1
        return [round(self.config.training.epochs * i / parts) for i in range(1, parts)]

    def _learn(self, before: Rule | None, *, with_network: bool) -> Rule:
        """Return the rule with the least mean EMD of the present network, with its kept weights, or of the table."""
        own, choose = self.config.cells, self.empty.cell_code.choose
        seen = self.candidates
        with waiting(self.progress, f"choice of the mode: exact EMD of {len(seen.row)} pairs of event and mode"):
            with self._kept_weights():
                images = self._images(seen) if with_network else self.table.fractions(seen.mode, seen.pulses)
            cost = pair_emd(seen.charges[seen.row], images, self.geometry)
            if self.clusters is not None:
                totals = received_sums(seen.charges)
                mean = float(totals.mean())
                cost = cost + self.clusters.of_pairs(seen.fractions[seen.row], images, totals[seen.row], mean)
            return learn(seen, cost, own.classes, choose.bias_fraction, seed=self.config.seed, start=before)

    def _images(self, seen: Candidates) -> NDArray[np.float64]:
        totals, known = received_sums(seen.charges), self.events.known[self._rule_rows]
        parts = []
        for start in range(0, len(seen.row), _PAIRS):
            rows = slice(start, start + _PAIRS)
            event = seen.row[rows]
            own = seen.mode[rows], seen.pulses[rows], totals[event]
            inputs = network.features(self.modes, self.table, *own, known=known[event])
            parts.append(network.predict(self.network, inputs))
        return np.concatenate(parts)

    def _model(self, rule: Rule) -> EncoderModel:
        return self.empty.with_rule(rule.limits, rule.bias)

    def _run_epoch(self, epoch: int, bar: Bar) -> None:
        start, training = time.perf_counter(), self.config.training
        model = self._model(self.rule(epoch))
        losses, rate = [], 0.0
        batches = self.events.batches(model, self.table, epoch, training.batch, self.steps)
        for number, (inputs, true) in enumerate(batches):
            rate = self._rate(epoch * self.steps + number)
            self.optimizer.learning_rate.assign(rate)
            losses.append(self._step(*(tf.constant(array) for array in (*inputs, true))))
        loss = float(np.mean([float(value) for value in losses]))
        self._check_finite(epoch, "training loss", loss)
        for variable in self.network.trainable_variables:
            self._check_finite(epoch, f"sum of the weights {variable.name}", float(tf.reduce_sum(variable)))
        with self._kept_weights():
            validation = self.validated(model)
            self._check_finite(epoch, "validation EMD", validation.emd)
            found = Epoch(epoch, loss, validation.emd, rate, time.perf_counter() - start, validation.figure)
            best = self._best()
            # The best weights first, then the history, the checkpoint last: a run cut off between repeats the epoch.
            if best is None or found.cost < best.cost:
                save_weights(self.directory, self.network, conditions=self.conditions)
        self.history.append(replace(found, seconds=time.perf_counter() - start))
        write_history(self.directory, self.history)
        self.epoch.assign(epoch + 1)
        self.checkpoints.save()
        judged = "" if found.figure is None else f"  clusters {found.figure:.4f}"
        bar.advance(1, f"EMD of lossy events {loss:.4f}  validation, all events {validation.emd:.4f}{judged}")

    def _rate(self, step: int) -> float:
        """Return the cosine schedule over all steps, with a linear rise at the start."""
        training = self.config.training
        part = step / (training.epochs * self.steps)
        span = training.learning_rate - training.final_learning_rate
        rate = training.final_learning_rate + span * 0.5 * (1 + np.cos(np.pi * part))
        return float(rate * min(1.0, (step + 1) / _WARMUP))

    def _train_step(self, pulses: Any, image: Any, event: Any, true: Any) -> Any:
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            predicted = self.network([pulses, image, event], training=True)
            loss = self.loss(true, predicted)
            if self.clusters is not None:
                loss += self.clusters(true, predicted, network.totals_of(event, len(self.modes)))
        if self._start.holds_network:
            return loss
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        if self.average is not None:
            self.average.update(self.optimizer.iterations)
        return loss

    def validated(self, model: EncoderModel, *, by_table: bool = False) -> Validated:
        """Return the mean exact EMD of all validation events with charge, and the judge's figure if there is one.

        Events without loss have none.
        """
        inputs, _ = encoded(model, self.table, self.validation, self.validation_known)
        image = inputs[1].astype(np.float64) if by_table else network.predict(self.network, inputs)
        distance = self.lossy_share * float(pair_emd(self.validation, image, self.geometry).mean())
        return Validated(distance, None if self.judged is None else self.judged.figure(image))

    def _finish(self) -> None:
        """Load the best weights and keep their rule, or one learned anew with them where that validates better."""
        best = self._best_epoch()
        load_weights(self.directory, self.network, conditions=self.conditions)
        average, self.average = self.average, None  # what is loaded is the average
        old = self.rule(best.epoch)
        found = {
            "table": self.validated(self._model(self.rule(0)), by_table=True),
            "network": self.validated(self._model(old)),
        }
        same = self._start.is_better(
            self.directory,
            self.network,
            self.conditions,
            lambda: self.validated(self._model(self.rule(0))),
            found["network"],
        )
        if same is not None:
            found["network"], old = same, self.rule(0)
        kept, better = old, False
        if self._given is None and not self._start.holds_network:
            new = self._learn(old, with_network=True)
            found["rule learned anew"] = self.validated(self._model(new))
            better = found["rule learned anew"].cost < found["network"].cost
            kept = new if better else old
        if self._given is None and self._start.before is not None:
            found["rule of the start"] = self.validated(self._model(self._start.before))
            others = [one.cost for name, one in found.items() if name in {"network", "rule learned anew"}]
            if found["rule of the start"].cost <= min(others):
                kept, better = self._start.before, False  # nothing has to be written to the chip
        kept.save(self.directory / RULE)
        told = {"validation_emd": {name: one.emd for name, one in found.items()}}
        if self.judged is not None:
            told["figure"] = {name: one.cost for name, one in found.items()}
        write_json(self.directory / LEARNED, told | {"rule_anew": better, "epoch": best.epoch})
        self.average = average

    def _best(self) -> Epoch | None:
        return min(self.history, key=lambda e: e.cost, default=None)

    def _best_epoch(self) -> Epoch:
        return min(self.history, key=lambda e: e.cost)

    def _kept_weights(self) -> Any:
        return nullcontext() if self.average is None else self.average.in_place()

    def _check_finite(self, epoch: int, name: str, value: float) -> None:
        if not np.isfinite(value):
            raise note_divergence(
                self.directory,
                f"training diverged in epoch {epoch + 1} of {self.config.training.epochs}: the {name} is {value}; make "
                f"a new run with a smaller training.learning_rate (now {self.config.training.learning_rate:g})",
            )
