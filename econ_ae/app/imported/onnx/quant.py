"""The quantizers of QONNX as cuts: what they round to, how, and in which range.

Meanings as the qonnx package defines them: ``Quant`` divides by the scale, adds the zero point, clips to the integers
of the width, rounds, and goes back. Domains of older exports (``onnx.brevitas``, ``finn.custom_op.general``) have the
same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from econ_ae.app.imported.exact.cut import Cut, Mode
from econ_ae.app.imported.onnx.graph import Node, Numbers
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import IntArray

DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
UNBOUNDED = 1 << 40
"""More than any sum: a range that never ends."""


def _away(x: Numbers) -> Numbers:
    return np.sign(x) * np.ceil(np.abs(x))


def _half_away(x: Numbers) -> Numbers:
    return np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))


def _half_zero(x: Numbers) -> Numbers:
    return np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5))


ROUNDING: dict[str, tuple[Mode, Callable[[Numbers], Numbers]]] = {
    "ROUND": (Mode.HALF_EVEN, np.round),
    "HALF_EVEN": (Mode.HALF_EVEN, np.round),
    "FLOOR": (Mode.FLOOR, np.floor),
    "CEIL": (Mode.CEIL, np.ceil),
    "DOWN": (Mode.ZERO, np.trunc),
    "ROUND_TO_ZERO": (Mode.ZERO, np.trunc),
    "UP": (Mode.AWAY, _away),
    "HALF_UP": (Mode.HALF_AWAY, _half_away),
    "HALF_DOWN": (Mode.HALF_ZERO, _half_zero),
}


def is_quant(node: Node) -> bool:
    """Tell whether a node is a quantizer to integers."""
    return node.op in {"Quant", "IntQuant"} and node.domain in DOMAINS


def limits(node: Node, bits: Numbers) -> tuple[Numbers, Numbers]:
    """Return the smallest and the largest integer of a width; ModelError when there is none."""
    signed, narrow = (bool(node.attributes.get(name, default)) for name, default in (("signed", 1), ("narrow", 0)))
    width = np.asarray(bits, np.float64)
    if np.any(width < 1) or np.any(width > 32) or not np.all(np.isfinite(width)):
        raise ModelError(f"{node.where} has a width of {float(width.max()):g} bits; expected 1 to 32")
    if signed and np.any(width < 2):
        raise ModelError(
            f"{node.where} has 1 signed bit, the values -1 and 1, which has no integer form; expected 2 bits"
        )
    if signed:
        half = 2.0 ** (width - 1)
        return -half + narrow, half - 1
    return np.zeros_like(width), 2.0**width - 1 - narrow


def cut_of(node: Node, scale: Numbers, zero: Numbers, bits: Numbers) -> Cut:
    """Return a ``Quant`` of activations.

    Raises
    ------
    ModelError
        When its scale is no power of two, or its zero point moves what its rounding goes by.
    """
    low, high = limits(node, bits)
    mode = mode_of(node)
    _check_zero(node, zero, mode)
    ends = [value - np.asarray(zero, np.float64) for value in (low, high)]
    if any(np.any(value != np.rint(value)) for value in ends):
        raise ModelError(f"{node.where} ends at {float(ends[1].max()):g} steps; expected a whole number of bits")
    return Cut(node.name, ends[0].astype(np.int64), ends[1].astype(np.int64), fraction_of_scale(node, scale), mode)


def mode_of(node: Node, default: str = "ROUND") -> Mode:
    """Return how a node rounds; ModelError when that is not known."""
    text = str(node.attributes.get("rounding_mode", default)).upper()
    if text not in ROUNDING:
        raise ModelError(f"{node.where} rounds {text!r}; expected one of {', '.join(ROUNDING)}")
    return ROUNDING[text][0]


def fraction_of_scale(node: Node, scale: Numbers) -> IntArray:
    """Return the fractional bits of a scale; ModelError when it is no power of two."""
    mantissa, exponent = np.frexp(np.asarray(scale, np.float64))
    if np.any(mantissa != 0.5):
        wrong = np.asarray(scale).reshape(-1)[np.flatnonzero(np.asarray(mantissa).reshape(-1) != 0.5)[0]]
        raise ModelError(
            f"{node.where} has the scale {float(wrong):g}, which is no power of two and has no integer form; expected "
            "scales restricted to powers of two while training"
        )
    return np.asarray(1 - exponent, np.int64)


def _check_zero(node: Node, zero: Numbers, mode: Mode) -> None:
    if not np.any(zero):
        return
    even = np.all(np.asarray(zero) % 2 == 0)
    if mode in {Mode.FLOOR, Mode.CEIL} or (mode is Mode.HALF_EVEN and even):
        return
    raise ModelError(
        f"{node.where} has the zero point {float(np.max(np.abs(zero))):g} and rounds {mode}, which has no integer "
        "form; expected 0"
    )
