"""Runs the layers of an encoder model on integer numpy arrays."""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from econ_ae.emulator.integers import floor_log2
from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray, requantise
from econ_ae.ir.model import Conv2D, EncoderModel, Input, Normalise, Stage
from econ_ae.ir.ranges import accumulator_range

Trace = MutableMapping[str, IntArray]
_FLOAT32_EXACT = 1 << 24
_FLOAT64_EXACT = 1 << 53
_CHUNK = 4096  # events; keeps the im2col arrays in cache


def normalise(model: EncoderModel, charges: NDArray[np.integer]) -> IntArray:
    """Return normalised charges, int64 (n, cells), in the format of the model's Normalise; see ``input_images``."""
    return _normalise(model.input, model.normalise, charges)


def input_images(source: Input, op: Normalise, charges: NDArray[np.integer]) -> IntArray:
    """Return the encoder's input images, int64 (n, rows, cols, channels), of trigger-cell charges (n, cells).

    ``x = (charge << fraction) >> floor(log2(sum))``, clipped to the format; an event whose sum is 0 gives zeros
    (ECON-T, spec 6.2; the zero-sum rule is our choice, the chip's is unknown). Pixels without a cell are 0.

    Raises
    ------
    DataError
        When the shape is wrong or a charge is outside the charge format.
    """
    cells = _normalise(source, op, charges)
    padded = np.concatenate([cells, np.zeros((len(cells), 1), np.int64)], axis=1)
    return padded[:, np.array(source.arrangement.cells)].reshape(-1, *source.arrangement.shape)


def _normalise(source: Input, op: Normalise, charges: NDArray[np.integer]) -> IntArray:
    charges = _check(charges, (source.cells,), source.charge.max, "charges")
    shift = floor_log2(charges.sum(axis=1))
    return np.minimum((charges << op.out.fraction) >> shift[:, None], op.out.max)


def encode_images(model: EncoderModel, images: NDArray[np.integer], trace: Trace | None = None) -> IntArray:
    """Run the layers on input images.

    Parameters
    ----------
    images : integers (n, rows, cols, channels) in the format of the model's Normalise
    trace : when given, filled with every accumulator and activation by operation name

    Returns
    -------
    int64 (n, latents), integers in the model's latent format

    Raises
    ------
    DataError
        When the shape is wrong or a pixel is outside the input format.
    """
    x = _check(images, model.input.arrangement.shape, model.normalise.out.max, "images")
    parts: list[dict[str, IntArray]] = []
    latents = np.empty((len(x), model.latents), np.int64)
    for start in range(0, len(x), _CHUNK):
        y = x[start : start + _CHUNK]
        seen: dict[str, IntArray] = {}
        for stage in model.stages:
            accumulator = _accumulate(stage, y)
            y = _requantise(stage, accumulator)
            if trace is not None:
                seen |= {stage.layer.name: accumulator, stage.requantise.name: y}
        latents[start : start + _CHUNK] = y.reshape(len(y), -1)
        parts.append(seen)
    if trace is not None and parts:
        trace.update({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})
    return latents


def encode(model: EncoderModel, charges: NDArray[np.integer], trace: Trace | None = None) -> IntArray:
    """Return latents, int64 (n, latents), of trigger-cell charges (n, cells)."""
    return encode_images(model, input_images(model.input, model.normalise, charges), trace)


def _check(values: NDArray[np.integer], shape: tuple[int, ...], largest: int, what: str) -> IntArray:
    values = np.asarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise DataError(f"{what} must be integers, not {values.dtype}")
    if values.shape[1:] != shape:
        raise DataError(f"{what} must have shape (n, {', '.join(map(str, shape))}), not {values.shape}")
    if values.size and (values.min() < 0 or values.max() > largest):
        raise DataError(f"{what} must be 0..{largest}, got {values.min()}..{values.max()}")
    return values.astype(np.int64)


def _patches(layer: Conv2D, x: IntArray) -> IntArray:
    """Zero-padded windows, (n, rows, cols, taps) with taps in kernel order [row][col][channel]."""
    padded = np.pad(x, ((0, 0), *layer.padding, (0, 0)))
    rows, cols = layer.kernel.shape[:2]
    windows = sliding_window_view(padded, (rows, cols), axis=(1, 2))
    windows = windows[:, :: layer.stride[0], :: layer.stride[1]]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], -1)


def _accumulate(stage: Stage, x: IntArray) -> IntArray:
    """Bias plus products, at the accumulator's fraction; shape (n, *out_shape)."""
    layer = stage.layer
    taps = _patches(layer, x) if isinstance(layer, Conv2D) else x.reshape(len(x), -1)
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    total = _dot(stage, taps, kernel) if stage.product_shift == 0 else _dot_floored(taps, kernel, stage.product_shift)
    return total + (layer.bias << stage.bias_shift)


def _dot(stage: Stage, taps: IntArray, kernel: IntArray) -> IntArray:
    """Exact integer matrix product; through BLAS when every partial sum is exactly representable there."""
    low, high = accumulator_range(stage)
    bound = max(-low, high)
    if bound < _FLOAT64_EXACT:
        dtype = np.float32 if bound < _FLOAT32_EXACT else np.float64
        return (taps.astype(dtype) @ kernel.astype(dtype)).astype(np.int64)
    return taps @ kernel


def _dot_floored(taps: IntArray, kernel: IntArray, shift: int) -> IntArray:
    """Sum of products, each floored by ``shift`` bits before it is added.

    Runs on the narrowest integers that the actual values allow, so that one instruction handles many events: products
    in ``narrow``, sums of up to ``block`` of them too, and the sums of blocks in int64. Exact for every width.
    """
    inputs, outputs = kernel.shape
    bound = max(int(taps.max(initial=0)), -int(taps.min(initial=0))) * int(np.abs(kernel).max(initial=0))
    narrow = next(t for t in (np.int16, np.int32, np.int64) if bound <= np.iinfo(t).max)
    columns = taps.astype(narrow).reshape(-1, inputs).T
    block = max(np.iinfo(narrow).max // ((bound >> shift) + 1), 1)
    weights = kernel.astype(narrow)[:, :, None]
    total = np.empty((outputs, columns.shape[1]), np.int64)
    for start in range(0, columns.shape[1], _CHUNK):
        part = np.ascontiguousarray(columns[:, start : start + _CHUNK])
        wide = np.zeros((outputs, part.shape[1]), np.int64)
        product = np.empty(wide.shape, narrow)
        for first in range(0, inputs, block):
            partial = np.zeros(wide.shape, narrow)
            for x, w in zip(part[first : first + block], weights[first : first + block], strict=True):
                np.multiply(x, w, out=product)
                np.right_shift(product, shift, out=product)
                np.add(partial, product, out=partial)
            wide += partial
        total[:, start : start + _CHUNK] = wide
    return total.T.reshape(*taps.shape[:-1], outputs)


def _requantise(stage: Stage, accumulator: IntArray) -> IntArray:
    op = stage.requantise
    if op.relu:
        accumulator = np.maximum(accumulator, 0)
    return requantise(accumulator, stage.accumulator_fraction, op.out, op.rounding, op.overflow)
