"""QKeras layers that compute in the chip's arithmetic: every product floored before it is added.

The forward pass is what the silicon computes (ECON-T, spec 6.4 and 6.5), to the bit; the gradient is that of exact
sums (straight-through). Training with exact sums and running on the chip loses about half a step per product.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras
from qkeras import QConv2D, QDense

from econ_ae.ir.model import same_padding


def floored_sum(taps: Any, kernel: Any, fraction: Any) -> Any:
    """Sum over taps of products floored to ``fraction`` bits: (..., taps) by (taps, outputs) to (..., outputs).

    The sums are integers below 2**24 (``ir.validate.check_float32``), so any order of adding gives the same bits. One
    output after another is twice as fast as one tensor (..., taps, outputs), which does not fit the cache.
    """
    scale = 2.0**fraction
    columns = tf.unstack(kernel * scale, axis=1)
    floored = tf.stack([tf.reduce_sum(tf.floor(taps * column), axis=-1) for column in columns], axis=-1) / scale
    exact = taps @ kernel
    return exact + tf.stop_gradient(floored - exact)


def patches(images: Any, kernel: tuple[int, int], strides: tuple[int, int], padding: str) -> Any:
    """Return the taps of a convolution, (n, rows, cols, kernel rows * kernel cols * channels).

    Slices, because ``tf.image.extract_patches`` takes longer than all the arithmetic after it.
    """
    size = images.shape[1:3]
    pads = [(0, 0), (0, 0)]
    if padding == "same":
        pads = [same_padding(n, k, s) for n, k, s in zip(size, kernel, strides, strict=True)]
    padded = tf.pad(images, [(0, 0), *pads, (0, 0)])
    rows, cols = ((n + sum(p) - k) // s * s + 1 for n, p, k, s in zip(size, pads, kernel, strides, strict=True))
    offsets = [(y, x) for y in range(kernel[0]) for x in range(kernel[1])]
    return tf.concat([padded[:, y : y + rows : strides[0], x : x + cols : strides[1]] for y, x in offsets], axis=-1)


class FlooredDense(QDense):
    """QDense whose products are floored to ``fraction`` fractional bits."""

    def __init__(self, *args: Any, fraction: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fraction = fraction

    def call(self, inputs: Any) -> Any:
        """Return (n, units) of inputs (n, features)."""
        kernel = self.kernel_quantizer_internal(self.kernel)
        return floored_sum(inputs, kernel, self.fraction) + self.bias_quantizer_internal(self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "fraction": self.fraction}


class FlooredConv2D(QConv2D):
    """QConv2D whose products are floored to ``fraction`` fractional bits."""

    def __init__(self, *args: Any, fraction: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fraction = fraction

    def call(self, inputs: Any) -> Any:
        """Return (n, rows, cols, filters) of images (n, rows, cols, channels)."""
        kernel = self.kernel_quantizer_internal(self.kernel)
        taps = patches(inputs, self.kernel_size, self.strides, self.padding)
        flat = tf.reshape(kernel, (-1, self.filters))
        return floored_sum(taps, flat, self.fraction) + self.bias_quantizer_internal(self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "fraction": self.fraction}


keras.utils.get_custom_objects().update({"FlooredDense": FlooredDense, "FlooredConv2D": FlooredConv2D})
