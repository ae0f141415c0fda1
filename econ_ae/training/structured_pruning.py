"""Structured pruning: whole filters and outputs are removed, which makes the encoder smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import PruneConfig, RunConfig

FloatArray = NDArray[np.float32]
Indices = NDArray[np.intp]


def before_pruning(config: RunConfig, prune: PruneConfig, elinks: int) -> RunConfig:
    """Return the configuration of the whole network, which is trained for ``prune.start`` of the epochs.

    It sends what fits the frame of ``elinks``: fewer bits of more outputs than the pruned one.
    """
    epochs = max(1, round(prune.start * config.training.epochs))
    training = config.training.model_copy(update={"prune": None, "epochs": epochs})
    hardware = config.hardware.model_copy(update={"keep": None, "elinks": elinks})
    return config.model_copy(update={"training": training, "hardware": hardware})


def cut(encoder: Any, decoder: Any, small_encoder: Any, small_decoder: Any) -> None:
    """Give a smaller network the weights of a trained one; filters and outputs of least importance are left out.

    The importance of a filter or an output is the L1 norm of the weights into it (Li et al., arXiv:1608.08710) times
    that of the weights out of it: a ReLU passes any factor between the two, so only their product says something.

    Parameters
    ----------
    encoder, decoder : trained
    small_encoder, small_decoder : the same layers by name, with fewer filters or outputs
    """
    names = [layer.name for layer in encoder.layers if layer.weights]
    first = next(layer.name for layer in decoder.layers if layer.weights)
    kernels = [encoder.get_layer(name).get_weights()[0] for name in names]
    latents = kernels[-1].shape[-1]
    after = [*kernels[1:], decoder.get_layer(first).get_weights()[0][:latents]]
    channels = kernels[0].shape[-2]
    kept: Indices = np.arange(channels)
    for name, kernel, following in zip(names, kernels, after, strict=True):
        small = small_encoder.get_layer(name)
        inputs, outputs = kept, kernel.shape[-1]
        kept = most_important(kernel, following, small.kernel.shape[-1])
        # (places, channels, outputs): a dense layer after a flattened image has one row per place and channel.
        left = kernel.reshape(-1, channels, outputs)[:, inputs][:, :, kept]
        bias = encoder.get_layer(name).get_weights()[1]
        small.set_weights([left.reshape(small.kernel.shape), bias[kept]])
        channels = outputs
    for layer in small_decoder.layers:
        weights = decoder.get_layer(layer.name).get_weights()
        if layer.name == first:
            module_sum = np.arange(latents, len(weights[0]))
            weights[0] = weights[0][np.concatenate([kept, module_sum])]
        layer.set_weights(weights)


def most_important(kernel: FloatArray, following: FloatArray, left: int) -> Indices:
    """Return which outputs of ``kernel`` (..., outputs) stay, in order, given the kernel of the layer after it."""
    outputs = kernel.shape[-1]
    into = np.abs(kernel).reshape(-1, outputs).sum(axis=0)
    out = np.abs(following).reshape(-1, outputs, following.shape[-1]).sum(axis=(0, 2))
    return np.sort(np.argsort(-into * out, kind="stable")[:left])
