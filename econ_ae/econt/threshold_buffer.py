"""The output buffer of the threshold sum: frames wait for free links, and are cut short when it fills (spec 8.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray

FRAME_WORDS = 26
"""16-bit words that one write puts into the buffer: the frame, then idle words."""

_T2_T3_BIT = np.uint16(1 << 8)


@dataclass(frozen=True, eq=False)
class Queue:
    """What every crossing wants to send: frame words (n, 26), lengths, truncated words, idle words (n,)."""

    words: NDArray[np.uint16]
    lengths: IntArray
    truncated: NDArray[np.uint16]
    idle: NDArray[np.uint16]


def transmit(queue: Queue, per_crossing: int, t1: int, t2: int, t3: int) -> NDArray[np.uint16]:
    """Return the words that leave in each crossing, uint16 (n, per_crossing).

    Every crossing writes one frame behind the waiting words (or a truncated word: when more than ``t1`` words would
    wait, or when more than ``t2`` wait and the frame has at most ``t3``), then ``per_crossing`` words leave; links
    without a waiting word carry the idle word of the crossing.

    After a truncated word only one idle word is written, so with few waiting words the array's older content leaves
    behind it, as in the public emulator; the content of the chip's own memory there is unknown. A frame's write is
    taken as 26 words, unwritten memory as 0 (our choices; no published file gets there).
    """
    events = len(queue.lengths)
    # Addresses never wrap: crossing t reads words [t * per_crossing, (t + 1) * per_crossing).
    stream = np.zeros((events + 1) * per_crossing + t1 + 2 * FRAME_WORDS, np.uint16)
    column = np.arange(FRAME_WORDS)
    full = np.where(column < queue.lengths[:, None], queue.words, queue.idle[:, None])
    waiting = 0
    for t, length in enumerate(queue.lengths.tolist()):
        at = t * per_crossing + waiting
        if waiting + length > t1:
            stream[at], stream[at + 1] = queue.truncated[t], queue.idle[t]
            length = 1  # noqa: PLW2901
        elif waiting > t2 and length <= t3:
            stream[at], stream[at + 1] = queue.truncated[t] | _T2_T3_BIT, queue.idle[t]
            length = 1  # noqa: PLW2901
        else:
            stream[at : at + FRAME_WORDS] = full[t]
        waiting = max(waiting + length - per_crossing, 0)
    return stream[: events * per_crossing].reshape(events, per_crossing)
