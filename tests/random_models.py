"""Random valid encoder models: what everything generated is compared on besides the encoders that people use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from econ_ae.fixedpoint import FixedFormat, IntArray, Overflow, Rounding
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import (
    Accumulate,
    Conv2D,
    Dense,
    EncoderModel,
    Exact,
    Input,
    Layer,
    Normalise,
    Op,
    Pack,
    Requantise,
    Shape,
    TrnEach,
)
from econ_ae.ir.validate import check


@dataclass(frozen=True)
class Limits:
    """The largest of everything that a random encoder draws.

    Parameters
    ----------
    shape : rows, columns and channels of its image
    unused : cells that no pixel takes
    filters, outputs : of a convolution, of a dense layer
    width : bits of weights and biases
    """

    shape: tuple[int, int, int] = (5, 5, 3)
    unused: int = 2
    filters: int = 3
    outputs: int = 5
    width: int = 7


ODD = (
    Limits(shape=(1, 1, 1), unused=0, filters=1, outputs=1),  # one pixel, one cell, one latent
    Limits(shape=(1, 7, 1), unused=15, width=10),  # one row, more cells than pixels
    Limits(shape=(7, 1, 2), outputs=2, width=3),
    Limits(shape=(2, 2, 4), unused=0, filters=6, outputs=17, width=8),  # few pixels, many latents
    Limits(shape=(4, 4, 3), outputs=16, width=8),
)
"""Shapes that ``random_model`` alone does not reach."""


def odd_model(seed: int) -> EncoderModel:
    """Return a random encoder of one of the shapes of ``ODD``, or a plain random one."""
    return random_model(seed, (*ODD, Limits())[seed % (len(ODD) + 1)])


def random_model(seed: int, limits: Limits = Limits()) -> EncoderModel:
    """Return a small encoder that passes ``validate.check``; the same one for the same seed and limits.

    Zero to two convolutions and zero to two dense layers (at least one layer); any kernel, stride, padding, channels
    and filters; signed and unsigned formats of any width and fraction, finer and coarser than their inputs; both
    roundings, overflows and accumulations; pixels without a trigger cell. Pixel 0 has a cell and the first window of
    every layer reads pixel 0, so that the image always reaches the latents.
    """
    rng = np.random.default_rng(seed)
    arrangement, cells = _arrangement(rng, limits)
    fmt = FixedFormat(False, int(rng.integers(1, 9)), int(rng.integers(0, 9)))
    ops: list[Op] = [Normalise(fmt)]
    shape: Shape = arrangement.shape
    convs, denses = int(rng.integers(0, 3)), int(rng.integers(0, 3))
    kinds = ["conv"] * convs + ["dense"] * (denses or not convs)
    for i, kind in enumerate(kinds):
        layer: Layer = (_conv if kind == "conv" else _dense)(rng, f"{kind}{i}", shape, fmt, limits)
        requantise = _requantise(rng, f"requantise{i}", layer, fmt)
        ops += [layer, requantise]
        shape, fmt = layer.output_shape(shape), requantise.out
    keep = tuple(int(mask) for mask in rng.integers(0, 1 << fmt.width, math.prod(shape)))
    ops.append(Pack(keep, int(rng.integers(1, 14))))
    charge = FixedFormat(False, 22, 0)
    return check(EncoderModel(f"random{seed}", Input(cells, charge, arrangement), tuple(ops)))


def _arrangement(rng: np.random.Generator, limits: Limits) -> tuple[Arrangement, int]:
    rows, cols, channels = (int(n) for n in rng.integers(1, np.array(limits.shape) + 1))
    pixels = rows * cols * channels
    count = pixels + int(rng.integers(0, limits.unused + 1))
    cells = rng.permutation(count)[:pixels]
    cells[1:][rng.random(pixels - 1) < rng.choice([0.0, 0.3])] = -1
    return Arrangement("random", rows, cols, channels, tuple(int(c) for c in cells)), count


def _format(rng: np.random.Generator, signed: bool, most: int) -> FixedFormat:
    width = int(rng.integers(2 if signed else 1, most + 1))
    return FixedFormat(signed, width, int(rng.integers(-1, width + 2)))


def _values(rng: np.random.Generator, fmt: FixedFormat, shape: Shape) -> IntArray:
    return rng.integers(fmt.min, fmt.max, shape, np.int64, endpoint=True)


def _common(
    rng: np.random.Generator, fmt: FixedFormat, kernel: Shape, most: int
) -> tuple[IntArray, IntArray, FixedFormat, FixedFormat, Accumulate]:
    weight = _format(rng, signed=bool(rng.random() < 0.8), most=most)
    product = fmt.fraction + weight.fraction
    rule: Accumulate = Exact() if rng.random() < 0.5 else TrnEach(product - int(rng.integers(0, 6)))
    accumulator = rule.fraction if isinstance(rule, TrnEach) else product
    drawn = _format(rng, signed=bool(rng.random() < 0.8), most=most)
    bias = FixedFormat(drawn.signed, drawn.width, min(drawn.fraction, accumulator))
    return _values(rng, weight, kernel), _values(rng, bias, kernel[-1:]), weight, bias, rule


def _conv(rng: np.random.Generator, name: str, shape: Shape, fmt: FixedFormat, limits: Limits) -> Conv2D:
    rows, cols = (int(n) for n in rng.integers(1, 4, 2))
    filters = int(rng.integers(1, limits.filters + 1))
    kernel, bias, weight, bias_format, rule = _common(rng, fmt, (rows, cols, shape[2], filters), limits.width)
    before = (int(rng.integers(0, rows)), int(rng.integers(0, cols)))
    # Enough after it for one window, and sometimes more: windows that see nothing but zeros.
    after = [max(size - have - first, 0) + int(rng.integers(0, 3))
             for size, have, first in zip((rows, cols), shape, before, strict=False)]  # fmt: skip
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    padding = ((before[0], after[0]), (before[1], after[1]))
    return Conv2D(name, kernel, bias, weight, bias_format, stride, padding, rule)


def _dense(rng: np.random.Generator, name: str, shape: Shape, fmt: FixedFormat, limits: Limits) -> Dense:
    size = (math.prod(shape), int(rng.integers(1, limits.outputs + 1)))
    kernel, bias, weight, bias_format, rule = _common(rng, fmt, size, limits.width)
    return Dense(name, kernel, bias, weight, bias_format, rule)


def _requantise(rng: np.random.Generator, name: str, layer: Layer, fmt: FixedFormat) -> Requantise:
    product = fmt.fraction + layer.weight.fraction
    relu = bool(rng.random() < 0.5)
    signed = not relu or bool(rng.random() < 0.2)
    width = int(rng.integers(2, 11))
    if isinstance(layer.accumulate, TrnEach):
        fraction = layer.accumulate.fraction - int(rng.integers(0, 7))
    else:
        fraction = product - int(rng.integers(-2, 8))
    rounding = rng.choice([Rounding.RND_CONV, Rounding.TRN])
    overflow = rng.choice([Overflow.SAT, Overflow.WRAP])
    return Requantise(name, relu, FixedFormat(signed, width, fraction), Rounding(rounding), Overflow(overflow))
