"""The integer encoder of cells that a configuration describes, before any training: all biases 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement, WaferGeometry
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Order, modes
from econ_ae.ir.model import CELLS_VERSION, CHARGE, EncoderModel, Input, Normalise, Op
from econ_ae.ir.validate import check, frame_capacity

if TYPE_CHECKING:
    from econ_ae.config import RunConfig

_NEAR = 1.25
"""A cell's neighbours are not farther than this times the smallest distance; the next ring is at 1.73."""

_UNUSED = (
    "encoder.arrangement",
    "encoder.input",
    "encoder.conv",
    "encoder.dense",
    "hardware.keep",
    "hardware.accumulate",
    "hardware.weights",
    "training.arithmetic",
    "training.rotations",
    "training.quantise",
    "training.seeds",
    "training.admixture",
    "training.distill",
    "training.prune",
    "training.steps",
)
"""Settings of layers, which say nothing here."""


def cells_skeleton(config: RunConfig, geometry: WaferGeometry) -> EncoderModel:
    """Return the encoder of cells with all biases 0.

    Raises
    ------
    ConfigError
        When the number of eLinks is missing, more cells would be sent than there are, or settings of layers are given.
    ModelError
        When no mode of one cell fits the frame.
    """
    own, elinks = config.cells, config.hardware.elinks
    _check_unused(config)
    if elinks is None:
        raise ConfigError("hardware.elinks is missing; an encoder of cells fills the frame of its links: give 2 to 5")
    most = own.cells_of(elinks)
    if most > geometry.cells:
        raise ConfigError(f"cells.most_cells is {most}, of {geometry.cells} trigger cells; give at most as many")
    mode_bits = max((most - 1).bit_length(), 1)
    found = modes(
        geometry.cells,
        range(1, most + 1),
        frame_capacity(elinks) - mode_bits - 1,
        most_pulses=own.most_pulses,
        most_exact=own.most_exact,
    )
    # Classes that cannot be reached have no use; they get limits when they are learned.
    limits = tuple(range(geometry.cells - own.classes + 2, geometry.cells + 1))
    choose = Choose(found, limits, ((0,) * len(found),) * own.classes, own.bias_bits)
    merge: tuple[Op, ...] = (Merge(neighbours(geometry)),) if own.merge else ()
    model = EncoderModel(
        config.name,
        Input(geometry.cells, CHARGE, Arrangement("cells", geometry.cells, 1, 1, tuple(range(geometry.cells)))),
        (
            Normalise(FixedFormat(False, own.fraction + 1, own.fraction)),
            Order(),
            choose,
            *merge,
            Apportion(own.offset),
            Enumerate(elinks),
        ),
        spec_version=CELLS_VERSION,
    )
    return check(model)


def neighbours(geometry: WaferGeometry) -> tuple[tuple[int, ...], ...]:
    """Return the cells next to each cell, at most six in the hexagonal lattice."""
    distance = np.asarray(geometry.distance)
    near = (distance > 0) & (distance < _NEAR * distance[distance > 0].min())
    return tuple(tuple(int(j) for j in np.flatnonzero(row)) for row in near)


def _check_unused(config: RunConfig) -> None:
    """Raise ConfigError when settings are given that say nothing here."""
    default = type(config)()
    for name in _UNUSED:
        section, key = name.split(".")
        if getattr(getattr(config, section), key) != getattr(getattr(default, section), key):
            raise ConfigError(f"{name} does not apply to encoder.family = 'cells'; leave it out")
    if config.training.loss not in {default.training.loss, "emd"}:
        raise ConfigError(f"training.loss = {config.training.loss!r}: encoders of cells are trained with 'emd' alone")
    if config.cells.refits >= config.training.epochs:
        raise ConfigError(
            f"cells.refits = {config.cells.refits} must be below training.epochs = {config.training.epochs}"
        )
