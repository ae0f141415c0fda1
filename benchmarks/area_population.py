"""Random encoders of both families, as a search would propose them: what the area model is fitted to and tested on.

Half are encoders of layers, half send cells. Most have few weights, or fewer trigger cells than the 48 of a module and
few modes, so that one is synthesised in seconds; the larger ones are for the fit. Encoders for the fit and for the test
have seeds of their own; the presets are in neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from econ_ae.config.cells_skeleton import neighbours
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import LOW_DENSITY, Arrangement
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Order, modes
from econ_ae.ir.model import (
    CELLS_VERSION,
    CHARGE,
    Accumulate,
    Conv2D,
    Dense,
    EncoderModel,
    Exact,
    Input,
    Normalise,
    Op,
    Pack,
    Requantise,
    Shape,
    TrnEach,
    same_padding,
)
from econ_ae.ir.validate import MAX_ELINKS, check, frame_capacity

FIT, TEST = 0, 1_000_000
"""First seeds of the encoders for the fit, and for the test."""

_CELLS = 48


@dataclass(frozen=True)
class Limits:
    """How large an encoder may become.

    Parameters
    ----------
    whole : share of the encoders of layers and of cells that have all cells of a module
    fewer : numbers of cells of the others
    modes : most modes
    weight_bits, filters, outputs : of an encoder of layers; most of the time is spent on the registers
    """

    whole: tuple[float, float]
    fewer: tuple[int, ...]
    modes: int
    weight_bits: int
    filters: int
    outputs: int


SMALL = Limits((0.75, 0.15), (8, 12, 16, 20), 12, 1000, 8, 12)
"""Few numbers of cells: most front ends have been synthesised before."""
LARGE = Limits((0.75, 0.75), tuple(range(8, 48)), 48, 6000, 12, 20)


def encoder(seed: int, limits: Limits = SMALL) -> EncoderModel:
    """Return a valid encoder, the same one for the same seed: of layers for an even seed, of cells for an odd one."""
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])
        cells = _CELLS if rng.random() < limits.whole[seed % 2] else limits.fewer[int(rng.integers(len(limits.fewer)))]
        try:
            model = (_layers, _cells)[seed % 2](rng, seed, cells, limits)
        except ModelError:
            continue
        if model is not None:
            return model
    raise ModelError(f"no encoder of seed {seed} in a thousand attempts")


@dataclass(frozen=True)
class _Numbers:
    """Formats and sums of a layer."""

    weight: FixedFormat
    bias: FixedFormat
    rule: Accumulate


def _layers(rng: np.random.Generator, seed: int, cells: int, limits: Limits) -> EncoderModel | None:
    arrangement = _arrangement(rng, cells)
    fraction = int(rng.integers(4, 13))
    fmt = FixedFormat(False, fraction + 1 if rng.random() < 0.7 else int(rng.integers(3, 10)), fraction)
    ops: list[Op] = [Normalise(fmt)]
    shape: Shape = arrangement.shape
    floored = rng.random() < 0.3
    kinds = ["conv"] * int(rng.choice([0, 1, 1, 2])) + ["dense"] * int(rng.choice([1, 1, 2]))
    bits = 0
    for i, kind in enumerate(kinds):
        weight = FixedFormat(True, int(rng.integers(2, 9)), 0)
        weight = FixedFormat(True, weight.width, weight.width - 1)
        bias = weight if rng.random() < 0.7 else FixedFormat(True, int(rng.integers(3, 10)), int(rng.integers(1, 6)))
        product = fmt.fraction + weight.fraction
        rule: Accumulate = TrnEach(max(product - int(rng.integers(1, 8)), 2)) if floored else Exact()
        accumulator = rule.fraction if isinstance(rule, TrnEach) else product
        bias = FixedFormat(True, bias.width, min(bias.fraction, accumulator))
        numbers = _Numbers(weight, bias, rule)
        layer = (_conv if kind == "conv" else _dense)(rng, f"{kind}{i}", shape, numbers, limits)
        last = i == len(kinds) - 1
        out = int(rng.integers(2, 10)) if last else int(rng.integers(3, 11))
        signed = bool(last and rng.random() < 0.3)
        keep = FixedFormat(signed, out, min(int(rng.integers(out - 3, out + 1)), accumulator))
        requantise = Requantise(
            f"{kind}{i}_act",
            relu=not signed,
            out=keep,
            rounding=Rounding(rng.choice([Rounding.RND_CONV, Rounding.TRN], p=[0.7, 0.3])),
            overflow=Overflow(rng.choice([Overflow.SAT, Overflow.WRAP], p=[0.9, 0.1])),
        )
        ops += [layer, requantise]
        shape, fmt = layer.output_shape(shape), keep
        bits += layer.kernel.size * weight.width + layer.bias.size * bias.width
    if bits > limits.weight_bits or min(shape) < 1:
        return None
    most = (1 << fmt.width) - 1
    ops.append(Pack((most,) * math.prod(shape), int(rng.integers(1, MAX_ELINKS + 1))))
    return check(EncoderModel(f"layers{seed}", Input(cells, CHARGE, arrangement), tuple(ops)))


def _arrangement(rng: np.random.Generator, cells: int) -> Arrangement:
    if cells == _CELLS and rng.random() < 0.8:
        return LOW_DENSITY.arrangement(str(rng.choice(["8x8x1", "4x4x3"])))
    rows, cols, channels = (int(n) for n in rng.integers((2, 2, 1), (9, 9, 4)))
    pixels = rows * cols * channels
    order = rng.permutation(max(pixels, cells))[:pixels]
    return Arrangement("random", rows, cols, channels, tuple(int(c) if c < cells else -1 for c in order))


def _conv(rng: np.random.Generator, name: str, shape: Shape, numbers: _Numbers, limits: Limits) -> Conv2D:
    size = int(rng.choice([1, 2, 3, 3, 3, 5]))
    stride = int(rng.choice([1, 2, 2, 3]))
    filters = int(rng.integers(1, limits.filters + 1))
    kernel = (size, size, shape[2], filters)
    padding = ((0, 0), (0, 0))
    if rng.random() < 0.7:
        padding = same_padding(shape[0], size, stride), same_padding(shape[1], size, stride)
    layer = Conv2D(
        name,
        np.zeros(kernel, np.int64),
        np.zeros(filters, np.int64),
        numbers.weight,
        numbers.bias,
        (stride, stride),
        padding,
        numbers.rule,
    )
    if min(layer.output_shape(shape)) < 1:
        raise ModelError("kernel larger than the image")
    return layer


def _dense(rng: np.random.Generator, name: str, shape: Shape, numbers: _Numbers, limits: Limits) -> Dense:
    outputs = int(rng.integers(2, limits.outputs + 1))
    kernel = np.zeros((math.prod(shape), outputs), np.int64)
    return Dense(name, kernel, np.zeros(outputs, np.int64), numbers.weight, numbers.bias, numbers.rule)


def _cells(rng: np.random.Generator, seed: int, cells: int, limits: Limits) -> EncoderModel:
    elinks = int(rng.integers(2, 6))
    most = int(rng.integers(4, min(cells, limits.modes) + 1))
    numbers = range(1, most + 1)
    mode_bits = max((most - 1).bit_length(), 1)
    found = modes(
        cells,
        numbers,
        frame_capacity(elinks) - mode_bits - 1,
        most_pulses=int(rng.choice([255, 1023, 4095])),
        most_exact=int(rng.choice([1023, 4095, 16383])),
    )
    classes, bias_bits = int(rng.integers(1, 7)), int(rng.integers(4, 13))
    limits = tuple(range(cells - classes + 2, cells + 1))
    choose = Choose(found, limits, ((0,) * len(found),) * classes, bias_bits)
    fraction = int(rng.integers(8, 13))
    merge: list[Op] = [Merge(_neighbours(cells))] if rng.random() < 0.75 else []
    ops = [
        Normalise(FixedFormat(False, fraction + 1, fraction)),
        Order(),
        choose,
        *merge,
        Apportion(int(rng.integers(0, 9)), 4),
        Enumerate(elinks),
    ]
    image = Arrangement("cells", cells, 1, 1, tuple(range(cells)))
    return check(EncoderModel(f"cells{seed}", Input(cells, CHARGE, image), tuple(ops), spec_version=CELLS_VERSION))


def _neighbours(cells: int) -> tuple[tuple[int, ...], ...]:
    """Return the module's neighbours, of as many cells as there are."""
    near = neighbours(LOW_DENSITY)
    return tuple(tuple(other for other in near[cell] if other < cells) for cell in range(cells))
