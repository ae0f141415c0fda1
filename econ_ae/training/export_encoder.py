"""The encoder as a graph of float32 operations that give its integers, on every input, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir.float32 import require_exact
from econ_ae.ir.model import Conv2D, EncoderModel, Stage
from econ_ae.training.export_graph import frozen


def encoder_graph(
    model: EncoderModel, shape: tuple[int, int, int], pixels: Sequence[int], kept: Sequence[int], outputs: int
) -> bytes:
    """Return the frozen graph, serialised, of an encoder: images (n, *shape) to what is sent of the latents.

    Parameters
    ----------
    model : the integer encoder
    shape : of the image that comes in, (rows, cols, channels), in units of 1
    pixels : for every pixel of the model's image, in its order, which pixel of ``shape`` it is; -1 is always 0
    kept : leading bits of every latent that are sent
    outputs : values per event: the latents, then zeros

    Returns
    -------
    Of a graph whose output, (n, outputs), is each latent as its kept bits say, in the format of one integer bit (and a
    sign, where latents have one) whatever its own format is. The input is floored to the format of the normaliser, and
    clipped to it.

    Raises
    ------
    ModelError
        When float32 cannot hold every number on the way.
    """
    require_exact(model)
    latent = model.latent
    lost = np.array([latent.width - bits for bits in kept], np.float64)

    def compute(images: Any) -> Any:
        x = _integers(_arranged(images, model, pixels), model.normalise.out)
        for stage in model.stages:
            x = _stage(stage, x)
        sent = tf.floor(tf.reshape(x, (-1, model.latents)) * _constant(2.0**-lost)) * _constant(2.0**lost)
        sent *= _constant(np.array(kept) > 0)
        scaled = sent * 2.0 ** (1 + latent.signed - latent.width)
        return tf.pad(scaled, [(0, 0), (0, outputs - model.latents)])

    return frozen(shape, compute)


def _constant(values: Any) -> Any:
    """Return a constant of float32.

    There is no division in these graphs: TensorFlow's optimiser turns one by a constant into a product with a
    reciprocal that it only approximates, and floors then fall a step too low.
    """
    return tf.constant(np.asarray(values, np.float32))


def _arranged(images: Any, model: EncoderModel, pixels: Sequence[int]) -> Any:
    """Return the model's images of those that come in."""
    shape = model.input.arrangement.shape
    if list(pixels) == list(range(len(pixels))) and tuple(images.shape[1:]) == shape:
        return images
    size = int(np.prod(images.shape[1:]))
    flat = tf.pad(tf.reshape(images, (-1, size)), [(0, 0), (0, 1)])
    places = [size if place < 0 else place for place in pixels]
    return tf.reshape(tf.gather(flat, places, axis=1), (-1, *shape))


def _integers(values: Any, fmt: FixedFormat) -> Any:
    return tf.clip_by_value(tf.floor(values * 2.0**fmt.fraction), 0.0, float(fmt.max))


def _stage(stage: Stage, x: Any) -> Any:
    layer = stage.layer
    taps = _taps(layer, x) if isinstance(layer, Conv2D) else tf.reshape(x, (-1, int(np.prod(stage.in_shape))))
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    if stage.product_shift:
        products = tf.expand_dims(taps, -1) * _constant(kernel)
        total = tf.reduce_sum(tf.floor(products * 2.0**-stage.product_shift), axis=-2)
    else:
        total = tf.tensordot(taps, _constant(kernel), 1)
    return _requantised(stage, total + _constant(layer.bias << stage.bias_shift))


def _taps(layer: Conv2D, x: Any) -> Any:
    """Return the zero-padded windows, (n, rows, cols, taps), taps in kernel order."""
    rows, cols = layer.kernel.shape[:2]
    padded = tf.pad(x, [(0, 0), *layer.padding, (0, 0)])
    height, width = layer.output_shape(tuple(x.shape[1:]))[:2]
    down, right = layer.stride
    return tf.concat(
        [
            padded[:, y : y + (height - 1) * down + 1 : down, x0 : x0 + (width - 1) * right + 1 : right]
            for y in range(rows)
            for x0 in range(cols)
        ],
        axis=-1,
    )


def _requantised(stage: Stage, total: Any) -> Any:
    op = stage.requantise
    if op.relu:
        total = tf.maximum(total, 0.0)
    scaled = total * 2.0 ** (op.out.fraction - stage.accumulator_fraction)
    # tf.round takes ties to even, which is RND_CONV.
    whole = tf.floor(scaled) if op.rounding is Rounding.TRN else tf.round(scaled)
    if op.overflow is Overflow.SAT:
        return tf.clip_by_value(whole, float(op.out.min), float(op.out.max))
    low = float(op.out.min)
    return whole - 2.0**op.out.width * tf.floor((whole - low) * 2.0**-op.out.width)
