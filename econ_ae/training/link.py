"""What the link does to latents: only some of their most significant bits are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.fixedpoint import FixedFormat

Link = Callable[[Any], Any]


def link(latent: FixedFormat, keep: Sequence[int]) -> Link:
    """Return the function of float latents (n, latents) that drops the bits that are not sent.

    The forward pass floors to the bits kept, exactly as masked bits decode to 0; the gradient passes through.

    Parameters
    ----------
    latent : format of a latent
    keep : most significant bits sent, per latent
    """
    if all(bits == latent.width for bits in keep):
        return lambda latents: latents
    step = tf.constant([2.0 ** (latent.width - bits - latent.fraction) for bits in keep], tf.float32)
    sent = tf.constant(np.array(keep) > 0, tf.float32)

    def send(latents: Any) -> Any:
        floored = tf.floor(latents / step) * step * sent
        return latents + tf.stop_gradient(floored - latents)

    return send
