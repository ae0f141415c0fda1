"""Numbers on buses: bit arrays uint8 (n, width), least significant bit first, and what simulators want of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray

Bits = NDArray[np.uint8]


def from_fields(values: IntArray, width: int) -> Bits:
    """Return rows of integers (n, m) as bit rows (n, m * width), the first number at the least significant bits."""
    bits = (values[:, :, None] >> np.arange(width)) & 1
    return bits.astype(np.uint8).reshape(len(values), -1)


def from_number(value: int, width: int) -> Bits:
    """Return one number as a bit row (1, width)."""
    data = np.frombuffer(value.to_bytes(-(-width // 8), "little"), np.uint8)
    return np.unpackbits(data, bitorder="little")[None, :width]


def to_strings(bits: Bits) -> list[str]:
    """Return bit rows as Verilog prints them: most significant bit first."""
    rows = np.ascontiguousarray(bits[:, ::-1]) + np.uint8(ord("0"))
    return [row.tobytes().decode("ascii") for row in rows]


def to_bytes(bits: Bits) -> NDArray[np.uint8]:
    """Return bit rows as little-endian byte rows, uint8 (n, ceil(width / 8))."""
    return np.packbits(bits, axis=1, bitorder="little")
