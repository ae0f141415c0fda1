"""Reading link words: bit fields, float codes at mid-bin, and what a receiver reconstructs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.econt.config import CELLS
from econ_ae.econt.frame import ETX
from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray

Charge = NDArray[np.float64]

_WORD = 32


def mid_bin(codes: NDArray[np.integer], exponent: int, mantissa: int, dropped: int = 0) -> Charge:
    """Return the middle of the integers that each float code stands for, float64.

    Parameters
    ----------
    dropped : least significant bits that were cut off before the code was made

    Notes
    -----
    A code covers low..high (both included) and gives (low + high) / 2, so a code of one integer is exact. Code 0 gives
    0 even when bits were dropped: no charge is the likeliest (our choice). A saturated code gives its nominal bin.
    """
    significand, shift = floatcodes.decode(codes, exponent, mantissa)
    low = significand << (shift + dropped)
    width = np.int64(1) << (shift + dropped)
    return np.where(codes == 0, 0.0, low + (width - 1) / 2)


class FrameReader:
    """Takes bit fields off frames, most significant first.

    Parameters
    ----------
    frames : integers (n, 13), eTX words
    start : bits before the first field that is taken
    """

    def __init__(self, frames: NDArray[np.integer], start: int = 0) -> None:
        array = np.asarray(frames)
        if array.ndim != 2 or array.shape[1] != ETX or not np.issubdtype(array.dtype, np.integer):
            raise DataError(f"frames must be integers of shape (n, {ETX}), not {array.dtype} {array.shape}")
        self._words = np.zeros((ETX + 1, len(array)), np.uint64)
        self._words[:ETX] = array.T
        self.bits = start

    @property
    def events(self) -> int:
        """Number of frames n."""
        return self._words.shape[1]

    def skip(self, width: int) -> None:
        """Leave out ``width`` bits."""
        self.bits += width

    def take(self, width: int) -> IntArray:
        """Return the next ``width`` (0..32) bits of every frame, int64 (n,)."""
        word, used = divmod(self.bits, _WORD)
        both = self._words[word] << np.uint64(_WORD) | self._words[min(word + 1, ETX)]
        self.bits += width
        return (both >> np.uint64(2 * _WORD - used - width)).astype(np.int64) & ((1 << width) - 1)

    def take_map(self, *, tc0_first: bool) -> NDArray[np.bool_]:
        """Return the next 48 bits as bool (n, 48) by cell."""
        bits = np.stack([self.take(1) for _ in range(CELLS)], axis=1).astype(np.bool_)
        return bits if tc0_first else bits[:, ::-1]


@dataclass(frozen=True, eq=False)
class Reconstructed:
    """What the receiver knows of every crossing.

    Attributes
    ----------
    charges : float64 (n, 48), CALQ counts behind the mux; cells that were not sent are 0
    sent : bool (n, 48), cells whose charge is part of the frame
    total : float64 (n,), module charge from the sent sum code (and, where that covers the unsent cells only, the sent
        charges); the sum of what was sent for formats without a sum code
    received : bool (n,), False for crossings whose frame had not left the output buffer
    truncated : bool (n,), True where the buffer was full and only the sum was sent
    """

    charges: Charge
    sent: NDArray[np.bool_]
    total: Charge
    received: NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, np.bool_))
    truncated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        if self.received.size != len(self.charges):
            object.__setattr__(self, "received", np.ones(len(self.charges), np.bool_))
        if self.truncated.size != len(self.charges):
            object.__setattr__(self, "truncated", np.zeros(len(self.charges), np.bool_))

    @property
    def unsent(self) -> Charge:
        """float64 (n,): charge of the unsent cells, total - sent, at least 0."""
        return np.maximum(self.total - self.charges.sum(axis=1), 0.0)

    @property
    def filled(self) -> Charge:
        """float64 (n, 48): the charges with the unsent charge spread evenly over the unsent cells."""
        empty = (~self.sent).sum(axis=1)
        share = self.unsent / np.maximum(empty, 1)
        return np.where(self.sent, self.charges, share[:, None])
