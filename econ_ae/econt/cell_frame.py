"""The frame of a model that sends cells as pulses: both directions, every bit of it.

After the 5-bit header and the 9-bit sum code, as in the autoencoder's frame: number of the mode, 1 bit without loss,
zeros, rank of the positions, low bits of every part in cell order, rank of the high parts. The last field ends with the
frame's last bit; a field is as long as mode and loss say. An event without charge is all zeros but for the header.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_BITS, SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.frame import FrameWriter, Words, header5
from econ_ae.econt.frame_reader import FrameReader, mid_bin
from econ_ae.emulator.cells import Pulses
from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.cells import RANKED, Fields, set_bits
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity

_PIECE = 30  # bits that are written at a time


@dataclass(frozen=True)
class ReceivedPulses:
    """What a frame says of n events.

    Parameters
    ----------
    sent : mode, loss and pulses
    total : float64 (n,), the module sum: of the charges where they came without loss, else its 5E4M code at mid-bin
    """

    sent: Pulses
    total: NDArray[np.float64]


@functools.cache
def _binomials(places: int) -> IntArray:
    """C(place, j) for place and j in 0..places, int64; all of them have fewer than 63 bits for at most 63 places."""
    return np.array([[comb(place, j) for j in range(places + 1)] for place in range(places + 1)], np.int64)


def rank_of(ones: IntArray) -> IntArray:
    """Return the rank of sets, int64 (n,), of their places in rising order (n, size), each below 63."""
    table = _binomials(RANKED)
    return np.asarray(table[ones, np.arange(1, ones.shape[1] + 1)].sum(axis=1), np.int64)


def places_of(rank: IntArray, size: int) -> IntArray:
    """Return the places in rising order, int64 (n, size), of the ranks (n,) of sets; inverts ``rank_of``."""
    table = _binomials(RANKED)
    left, out = rank.copy(), np.empty((len(rank), size), np.int64)
    for j in range(size, 0, -1):
        out[:, j - 1] = np.searchsorted(table[:, j], left, side="right") - 1
        left -= table[out[:, j - 1], j]
    return out


def _layout(model: EncoderModel, mode: int, exact: bool) -> tuple[Fields, int, int]:
    """Return the fields of a mode, the bits of the positions, and the zeros before them."""
    entry = model.cell_code.choose.modes[mode]
    fields = entry.exact if exact else entry.shared
    cells = model.input.cells
    used = model.cell_code.choose.mode_bits + 1 + fields.bits(cells)
    return fields, set_bits(cells, fields.cells), frame_capacity(model.elinks) - used


def pack_pulses(model: EncoderModel, sent: Pulses, sums: IntArray, crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13).

    Parameters
    ----------
    sums : 5E4M codes of the module sums (n,)
    crossing : bunch crossings (n,)
    """
    words = np.zeros((len(sums), 13), np.uint32)
    for mode, exact, rows in _groups(sent.mode, sent.exact):
        fields, position_bits, zeros = _layout(model, mode, exact)
        writer = FrameWriter(len(rows))
        writer.put(header5(crossing[rows]), 5)
        writer.put(sums[rows], SUM_BITS)
        pulses = sent.pulses[rows]
        empty = pulses.sum(axis=1) == 0
        cells = np.nonzero(pulses[~empty])[1].reshape(-1, fields.cells)
        values = np.zeros((len(rows), fields.parts), np.int64)
        values[~empty] = np.take_along_axis(pulses[~empty], cells, axis=1)[:, : fields.parts] - 1
        position = np.zeros(len(rows), np.int64)
        position[~empty] = rank_of(cells)
        writer.put(np.where(empty, 0, mode), model.cell_code.choose.mode_bits)
        writer.put(np.where(empty, 0, int(exact)), 1)
        writer.bits += zeros
        _put(writer, position, position_bits)
        for part in range(fields.parts):
            writer.put(values[:, part] & ((1 << fields.low_bits) - 1), fields.low_bits)
        high = np.cumsum(values >> fields.low_bits, axis=1) + np.arange(fields.parts)
        _put(writer, np.where(empty, 0, rank_of(high)), fields.high_bits)
        words[rows] = writer.words
    return words


def unpack_pulses(model: EncoderModel, words: Words) -> ReceivedPulses:
    """Return what frames carry, from their bits alone.

    Raises
    ------
    DataError
        When a frame has a mode that the model has not, or a rank or pulses that no event gives.
    """
    code = model.cell_code
    reader = FrameReader(words)
    reader.skip(5)
    total = mid_bin(reader.take(SUM_BITS), SUM_EXPONENT, SUM_MANTISSA)
    modes = reader.take(code.choose.mode_bits)
    exact = reader.take(1) > 0
    if len(modes) and modes.max() >= len(code.choose.modes):
        raise DataError(f"a frame has mode {modes.max()}; the encoder {model.name} has {len(code.choose.modes)}")
    pulses = np.zeros((len(words), model.input.cells), np.int64)
    for mode, lossless, rows in _groups(modes, exact):
        fields, position_bits, zeros = _layout(model, mode, lossless)
        part = FrameReader(words[rows])
        part.skip(reader.bits + zeros)
        cells = _places(_take(part, position_bits), model.input.cells, fields.cells)
        values = np.stack([part.take(fields.low_bits) for _ in range(fields.parts)], axis=1) if fields.parts else None
        bars = _places(_take(part, fields.high_bits), fields.places, fields.parts)
        high = np.diff(bars, axis=1, prepend=-1) - 1
        found = np.zeros((len(rows), fields.cells), np.int64)
        if values is not None:
            found[:, : fields.parts] = (high << fields.low_bits | values) + 1
        if not lossless:
            found[:, -1] = fields.total - found.sum(axis=1)
        too_many = found.sum(axis=1) > fields.total if lossless else found[:, -1] < 1
        if (too_many & (total[rows] > 0)).any():
            loss = "without loss" if lossless else "with loss"
            raise DataError(f"a frame of mode {mode} {loss} has more pulses than the {fields.total} that it can have")
        here = np.zeros((len(rows), pulses.shape[1]), np.int64)
        np.put_along_axis(here, cells, found, axis=1)
        pulses[rows] = np.where(total[rows, None] > 0, here, 0)
    exact |= total == 0
    return ReceivedPulses(Pulses(modes, exact, pulses), np.where(exact, pulses.sum(axis=1), total))


def _places(rank: IntArray, places: int, size: int) -> IntArray:
    """Return the places of the ranks of sets of ``size`` out of ``places``; DataError for a rank of no set."""
    if rank.max(initial=0) >= comb(places, size):
        raise DataError(
            f"a frame has rank {rank.max()} of {size} out of {places}; expected 0..{comb(places, size) - 1}"
        )
    return places_of(rank, size)


def frames(model: EncoderModel, sent: Pulses, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return the frames, uint32 (n, 13), of what was encoded of charges (n, cells)."""
    return pack_pulses(model, sent, sum_code(charges), crossing)


def _groups(mode: IntArray, exact: NDArray[np.bool_]) -> list[tuple[int, bool, IntArray]]:
    """Return the rows of every pair of mode and loss that occurs."""
    key = 2 * mode + exact
    return [(int(k) // 2, bool(k % 2), np.flatnonzero(key == k)) for k in np.unique(key)]


def _take(reader: FrameReader, width: int) -> IntArray:
    value = np.zeros(reader.events, np.int64)
    for low in range((width - 1) // _PIECE * _PIECE, -1, -_PIECE):
        bits = min(_PIECE, width - low)
        value = value << bits | reader.take(bits)
    return value


def _put(writer: FrameWriter, values: IntArray, width: int) -> None:
    for low in range((width - 1) // _PIECE * _PIECE, -1, -_PIECE):
        bits = min(_PIECE, width - low)
        writer.put(values >> low & ((1 << bits) - 1), bits)
