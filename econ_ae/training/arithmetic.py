"""QKeras layers that compute in the chip's arithmetic: every product floored before it is added.

The forward pass is what the silicon computes (ECON-T, spec 6.4 and 6.5), to the bit; the gradient is that of exact
sums (straight-through). Training with exact sums and running on the chip loses about half a step per product.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras
from qkeras import QConv2D, QDense


def _floored_sum(taps: Any, kernel: Any, fraction: int) -> Any:
    """Sum over taps of products floored to ``fraction`` bits: (..., taps) by (taps, outputs) to (..., outputs)."""
    scale = 2.0**fraction
    floored = tf.reduce_sum(tf.floor(taps[..., None] * (kernel * scale)), axis=-2) / scale
    exact = taps @ kernel
    return exact + tf.stop_gradient(floored - exact)


class FlooredDense(QDense):
    """QDense whose products are floored to ``fraction`` fractional bits."""

    def __init__(self, *args: Any, fraction: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fraction = fraction

    def call(self, inputs: Any) -> Any:
        """Return (n, units) of inputs (n, features)."""
        kernel = self.kernel_quantizer_internal(self.kernel)
        return _floored_sum(inputs, kernel, self.fraction) + self.bias_quantizer_internal(self.bias)

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
        rows, cols = self.kernel_size
        kernel = self.kernel_quantizer_internal(self.kernel)
        taps = tf.image.extract_patches(
            inputs, [1, rows, cols, 1], [1, *self.strides, 1], [1, 1, 1, 1], self.padding.upper()
        )
        flat = tf.reshape(kernel, (-1, self.filters))
        return _floored_sum(taps, flat, self.fraction) + self.bias_quantizer_internal(self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "fraction": self.fraction}


keras.utils.get_custom_objects().update({"FlooredDense": FlooredDense, "FlooredConv2D": FlooredConv2D})
