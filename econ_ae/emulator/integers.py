"""Integer functions of whole arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray


def floor_log2(values: NDArray[np.integer]) -> IntArray:
    """Return floor(log2(v)) of positive integers below 2**53, and 0 for 0."""
    exponent = np.frexp(values.astype(np.float64))[1].astype(np.int64) - 1
    return np.maximum(exponent, 0)
