"""Encoders of cells as stages of a run: from rows to a directory, from that to the integer encoder and the decoders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_checks import check_sums
from econ_ae.data.module_conditions import Conditions, Features
from econ_ae.data.store import Rows
from econ_ae.econt.cell_frame import ReceivedPulses, frames, unpack_pulses
from econ_ae.emulator import encode_pulses
from econ_ae.errors import ConfigError, ModelError
from econ_ae.geometry import FloatArray, WaferGeometry
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress
from econ_ae.training.cells import network, table
from econ_ae.training.cells.fit import CellsTrainer
from econ_ae.training.cells.rule import Rule
from econ_ae.training.cells.table import Table
from econ_ae.training.cells.warm import RULE
from econ_ae.training.fit import make_deterministic
from econ_ae.training.judge import Judge
from econ_ae.training.kept import Epoch, load_weights
from econ_ae.training.sample import received_sums

_COPIES = 4  # of the charges that a training holds at a time


@dataclass(frozen=True, eq=False)
class CellsDecoder:
    """The receiver's side of a trained encoder of cells.

    Parameters
    ----------
    table : levels, which the network starts from
    network : Keras model
    features : of its conditions
    """

    table: Table
    network: Any
    features: int = 0

    def fractions(
        self, model: EncoderModel, received: ReceivedPulses, known: Features | None = None, *, by_table: bool = False
    ) -> FloatArray:
        """Return charge fractions, float64 (n, cells): exact ones of events without loss, 0 of those without charge.

        Parameters
        ----------
        known : float32 (n, features), ``Conditions.features`` of the events; None where the network has no conditions
        by_table : leave out the network

        Raises
        ------
        ConfigError
            When the network has conditions and ``known`` has not their features.
        """
        sent = received.sent
        out = sent.pulses / np.maximum(sent.pulses.sum(axis=1, keepdims=True), 1)
        rows = np.flatnonzero(~sent.exact)
        if not len(rows):
            return out
        mode, pulses = sent.mode[rows], sent.pulses[rows]
        if by_table:
            out[rows] = self.table.fractions(mode, pulses)
        else:
            modes = model.cell_code.choose.modes
            known = np.zeros((len(out), 0), np.float32) if known is None else known
            if known.shape[1] != self.features:
                raise ConfigError(
                    f"the decoder knows {self.features} features of its module; {known.shape[1]} were given"
                )
            inputs = network.features(modes, self.table, mode, pulses, received.total[rows], known=known[rows])
            out[rows] = network.predict(self.network, inputs)
        return out


def train(
    config: RunConfig,
    geometry: WaferGeometry,
    batches: tuple[Batch, Batch],
    directory: Path,
    progress: Progress,
    *,
    stream: Rows | None = None,
    judge: Judge | None = None,
    until: int | None = None,
) -> list[Epoch]:
    """Learn from (training, validation) batches into ``directory``, continuing what is there; return the history.

    With ``stream``, a set of rows in a dataset file, as many of its first rows as ``data.memory_mb`` allows train.
    A judge of the validation events chooses the epoch and the rule, instead of their EMD. ``until`` stops after as many
    epochs, with the best network and rule so far; the training is continued to the same bits.
    """
    training, validation = batches
    if stream is not None:
        most = (config.data.memory_mb << 20) // (_COPIES * training.charges.itemsize * geometry.cells)
        with stream.open() as data:
            training = data.read(0, min(data.rows, most), columns=Conditions(config.decoder.conditions).columns)
    make_deterministic(config.seed)
    return CellsTrainer(config, geometry, (training, validation), directory, progress, judge=judge).fit(until)


def load(config: RunConfig, geometry: WaferGeometry, directory: Path) -> CellsDecoder:
    """Return the decoders of a training directory; RunDirectoryError when it has none."""
    modes = skeleton(config, geometry).cell_code.choose.modes
    conditions = Conditions(config.decoder.conditions)
    built = network.build(config.cells, len(modes), geometry, config.seed, config.decoder)
    load_weights(directory, built, conditions=conditions)
    return CellsDecoder(Table.load(directory / table.FILE), built, conditions.width)


def freeze_run(config: RunConfig, geometry: WaferGeometry, directory: Path, provenance: dict[str, str]) -> EncoderModel:
    """Return the integer encoder with the rule of a training directory; RunDirectoryError when it has none."""
    empty, rule = skeleton(config, geometry), Rule.load(directory / RULE)
    model = empty.with_rule(rule.limits, rule.bias)
    return check(EncoderModel(model.name, model.input, model.ops, provenance, model.spec_version))


def transmit(model: EncoderModel, charges: NDArray[np.integer]) -> ReceivedPulses:
    """Return what a receiver knows of charges (n, cells): encode, pack into frames, unpack."""
    crossing = np.zeros(len(charges), np.int64)
    return unpack_pulses(model, frames(model, encode_pulses(model, charges), charges, crossing))


def compare_with_frames(model: EncoderModel, charges: NDArray[np.integer]) -> int:
    """Return how many events were compared; ModelError when a frame does not give back what was encoded.

    DataError when the frame's module sum is not the one that the training gave to the decoder.

    Training encodes with the integers themselves, so what is left to be compared is the frame.
    """
    sent, received = encode_pulses(model, charges), transmit(model, charges)
    lossy = ~received.sent.exact
    check_sums(received_sums(charges)[lossy], received.total[lossy], model.name)
    charged = charges.sum(axis=1) > 0
    differs = (sent.pulses != received.sent.pulses).any(axis=1) | (sent.exact != received.sent.exact)
    differs |= charged & (sent.mode != received.sent.mode)
    differs |= sent.exact & (received.sent.pulses != charges).any(axis=1)
    if differs.any():
        raise ModelError(
            f"{model.name}: {int(differs.sum())} of {len(charges)} frames do not give back what was encoded, "
            f"first of event {int(np.argmax(differs))}"
        )
    return len(charges)
