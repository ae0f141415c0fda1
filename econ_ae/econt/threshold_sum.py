"""Threshold Sum: cells at or above their thresholds, in frames of variable length (spec 8.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import FrameWriter, Words, header5, join_halfwords
from econ_ae.econt.frontend import by_cell
from econ_ae.econt.threshold_buffer import Queue, transmit

NONE, ADDRESSES, MAP, TRUNCATED = 0b000, 0b010, 0b100, 0b110
"""Frame types: no cell sent, up to 7 with addresses, 8 and more with a map, truncated (0b111 for T2/T3)."""

MAP_FROM = 8
_SYNC_BITS = 11


def frame_bits(count: int) -> int:
    """Return the bits of a frame with ``count`` cells before padding."""
    if count == 0:
        return 16
    return 19 + 13 * count if count < MAP_FROM else 16 + CELLS + 7 * count


def build(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Queue:
    """Return every crossing's frame, of charges (n, 48)."""
    cells = by_cell(charges)
    events = cells.shape[1]
    sent = cells >= np.array(config.threshold, dtype=np.int32)[:, None]
    header = header5(crossing)
    total = cells.sum(axis=0, dtype=np.int64)
    rest = total if config.use_sum else np.where(sent, 0, cells).sum(axis=0, dtype=np.int64)
    rest_code, total_code = floatcodes.encode(np.stack([rest, total]), 5, 3)
    codes = floatcodes.encode(cells >> config.dropped_bits, 4, 3)
    # Sent cells first, in ascending order.
    order = np.argsort(~sent, axis=0, kind="stable")
    codes = np.take_along_axis(codes, order, axis=0)
    counts = sent.sum(axis=0)

    words = np.zeros((events, 26), np.uint16)
    lengths = np.zeros(events, np.int64)
    for count in np.flatnonzero(np.bincount(counts, minlength=1)).tolist():
        rows = np.flatnonzero(counts == count)
        writer = FrameWriter(len(rows))
        writer.put(header[rows], 5)
        writer.put(NONE if count == 0 else ADDRESSES if count < MAP_FROM else MAP, 3)
        writer.put(rest_code[rows], 8)
        if count >= MAP_FROM:
            writer.put_map(sent[:, rows], tc0_first=config.tc0_first)
        elif count:
            writer.put(count, 3)
            for address in order[:count, rows]:
                writer.put(address, 6)
        for code in codes[:count, rows]:
            writer.put(code, 7)
        words[rows] = writer.halfwords
        lengths[rows] = -(-writer.bits // 16)
    truncated = header << 11 | TRUNCATED << 8 | total_code
    idle = header << _SYNC_BITS | config.sync_word & (1 << _SYNC_BITS) - 1
    return Queue(words, lengths, truncated.astype(np.uint16), idle.astype(np.uint16))


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13), of charges (n, 48) of consecutive crossings; the buffer starts empty."""
    queue = build(config, charges, crossing)
    halves = transmit(queue, 2 * config.elinks, config.buff_t1, config.buff_t2, config.buff_t3)
    return join_halfwords(halves)
