"""Random valid models that send cells as pulses, and charges that are hard for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.geometry import Arrangement
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Mode, Order, modes
from econ_ae.ir.model import CELLS_VERSION, CHARGE, EncoderModel, Input, Normalise, Op
from econ_ae.ir.validate import MAX_ELINKS, check, frame_capacity

PRESET_CELLS = 48
_MOST_NEIGHBOURS = 6


def random_cell_model(seed: int, largest: int = PRESET_CELLS) -> EncoderModel:
    """Return a model of cells that passes ``validate.check``; the same one for the same seed.

    5 to ``largest`` cells (a third of the models as many as a module has), 1 to 13 eLinks, one mode to one for every
    cell, modes with as many pulses as fit and with fewer, with and without a mode of no loss, one to five classes, any
    offset and fraction, normalised charges that saturate and that do not, with and without merging.
    """
    rng = np.random.default_rng(seed)
    cells = PRESET_CELLS if rng.random() < 1 / 3 else int(rng.integers(5, largest + 1))
    while True:  # one eLink holds few modes
        elinks = int(rng.integers(1, MAX_ELINKS + 1)) if rng.random() < 0.4 else int(rng.integers(2, 6))
        try:
            chosen = _modes(rng, cells, frame_capacity(elinks))
        except ModelError:
            continue
        break
    fraction = int(rng.integers(6, 13))
    width = fraction + 1 if rng.random() < 0.7 else int(rng.integers(1, fraction + 4))
    bias_fraction = int(rng.integers(1, 13))
    limits = np.sort(rng.choice(np.arange(1, cells + 1), int(rng.integers(0, 5)), replace=False))
    bias = rng.integers(0, rng.choice([2, 1 << bias_fraction]), (len(limits) + 1, len(chosen)))
    steps = int(rng.integers(1, 7))
    ops: list[Op] = [
        Normalise(FixedFormat(False, width, fraction)),
        Order(),
        Choose(chosen, _integers(limits), tuple(_integers(row) for row in bias), bias_fraction),
        Merge(_neighbours(rng, cells)),
        Apportion(int(rng.integers(0, (1 << steps) + 1)), steps),
        Enumerate(elinks),
    ]
    if rng.random() < 0.3:
        del ops[3]
    image = Arrangement("cells", cells, 1, 1, tuple(range(cells)))
    return check(EncoderModel(f"cells{seed}", Input(cells, CHARGE, image), tuple(ops), spec_version=CELLS_VERSION))


def _integers(values: IntArray) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _modes(rng: np.random.Generator, cells: int, capacity: int) -> tuple[Mode, ...]:
    share = rng.choice([0.0, 0.3, 1.0])
    sizes = [1, *(k for k in range(2, cells + 1) if rng.random() < share)]
    bits = capacity - max((len(sizes) - 1).bit_length(), 1) - 1
    pulses, exact = (int(rng.choice([cells, 100, 1 << 12, 1 << 14])) for _ in range(2))
    best = modes(cells, range(1, cells + 1), bits, most_pulses=pulses, most_exact=exact)
    return tuple(_fewer(rng, mode) if rng.random() < 0.3 else mode for mode in best if mode.cells in sizes)


def _fewer(rng: np.random.Generator, mode: Mode) -> Mode:
    """Return the mode with fewer pulses and a smaller exact sum, or none, in the same fields."""
    pulses = int(rng.integers(mode.cells, mode.pulses + 1))
    exact = int(rng.integers(mode.cells, mode.exact_sum + 1)) if mode.exact_sum and rng.random() < 0.7 else 0
    low = min(mode.low_bits, (pulses - mode.cells).bit_length())
    exact_low = min(mode.exact_low_bits, max(exact - mode.cells, 0).bit_length())
    return replace(mode, pulses=pulses, low_bits=low, exact_sum=exact, exact_low_bits=exact_low)


def _neighbours(rng: np.random.Generator, cells: int) -> tuple[tuple[int, ...], ...]:
    """Random symmetric lists of at most six neighbours; some cells have none."""
    near: list[list[int]] = [[] for _ in range(cells)]
    for _ in range(int(rng.choice([1, cells, 4 * cells]))):
        one, other = (int(c) for c in rng.choice(cells, 2, replace=False))
        if other not in near[one] and max(len(near[one]), len(near[other])) < _MOST_NEIGHBOURS:
            near[one].append(other)
            near[other].append(one)
    return tuple(tuple(sorted(row)) for row in near)


def hostile_charges(model: EncoderModel, seed: int, events: int) -> IntArray:
    """Return charges, int64 (events, cells): every thirteenth event without any, the others of twelve kinds."""
    rng = np.random.default_rng(seed)
    out = np.zeros((events, model.input.cells), np.int64)
    for n, row in enumerate(out):
        kind = n % 13
        if kind:
            _KINDS[kind - 1](rng, model, row)
    return out


def _one(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[rng.integers(len(row))] = rng.choice([1, 2, model.input.charge.max, rng.integers(1, 1 << 22)])


def _equal(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.choice([1, 2, 3, model.input.charge.max, rng.integers(1, 1 << 22)])


def _largest(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[_some(rng, row)] = model.input.charge.max


def _one_above_all(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.integers(0, 4, len(row)) * _some(rng, row)
    row[rng.integers(len(row))] = model.input.charge.max


def _powers(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = (1 << rng.integers(0, 22, len(row))) * _some(rng, row)


def _sparse(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.integers(0, 1 << 22, len(row)) * _some(rng, row)


def _falling(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.permutation(((1 << 22) * rng.random() * 0.7 ** np.arange(len(row))).astype(np.int64))


def _ties(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.integers(1, 4, len(row)) * rng.integers(1, 1000) * _some(rng, row)


def _ones(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = _some(rng, row)


def _few(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[rng.choice(len(row), 3, replace=False)] = rng.integers(1, [4, 4, 1 << 20])


def _noise(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    row[:] = rng.integers(0, rng.choice([2, 10, 300]), len(row))


def _about_a_limit(rng: np.random.Generator, model: EncoderModel, row: IntArray) -> None:
    """Fill exactly a mode's number of cells, with its exact sum, or one more."""
    mode = model.cell_code.choose.modes[rng.integers(len(model.cell_code.choose.modes))]
    total = max(mode.exact_sum, mode.cells) + int(rng.integers(0, 2))
    parts = rng.multinomial(total - mode.cells, rng.dirichlet(np.full(mode.cells, 0.5))) + 1
    row[rng.choice(len(row), mode.cells, replace=False)] = parts


def _some(rng: np.random.Generator, row: IntArray) -> NDArray[np.bool_]:
    return np.less(rng.random(len(row)), rng.random())


_KINDS = (
    _one, _equal, _largest, _one_above_all, _powers, _sparse, _falling, _ties, _ones, _few, _noise, _about_a_limit,
)  # fmt: skip
