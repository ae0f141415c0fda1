"""From the words of frames to the inputs of a decoder, with numpy alone; the layout comes from ``frame.json``."""

import functools
from math import comb

import numpy as np

_HEADER_BITS, _SUM_BITS, _MANTISSA = 5, 9, 4
_PIECE = 30


class FrameError(ValueError):
    """A frame that no event gives."""


class Bits:
    """Takes bit fields off frames, uint32 (n, words), most significant first."""

    def __init__(self, frames):
        self._words = np.concatenate([frames.T, np.zeros((1, len(frames)), np.uint32)]).astype(np.uint64)
        self.at = _HEADER_BITS

    def take(self, width):
        """Return the next bits as int64 (n,)."""
        value = np.zeros(self._words.shape[1], np.int64)
        for low in range((width - 1) // _PIECE * _PIECE, -1, -_PIECE):
            bits = min(_PIECE, width - low)
            value = value << bits | self._take(bits)
        return value

    def _take(self, width):
        word, used = divmod(self.at, 32)
        both = self._words[word] << np.uint64(32) | self._words[min(word + 1, len(self._words) - 1)]
        self.at += width
        return (both >> np.uint64(64 - used - width)).astype(np.int64) & ((1 << width) - 1)


def unpack(layout, frames):
    """Return the decoder's inputs by name, float32 (n, ...), of frames, uint32 (n, words).

    Raises
    ------
    FrameError
        When a frame has a mode, a rank or pulses that no event gives, or frames have another number of words.
    """
    frames = np.asarray(frames, np.uint32)
    if frames.ndim != 2 or frames.shape[1] != layout["words"]:
        raise FrameError(f"frames must have shape (n, {layout['words']}), not {frames.shape}")
    found = _cells(layout, frames) if "modes" in layout else _latents(layout, frames)
    return {name: np.asarray(values, np.float32) for name, values in found.items()}


def _mid_bin(codes):
    exponent, mantissa = codes >> _MANTISSA, codes & ((1 << _MANTISSA) - 1)
    width = np.int64(1) << np.maximum(exponent - 1, 0)
    low = np.where(exponent > 0, mantissa + (1 << _MANTISSA), mantissa) * width
    return np.where(codes == 0, 0.0, low + (width - 1) / 2)


def _latents(layout, frames):
    bits = Bits(frames)
    total = _mid_bin(bits.take(_SUM_BITS))
    bits.at += layout["zeros"]
    latents = np.zeros((len(frames), layout["latents"]), np.int64)
    width = layout["width"]
    for index, mask, sent in layout["fields"]:
        value = bits.take(sent)
        for at, place in enumerate([b for b in range(width) if mask >> b & 1][:sent]):
            latents[:, index] |= (value >> at & 1) << place
    if layout["signed"]:
        latents -= latents >> (width - 1) << width
    return {"latents": latents * 2.0 ** -layout["fraction"], "sum": total[:, None]}


def _cells(layout, frames):
    bits = Bits(frames)
    total = _mid_bin(bits.take(_SUM_BITS))
    mode, exact = bits.take(layout["mode_bits"]), bits.take(1) > 0
    if len(mode) and mode.max() >= len(layout["modes"]):
        raise FrameError(f"a frame has mode {mode.max()}; there are {len(layout['modes'])}")
    pulses = np.zeros((len(frames), layout["cells"]), np.int64)
    key = 2 * mode + exact
    for k in np.unique(key):
        rows = np.flatnonzero(key == k)
        pulses[rows] = _pulses(
            layout, frames[rows], bits.at, layout["modes"][k // 2][k % 2], exact=bool(k % 2), total=total[rows]
        )
    exact = exact | (total == 0)
    total = np.where(exact, pulses.sum(axis=1), total)
    return {"mode": mode[:, None], "exact": exact[:, None], "pulses": pulses, "sum": total[:, None]}


def _pulses(layout, frames, start, fields, *, exact, total):
    cells, parts, most, low_bits, places, high_bits, position_bits, zeros = fields
    bits = Bits(frames)
    bits.at = start + zeros
    where = _places(bits.take(position_bits), layout["cells"], cells)
    low = np.zeros((len(frames), parts), np.int64)
    for part in range(parts):
        low[:, part] = bits.take(low_bits)
    high = np.diff(_places(bits.take(high_bits), places, parts), axis=1, prepend=-1) - 1
    found = np.zeros((len(frames), cells), np.int64)
    found[:, :parts] = (high << low_bits | low) + 1
    if not exact:
        found[:, -1] = most - found.sum(axis=1)
    wrong = found.sum(axis=1) > most if exact else found[:, -1] < 1
    if (wrong & (total > 0)).any():
        raise FrameError(f"a frame has more pulses than the {most} of its mode")
    out = np.zeros((len(frames), layout["cells"]), np.int64)
    np.put_along_axis(out, where, found, axis=1)
    return np.where(total[:, None] > 0, out, 0)


def _places(rank, places, size):
    """Return the places in rising order, int64 (n, size), of the ranks of sets of ``size`` out of ``places``."""
    if rank.max(initial=0) >= comb(places, size):
        raise FrameError(f"a frame has rank {rank.max()} of {size} out of {places}")
    left, out = rank.copy(), np.empty((len(rank), size), np.int64)
    for j in range(size, 0, -1):
        table = _binomials(places, j)
        out[:, j - 1] = np.searchsorted(table, left, side="right") - 1
        left -= table[out[:, j - 1]]
    return out


@functools.cache
def _binomials(places, j):
    return np.array([comb(place, j) for place in range(places)], np.int64)
