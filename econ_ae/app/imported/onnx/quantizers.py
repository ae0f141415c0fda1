"""Operators that quantize: those of QONNX, and the standard ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from econ_ae.app.imported.exact.cut import Cut, Mode
from econ_ae.app.imported.onnx.constants import Constant
from econ_ae.app.imported.onnx.graph import Node, Numbers
from econ_ae.app.imported.onnx.quant import DOMAINS, UNBOUNDED, cut_of, fraction_of_scale, limits, mode_of
from econ_ae.app.imported.onnx.state import Integers, State
from econ_ae.errors import ModelError

__all__ = ["CUSTOM", "DOMAINS", "REFUSED", "STANDARD"]

Inputs = Sequence[Constant | None]


def _constants(node: Node, inputs: Inputs, count: int) -> list[Numbers]:
    given = [None if one is None else one.values for one in inputs[1 : count + 1]]
    if len(given) != count or any(value is None for value in given):
        raise ModelError(f"{node.where} has scales or widths that are no constants; expected those of a trained model")
    return [np.asarray(value) for value in given]


def _quant(state: State, node: Node, inputs: Inputs) -> None:
    scale, zero, bits = _constants(node, inputs, 3)
    if state.integers is not None:
        state.nothing_held(node.where)
    state.cut(node, cut_of(node, scale, zero, bits))


def _endless(node: Node, fraction: Numbers, mode: Mode) -> Cut:
    return Cut(node.name, np.array(-UNBOUNDED), np.array(UNBOUNDED), np.asarray(fraction, np.int64), mode)


def _trunc(state: State, node: Node, inputs: Inputs) -> None:
    """Drop bits. With four constants (version 1) what is left counts in the old steps, with five in its own."""
    state.nothing_held(node.where)
    old = len(inputs) == 5
    values = _constants(node, inputs, 4 if old else 5)
    scale, zero, mode = values[0], values[1], mode_of(node, "FLOOR")
    if np.any(zero):
        raise ModelError(f"{node.where} has a zero point, which has no integer form; expected 0")
    fraction = fraction_of_scale(node, scale)
    if not state.builder.on_grid(fraction):
        state.cut(node, _endless(node, fraction, Mode.HALF_EVEN))
    if old:
        drop = np.rint(np.asarray(values[2] - values[3], np.float64)).astype(np.int64)
        state.cut(node, _endless(node, fraction - drop, mode))
        state.builder.affine(node.name, 2.0 ** -drop.astype(np.float64), np.zeros(()))
        return
    low, high = (value.astype(np.int64) for value in limits(node, values[4]))
    state.cut(node, Cut(node.name, low, high, fraction_of_scale(node, values[3]), mode))


def _round(state: State, node: Node, inputs: Inputs) -> None:
    """Round to whole numbers."""
    del inputs
    mode = {"Floor": Mode.FLOOR, "Ceil": Mode.CEIL, "Round": Mode.HALF_EVEN}[node.op]
    state.cut(node, _endless(node, np.zeros((), np.int64), mode))


def _clip(state: State, node: Node, inputs: Inputs) -> None:
    """Cut off below 0, and above a number that the quantizer behind it must have as a step."""
    given = [None if one is None else one.values for one in (*inputs[1:3], None, None)[:2]]
    low = given[0] if given[0] is not None else node.attributes.get("min")
    high = given[1] if given[1] is not None else node.attributes.get("max")
    if state.integers is not None:
        held, zero = state.integers.cut, np.asarray(state.integers.zero, np.int64)
        least = held.low if low is None else np.maximum(held.low, np.asarray(low, np.int64) - zero)
        most = held.high if high is None else np.minimum(held.high, np.asarray(high, np.int64) - zero)
        state.integers.cut = Cut(held.name, least, most, held.fraction, held.mode)
        return
    if low is not None and np.all(np.asarray(low) == 0):
        state.builder.relu()
    elif low is not None and not state.builder.above(float(np.max(low))):
        raise ModelError(f"{node.where} cuts off below {float(np.max(low)):g}, which has no integer form; expected 0")
    if high is not None and not state.builder.below(float(np.min(high))):
        if not state.builder.waits:
            raise ModelError(f"{node.where} cuts off at {float(np.min(high)):g} what is quantized; expected it before")
        state.ceiling = (node, float(np.min(high)))


def _to_integers(state: State, node: Node, inputs: Inputs) -> None:
    state.nothing_held(node.where)
    scale = inputs[1] if len(inputs) > 1 else None
    zero = inputs[2].values if len(inputs) > 2 and inputs[2] is not None else np.zeros((), np.uint8)
    if scale is None or zero.dtype.kind not in "iu":
        raise ModelError(f"{node.where} has no constant scale, or no integers; expected those of a trained model")
    kind, axis = np.iinfo(zero.dtype), int(node.attributes.get("axis", 1))
    ends = (np.asarray(end - zero.astype(np.int64)) for end in (kind.min, kind.max))
    axes = state.builder.view.ndim
    low, high, fraction = (_along(value, axes, axis) for value in (*ends, fraction_of_scale(node, scale.values)))
    state.integers = Integers(node, Cut(node.name, low, high, fraction), scale.values, zero)


def _along(value: Numbers, axes: int, axis: int) -> Numbers:
    if value.ndim != 1 or value.size == 1:
        return value.reshape(()) if value.size == 1 else value
    shape = [1] * axes
    shape[axis] = value.size
    return value.reshape(shape)


def _to_numbers(state: State, node: Node, inputs: Inputs) -> None:
    held = state.integers
    if held is None:
        raise ModelError(f"{node.where} follows no QuantizeLinear; expected one before it")
    scale = inputs[1].values if len(inputs) > 1 and inputs[1] is not None else None
    zero = inputs[2].values if len(inputs) > 2 and inputs[2] is not None else np.zeros((), np.uint8)
    if scale is None or not np.array_equal(scale, held.scale) or np.any(zero.astype(int) != held.zero.astype(int)):
        raise ModelError(f"{node.where} has another scale or zero point than {held.node.where}; expected the same")
    state.integers = None
    state.cut(node, held.cut)


CUSTOM: Mapping[str, Callable[[State, Node, Inputs], None]] = {"Quant": _quant, "IntQuant": _quant, "Trunc": _trunc}
"""Of the domains of QONNX."""
STANDARD: Mapping[str, Callable[[State, Node, Inputs], None]] = {
    **dict.fromkeys(("Floor", "Ceil", "Round"), _round),
    "Clip": _clip,
    "QuantizeLinear": _to_integers,
    "DequantizeLinear": _to_numbers,
}
REFUSED = {
    "BipolarQuant": "gives -1 and 1, and the integer form has no format of these two",
    "FloatQuant": "quantizes to floats, which has no integer form",
    "MaxPool": "takes the largest of several values, which the block does not compute",
    "MultiThreshold": "compares with thresholds, as after a conversion for one tool; export the model before it",
}
"""Why, of operators that others may well expect."""
