"""Output frames: bit fields, most significant first, laid into the 32-bit words of the eTX links; headers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray

ETX = 13
"""Output links of the chip."""

Words = NDArray[np.uint32]

_WORD = 32


class FrameWriter:
    """Lays fields of n events side by side, most significant bit first, into ``ETX`` words per event.

    Parameters
    ----------
    events : number of events n
    """

    def __init__(self, events: int) -> None:
        self._words = np.zeros((ETX, events), np.uint32)
        self.bits = 0

    def put(self, values: NDArray[np.integer] | int, width: int) -> None:
        """Append ``values`` (n,), each of ``width`` bits (0..32)."""
        if width == 0:
            return
        value = np.asarray(values).astype(np.uint32)
        word, used = divmod(self.bits, _WORD)
        room = _WORD - used
        if width <= room:
            self._words[word] |= value << np.uint32(room - width)
        else:
            rest = width - room
            self._words[word] |= value >> np.uint32(rest)
            self._words[word + 1] |= value << np.uint32(_WORD - rest)
        self.bits += width

    def put_map(self, sent: NDArray[np.bool_], *, tc0_first: bool) -> None:
        """Append a 48-bit address map of ``sent`` (48, n); the first cell sent is cell 0 or cell 47."""
        ordered = sent if tc0_first else sent[::-1]
        for half in (ordered[:24], ordered[24:]):
            weights = np.uint32(1) << np.arange(23, -1, -1, dtype=np.uint32)
            self.put((half * weights[:, None]).sum(axis=0, dtype=np.uint32), 24)

    @property
    def words(self) -> Words:
        """uint32 (n, 13): the words of the links; everything after the last field is 0."""
        return np.ascontiguousarray(self._words.T)

    @property
    def halfwords(self) -> NDArray[np.uint16]:
        """uint16 (n, 26): the same cut into 16-bit words, upper half of a link's word first."""
        out = np.empty((self._words.shape[1], 2 * ETX), np.uint16)
        out[:, 0::2] = (self._words >> np.uint32(16)).T
        out[:, 1::2] = (self._words & np.uint32(0xFFFF)).T
        return out


def join_halfwords(halfwords: NDArray[np.uint16]) -> Words:
    """Return uint32 (n, 13) link words of uint16 (n, m <= 26) halves; missing links are 0."""
    wide = halfwords.astype(np.uint32)
    out = np.zeros((len(wide), ETX), np.uint32)
    out[:, : wide.shape[1] // 2] = wide[:, 0::2] << np.uint32(16) | wide[:, 1::2]
    return out


def header5(crossing: NDArray[np.integer]) -> IntArray:
    """Return the 5-bit header of bunch crossings 0..3563: 31 for crossing 0, else crossing mod 16 (spec 5)."""
    bx = np.asarray(crossing, dtype=np.int64)
    return np.where(bx == 0, 31, bx % 16)


def header4(crossing: NDArray[np.integer]) -> IntArray:
    """Return the 4-bit header: bits 4, 2, 1, 0 of the 5-bit one (spec 5)."""
    h5 = header5(crossing)
    return (h5 >> 1 & 8) | (h5 & 7)
