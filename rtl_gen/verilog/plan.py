"""Which inputs and weights every output of a layer needs; inputs that are always zero are folded away here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from econ_ae.errors import ModelError
from econ_ae.ir.model import Conv2D, EncoderModel, Layer, Shape, Stage


@dataclass(frozen=True)
class Window:
    """The outputs that read the same inputs: all filters at one window position, or a whole dense layer.

    Parameters
    ----------
    inputs : indices in the layer's flattened input, without those that are always zero
    weights : indices in the kernel (in weight-image order) of every product: [input][output] for a convolution,
        [output][input] for a dense layer, like the weight image
    outputs : indices in the layer's flattened output, one per bias
    """

    inputs: tuple[int, ...]
    weights: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class LayerPlan:
    """The windows of a layer that reach a latent, and the inputs they read.

    Parameters
    ----------
    stage : the layer and its requantisation
    inputs : indices in the layer's flattened input, ascending; the layer's input bus holds these and no others
    windows : in output order; the layer's output bus holds their outputs and no others
    """

    stage: Stage
    inputs: tuple[int, ...]
    windows: tuple[Window, ...]

    @property
    def outputs(self) -> tuple[int, ...]:
        """Indices in the layer's flattened output of what its output bus holds."""
        return tuple(o for w in self.windows for o in w.outputs)

    @property
    def window_sizes(self) -> tuple[int, ...]:
        """The different numbers of inputs of the windows, ascending."""
        return tuple(sorted({len(w.inputs) for w in self.windows}))

    @property
    def products(self) -> int:
        """Multiplications of the layer."""
        return sum(len(w.weights) for w in self.windows)

    @property
    def unused_weights(self) -> tuple[int, ...]:
        """Kernel indices that no product reads (they only ever meet padding or pixels without a cell)."""
        return tuple(sorted(set(range(self.stage.layer.kernel.size)) - {i for w in self.windows for i in w.weights}))


def plan(model: EncoderModel) -> tuple[LayerPlan, ...]:
    """Return the plan of every layer.

    Raises
    ------
    ModelError
        When a layer reads no pixel at all, so that the latents cannot depend on the image.
    """
    live: frozenset[int] = frozenset(pixel for pixel, cell in enumerate(model.input.arrangement.cells) if cell >= 0)
    forward: list[tuple[Window, ...]] = []
    for stage in model.stages:
        forward.append(_windows(stage.layer, stage.in_shape, live))
        live = frozenset(range(math.prod(stage.out_shape)))
    plans: list[LayerPlan] = []
    needed = live
    for stage, windows in zip(reversed(model.stages), reversed(forward), strict=True):
        kept = tuple(w for w in windows if not needed.isdisjoint(w.outputs))
        needed = frozenset(i for w in kept for i in w.inputs)
        if not needed:
            raise ModelError(f"{stage.layer.name}: reads only zeros, so nothing of the image reaches the latents")
        plans.append(LayerPlan(stage, tuple(sorted(needed)), kept))
    return tuple(reversed(plans))


def runs(indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return (first, count) of every run of consecutive indices, in order."""
    groups = itertools.groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0])
    members = [[index for _, index in group] for _, group in groups]
    return tuple((m[0], len(m)) for m in members)


def _windows(layer: Layer, shape: Shape, live: frozenset[int]) -> tuple[Window, ...]:
    if isinstance(layer, Conv2D):
        return tuple(_convolution(layer, shape, live))
    size, outputs = layer.kernel.shape
    inputs = tuple(i for i in range(size) if i in live)
    return (Window(inputs, tuple(o * size + i for o in range(outputs) for i in inputs), tuple(range(outputs))),)


def _convolution(layer: Conv2D, shape: Shape, live: frozenset[int]) -> Iterator[Window]:
    rows, cols, channels, filters = layer.kernel.shape
    out_rows, out_cols, _ = layer.output_shape(shape)
    for window, (row, col) in enumerate(itertools.product(range(out_rows), range(out_cols))):
        top = row * layer.stride[0] - layer.padding[0][0]
        left = col * layer.stride[1] - layer.padding[1][0]
        inputs: list[int] = []
        weights: list[int] = []
        for tap, (r, c, channel) in enumerate(itertools.product(range(rows), range(cols), range(channels))):
            pixel = ((top + r) * shape[1] + left + c) * channels + channel
            if 0 <= top + r < shape[0] and 0 <= left + c < shape[1] and pixel in live:
                inputs.append(pixel)
                weights += range(tap * filters, (tap + 1) * filters)
        yield Window(tuple(inputs), tuple(weights), tuple(range(window * filters, (window + 1) * filters)))
