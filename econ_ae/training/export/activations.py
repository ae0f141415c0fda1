"""Keras activations as steps of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from econ_ae.errors import ModelError
from econ_ae.tensor.builder import Builder
from econ_ae.tensor.program import Value

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Of Klambauer et al., "Self-Normalizing Neural Networks" (NIPS 2017), as Keras has them."""


def activated(out: Builder, activation: Any, x: Value) -> Value:
    """Add a Keras activation; ModelError when it has no form as steps."""
    name = getattr(activation, "__name__", str(activation))
    if name not in _ACTIVATIONS:
        raise ModelError(f"activation {name!r} cannot be exported; expected one of {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name](out, x)


def leaky(out: Builder, x: Value, slope: float) -> Value:
    """Add a ReLU with a slope below 0."""
    return out.add(out.function("relu", x), out.mul(out.elementwise("min", x, 0.0), slope))


def _elu(out: Builder, x: Value, alpha: float = 1.0) -> Value:
    below = out.sub(out.function("exp", out.elementwise("min", x, 0.0)), 1.0)
    return out.add(out.function("relu", x), out.mul(below, alpha))


_ACTIVATIONS: dict[str, Callable[[Builder, Value], Value]] = {
    "linear": lambda _, x: x,
    "relu": lambda out, x: out.function("relu", x),
    "sigmoid": lambda out, x: out.function("sigmoid", x),
    "softmax": lambda out, x: out.function("softmax", x),
    "softplus": lambda out, x: out.function("softplus", x),
    "tanh": lambda out, x: out.function("tanh", x),
    "elu": _elu,
    "selu": lambda out, x: out.mul(_elu(out, x, _SELU_ALPHA), _SELU_SCALE),
}
