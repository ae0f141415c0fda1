"""Whether a file's codes look like what they are read as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.readers.eportrx import ZeroCode

_ENOUGH = 20  # cells of code 0 below which nothing is said
_NEIGHBOURS = slice(1, 8)  # the other codes of exponent 0, one step of charge each
_LIKE_THEM, _UNLIKE_THEM = 3, 20


def zero_code_warning(codes: NDArray[np.int64], zero_code: ZeroCode) -> str:
    """Return one sentence when code 0 looks like something else than it is read as; else an empty string.

    Charge falls off smoothly towards 0, so where code 0 is an ordinary small charge it is about as frequent as each of
    the codes 1..7 (1.3 times in the public vectors). Where it stands for "not sent" it is far more frequent than they
    are (68 % of the cells of the public pileup file, which has none of them). In between nothing is said.

    Parameters
    ----------
    codes : 7-bit trigger-cell codes, any shape
    zero_code : what code 0 is read as
    """
    counts = np.bincount(codes.reshape(-1), minlength=128)
    zeros, neighbour = int(counts[0]), float(counts[_NEIGHBOURS].mean())
    if zeros < _ENOUGH:
        return ""
    shares = (
        f"{zeros / codes.size:.1%} of the trigger cells have code 0 and {neighbour / codes.size:.1%} each code 1..7"
    )
    if zero_code is ZeroCode.BIN_CENTRE and zeros > _UNLIKE_THEM * neighbour:
        return (
            f'{shares}: code 0 looks like no charge, but is read as the middle of its bin (zero_code = "suppressed"?)'
        )
    if zero_code is ZeroCode.SUPPRESSED and zeros < _LIKE_THEM * neighbour:
        return f'{shares}: code 0 looks like an ordinary small charge, but is read as none (zero_code = "bin-centre"?)'
    return ""
