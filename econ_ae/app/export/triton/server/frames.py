"""From the words of frames to the inputs of a decoder, with numpy alone; the layout comes from ``frame.json``."""

from math import comb

import numpy as np

_HEADER_BITS, _SUM_BITS, _MANTISSA = 5, 9, 4
_BEHIND = 3  # words of zeros that a field may begin in or reach into
_RANKED = 63
_BINOMIALS = np.array([[comb(place, j) for j in range(_RANKED + 1)] for place in range(_RANKED + 1)], np.int64)


class FrameError(ValueError):
    """A frame that no event gives."""


class Bits:
    """Bit fields of frames, uint32 (n, words), most significant first; places and widths may differ by frame."""

    def __init__(self, frames):
        zeros = np.zeros((len(frames), _BEHIND), np.uint32)
        self._words = np.concatenate([frames, zeros], axis=1).astype(np.uint64)
        self._rows = np.arange(len(frames))

    def take(self, at, width):
        """Return ``width`` (0..63) bits from bit ``at`` on, int64; both are numbers, (n,) or (n, fields)."""
        at, width, rows = np.broadcast_arrays(at, width, self._rows if np.ndim(at) < 2 else self._rows[:, None])
        at = np.where(width > 0, at, 0)  # what has no bits may stand behind the frame
        word, used = at // 32, (at % 32).astype(np.uint64)
        first, second, third = (self._words[rows, word + i] for i in range(3))
        window = (first << np.uint64(32) | second) << used | third >> np.uint64(32) - used
        return np.where(width > 0, window >> (64 - np.maximum(width, 1)).astype(np.uint64), 0).astype(np.int64)


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
    bits, at = Bits(frames), _HEADER_BITS + _SUM_BITS + layout["zeros"]
    latents = np.zeros((len(frames), layout["latents"]), np.int64)
    width = layout["width"]
    for index, mask, sent in layout["fields"]:
        value = bits.take(at, sent)
        at += sent
        for low, place in enumerate([b for b in range(width) if mask >> b & 1][:sent]):
            latents[:, index] |= (value >> low & 1) << place
    if layout["signed"]:
        latents -= latents >> (width - 1) << width
    total = _mid_bin(bits.take(_HEADER_BITS, _SUM_BITS))
    return {"latents": latents * 2.0 ** -layout["fraction"], "sum": total[:, None]}


def _cells(layout, frames):
    bits, at = Bits(frames), _HEADER_BITS + _SUM_BITS
    total = _mid_bin(bits.take(_HEADER_BITS, _SUM_BITS))
    mode, exact = bits.take(at, layout["mode_bits"]), bits.take(at + layout["mode_bits"], 1) > 0
    if len(mode) and mode.max() >= len(layout["modes"]):
        raise FrameError(f"a frame has mode {mode.max()}; there are {len(layout['modes'])}")
    fields = np.array(layout["modes"], np.int64)[mode, exact.astype(np.int64)]
    pulses = _pulses(layout["cells"], bits, at + layout["mode_bits"] + 1, fields, exact=exact, total=total)
    exact = exact | (total == 0)
    total = np.where(exact, pulses.sum(axis=1), total)
    return {"mode": mode[:, None], "exact": exact[:, None], "pulses": pulses, "sum": total[:, None]}


def _pulses(count, bits, at, fields, *, exact, total):
    cells, parts, most, low_bits, places, high_bits, position_bits, zeros = fields.T
    rows = np.arange(len(fields))
    slots = np.arange(int(cells.max(initial=1)))
    at = at + zeros
    where = _places(bits.take(at, position_bits), np.full(len(fields), count), cells, len(slots))
    at = at + position_bits
    is_part = slots < parts[:, None]
    low = bits.take(at[:, None] + slots * low_bits[:, None], np.where(is_part, low_bits[:, None], 0))
    bars = _places(bits.take(at + parts * low_bits, high_bits), places, parts, len(slots))
    high = np.diff(bars, axis=1, prepend=-1) - 1
    found = np.where(is_part, (high << low_bits[:, None] | low) + 1, 0)
    known = found.sum(axis=1)
    left = np.flatnonzero(~exact)
    found[left, cells[left] - 1] = (most - known)[left]
    wrong = np.where(exact, known > most, found[rows, cells - 1] < 1)
    if (wrong & (total > 0)).any():
        raise FrameError("a frame has more pulses than its mode can have")
    out = np.zeros((len(fields), count + 1), np.int64)
    np.put_along_axis(out, np.where(slots < cells[:, None], where, count), found, axis=1)
    return np.where(total[:, None] > 0, out[:, :count], 0)


def _places(rank, places, size, slots):
    """Return the places in rising order, int64 (n, slots), of the ranks of sets of ``size`` out of ``places``, (n,)."""
    if (rank >= _BINOMIALS[places, size]).any():
        worst = int(np.argmax(rank >= _BINOMIALS[places, size]))
        raise FrameError(f"a frame has rank {rank[worst]} of {size[worst]} out of {places[worst]}")
    left, out = rank.copy(), np.zeros((len(rank), slots), np.int64)
    for j in range(int(size.max(initial=0)), 0, -1):
        table = _BINOMIALS[:-1, j]
        place = np.searchsorted(table, left, side="right") - 1
        out[:, j - 1] = np.where(j <= size, place, 0)
        left -= np.where(j <= size, table[place], 0)
    return out
