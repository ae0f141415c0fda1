"""The output buffer of the threshold sum: frames wait for free links, and are cut short when it fills (spec 8.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray

FRAME_WORDS = 26
"""16-bit words that one frame writes into the buffer: the frame, then idle words."""

MEMORY_WORDS = 400
"""16-bit words of the buffer."""

_UNWRITTEN = 0xFFFF
_T2_T3_BIT = 1 << 8


@dataclass(frozen=True, eq=False)
class Queue:
    """What every crossing wants to send.

    Attributes
    ----------
    words : uint16 (n, 26), every frame padded with zeros
    lengths : int64 (n,), 16-bit words of each frame
    truncated : uint16 (n,), the word sent instead when the buffer is full; the T2/T3 variant has bit 8 set
    idle : uint16 (n,), the idle word of each crossing
    """

    words: NDArray[np.uint16]
    lengths: IntArray
    truncated: NDArray[np.uint16]
    idle: NDArray[np.uint16]


def transmit(queue: Queue, per_crossing: int, t1: int, t2: int, t3: int) -> NDArray[np.uint16]:
    """Return the words that leave in each crossing, uint16 (n, per_crossing).

    Every crossing writes behind the waiting words: its frame, filled up to 26 words with its idle word; or, when more
    than ``t1`` words would wait, or when more than ``t2`` wait and the frame has at most ``t3``, a truncated word and
    one idle word. Then the first ``per_crossing`` words leave and the others move up.

    The memory is that of the public emulator, which the published files with a nearly full buffer need: 400 words,
    0xffff at the start. What would lie beyond its end is lost, though it counts as waiting, and the last
    ``per_crossing`` words keep what they held when the others move. So old words can leave behind a truncated one.
    """
    events = len(queue.lengths)
    # Nothing is moved: in crossing t the memory is the 400 words of the stream from t * per_crossing on.
    stream = np.full(events * per_crossing + MEMORY_WORDS, _UNWRITTEN, np.uint16)
    column = np.arange(FRAME_WORDS)
    full = np.where(column < queue.lengths[:, None], queue.words, queue.idle[:, None])
    cut = np.stack([queue.truncated, queue.idle], axis=1)
    cut_behind_t2 = cut | np.array([_T2_T3_BIT, 0], np.uint16)
    waiting = 0
    for t, length in enumerate(queue.lengths.tolist()):
        start = t * per_crossing
        end = start + MEMORY_WORDS
        if waiting + length > t1:
            words, added = cut[t], 1
        elif waiting > t2 and length <= t3:
            words, added = cut_behind_t2[t], 1
        else:
            words, added = full[t], length
        if waiting < MEMORY_WORDS:
            room = words[: MEMORY_WORDS - waiting]
            stream[start + waiting : start + waiting + len(room)] = room
        stream[end : end + per_crossing] = stream[end - per_crossing : end]
        waiting = max(waiting + added - per_crossing, 0)
    return stream[: events * per_crossing].reshape(events, per_crossing)
