"""Receiver of the threshold sum: finds the frames in the stream of 16-bit words, then reads them (spec 8.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import join_halfwords
from econ_ae.econt.frame_reader import FrameReader, Reconstructed, mid_bin
from econ_ae.econt.threshold_buffer import FRAME_WORDS
from econ_ae.econt.threshold_sum import ADDRESSES, MAP, MAP_FROM, NONE, TRUNCATED, frame_bits
from econ_ae.errors import DataError

_TYPE_SHIFT = 8


def _count_of(stream: list[int], at: int) -> int:
    """Cells in the frame that starts at word ``at``; -1 for a truncated one."""
    kind = stream[at] >> _TYPE_SHIFT & 7
    if kind == NONE:
        return 0
    if kind == ADDRESSES:
        return stream[at + 1] >> 13
    if kind == MAP:
        cells = sum(word.bit_count() for word in stream[at + 1 : at + 4])
        if cells < MAP_FROM:
            raise DataError(f"threshold sum: the map behind word {at} has {cells} cells; expected at least {MAP_FROM}")
        return cells
    if kind in (TRUNCATED, TRUNCATED | 1):
        return -1
    raise DataError(f"threshold sum: word {at} ({stream[at]:04x}) starts no frame; expected type 0, 2, 4, 6 or 7")


def _locate(halfwords: NDArray[np.uint16], per_crossing: int) -> tuple[list[int], list[int]]:
    """Return start word and cell count of every received frame, one per crossing and in order.

    Each crossing sends one frame, so once crossing t's frame has been read the rest of its words is idle.
    """
    crossings = len(halfwords)
    stream = [*halfwords[:, :per_crossing].reshape(-1).tolist(), *([0] * FRAME_WORDS)]
    starts: list[int] = []
    counts: list[int] = []
    at = 0
    for frame in range(crossings):
        # A frame is never sent before its own crossing.
        at = max(at, frame * per_crossing)
        if at >= crossings * per_crossing:
            break
        count = _count_of(stream, at)
        length = 1 if count < 0 else -(-frame_bits(count) // 16)
        if at + length > crossings * per_crossing:
            break
        starts.append(at)
        counts.append(count)
        at += length
    return starts, counts


def reconstruct(frames: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    """Return the charges of consecutive crossings, (n, 13) link words from an empty buffer on.

    Frames still waiting at the end are not received; truncated ones carry the sum of all cells alone.

    Raises
    ------
    DataError
        When no frame starts where one must, or a frame sends what no chip does: so ends a stream whose buffer lost
        words because more than 400 of them waited (``buff_t1`` of 400 and more).
    """
    words = np.asarray(frames).astype(np.uint32)
    halfwords = np.stack([words >> 16, words & 0xFFFF], axis=2).reshape(len(words), -1).astype(np.uint16)
    per_crossing = 2 * config.elinks
    starts, counts = _locate(halfwords, per_crossing)
    flat = np.concatenate([halfwords[:, :per_crossing].reshape(-1), np.zeros(FRAME_WORDS, np.uint16)])
    start, count = np.array(starts, dtype=np.intp), np.array(counts, dtype=np.intp)
    gathered = join_halfwords(flat[start[:, None] + np.arange(FRAME_WORDS)])

    charges = np.zeros((len(words), CELLS))
    sent = np.zeros(charges.shape, np.bool_)
    total = np.zeros(len(words))
    for cells in np.unique(count).tolist():
        rows = np.flatnonzero(count == cells)
        reader = FrameReader(gathered[rows], 8)
        total[rows] = mid_bin(reader.take(8), 5, 3)
        if cells <= 0:
            continue
        if cells < MAP_FROM:
            reader.skip(3)
            address = np.stack([reader.take(6) for _ in range(cells)], axis=1)
            if address.max() >= CELLS:
                raise DataError(f"threshold sum: a frame sends cell {address.max()}; expected 0..{CELLS - 1}")
        else:
            found = reader.take_map(tc0_first=config.tc0_first)
            address = np.argsort(~found, axis=1, kind="stable")[:, :cells]
        value = mid_bin(np.stack([reader.take(7) for _ in range(cells)], axis=1), 4, 3, config.dropped_bits)
        charges[rows[:, None], address] = value
        sent[rows[:, None], address] = True
        if not config.use_sum:
            total[rows] += value.sum(axis=1)
    received = np.arange(len(words)) < len(starts)
    truncated = np.zeros(len(words), np.bool_)
    truncated[: len(starts)] = count < 0
    return Reconstructed(charges, sent, total, received, truncated)
