"""The layers of ``econ_ae.training`` as steps of a program: what their ``call`` computes, of one event.

Training puts the cells in front of the events where that makes one product of matrices; a program has (cells, units).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from econ_ae.tensor.builder import Builder
from econ_ae.tensor.program import Value
from econ_ae.training.cells.network import COUNTS
from econ_ae.training.unrolled import FROM_DIFFERENCE, FROM_IMAGE, SCALE


def modulation(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.film.Modulation``."""
    channels, features = x
    factor = out.add(out.matmul(features, layer.factor.numpy()), 1.0)
    offset = out.matmul(features, layer.offset.numpy())
    if len(channels.shape) > 1:
        factor, offset = (out.reshape(part, (1, *part.shape)) for part in (factor, offset))
    return out.add(out.mul(channels, factor), offset)


def around(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.hexagonal.Around``."""
    units = layer.units
    parts = out.matmul(x[0], layer.kernel.numpy())
    mean = out.matmul(out.reduce("mean", x[0], 0), layer.mean.numpy())
    total = out.add(out.add(out.slice(parts, 0, units), mean), layer.bias.numpy())
    for number, ring in enumerate(layer.rings, start=1):
        part = out.slice(parts, number * units, (number + 1) * units)
        total = out.add(total, out.matmul(ring, part))
    return out.add(x[0], out.function("relu", total))


def cells_out(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.decoders.CellsOut``."""
    values = out.reshape(out.matmul(x[0], layer.kernel.numpy()), (x[0].shape[0],))
    return out.add(values, layer.bias.numpy())


def unrolled(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.unrolled.Unrolled``."""
    received = x[0]
    latents = out.slice(received, 0, layer.latents)
    scale: Value | float = SCALE
    if layer.scale is not None:
        scale = out.add(out.slice(received, layer.scale, layer.scale + 1), 1.0)
    nothing = out.mul(out.slice(received, 0, 1), 0.0)
    values = out.add(nothing, layer.first.numpy())
    hidden: Value | None = None
    for inner, bias, last in layer.steps:
        image = out.function("softmax", values)
        imitated = out.mul(out.matmul(image, layer.imitation.numpy()), scale)
        sent = out.function("relu", out.add(imitated, layer.imitation_bias.numpy()))
        difference = out.mul(out.sub(latents, sent), FROM_DIFFERENCE)
        seen = [received, difference, out.mul(image, FROM_IMAGE), *([] if hidden is None else [hidden])]
        hidden = out.function("relu", out.add(out.matmul(out.concat(seen), inner.numpy()), bias.numpy()))
        values = out.add(values, out.matmul(hidden, last.numpy()))
    return values


def cell_inputs(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.cells.network.Inputs``."""
    pulses, table, event = x
    cells = pulses.shape[0]

    def column(value: Value) -> Value:
        return out.reshape(value, (cells, 1))

    q, image = column(pulses), column(table)
    total = out.elementwise("max", out.reduce("sum", q, 0), 1.0)
    counts = out.elementwise("equal", q, np.arange(COUNTS, dtype=np.float32))
    numbers = [
        out.function("log", out.add(q, 1.0)),
        out.mul(image, 8.0),
        out.mul(out.function("log", out.add(image, 1e-3)), 0.25),
        out.mul(out.div(q, total), 8.0),
    ]
    of_cell = out.matmul(out.concat([counts, *numbers]), layer.of_cell.numpy())
    weights = layer.of_event.numpy()
    if layer.of_module is not None:
        weights = np.concatenate([weights, layer.of_module.numpy()])
    of_event = out.matmul(event, weights)
    placed = out.add(of_cell, layer.place.numpy()[:, 0, :])
    return out.function("relu", out.add(placed, out.reshape(of_event, (1, *of_event.shape))))


def cell_output(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add ``training.cells.network.Output``."""
    channels, table = x
    values = out.add(out.matmul(channels, layer.kernel.numpy()), layer.bias.numpy())
    factor, more = (out.reshape(out.slice(values, i, i + 1), table.shape) for i in (0, 1))
    grown = out.mul(table, out.function("exp", out.clip(factor, -3.0, 3.0)))
    image = out.add(grown, out.mul(out.function("softplus", more), 0.1))
    return out.div(image, out.reduce("sum", image, 0))
