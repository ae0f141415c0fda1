"""The threshold sum at a fixed link budget: which threshold, how full the link is, and what a receiver sees.

Its frames have variable length and wait in a buffer, so "the same number of bits" means the same links: the threshold
is the lowest one, equal for all cells, at which no frame of the tuning events is cut short and the links carry the
mean. Lower thresholds lose whole modules (a cut frame carries the charge sum alone), higher ones leave words idle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import chip, threshold_sum
from econ_ae.econt.config import CELLS, Algorithm, EcontConfig, Numbering
from econ_ae.econt.decode import Reconstructed, reconstruct
from econ_ae.errors import DataError

IntArray = NDArray[np.int64]

WORD_BITS = 16
_WORDS = np.array([-(-threshold_sum.frame_bits(n) // WORD_BITS) for n in range(CELLS + 1)])


@dataclass(frozen=True)
class ThresholdStream:
    """How a threshold sum used its links.

    Parameters
    ----------
    elinks : output links, 2 words of 16 bits each per crossing
    threshold : CALQ counts, equal for all cells; a cell at or above it is sent
    mean_bits : bits sent per crossing, frames padded to words, idle words not counted
    capacity : bits that the links carry per crossing
    truncated : frames that the full buffer cut to the charge sum
    without_cells : frames in which no cell reached the threshold
    waiting : largest number of words in the buffer behind a crossing
    delay : longest wait of a frame's last word, crossings
    unreceived : frames that had not left the buffer when the events ended
    events : crossings
    """

    elinks: int
    threshold: int
    mean_bits: float
    capacity: int
    truncated: int
    without_cells: int
    waiting: int
    delay: int
    unreceived: int
    events: int

    @property
    def use(self) -> float:
        """Share of the link words that carry frames."""
        return self.mean_bits / self.capacity


def config_at(elinks: int, threshold: int = 0) -> EcontConfig:
    """Return the chip's reset values with these links and one threshold; the sum covers the unsent cells."""
    return EcontConfig(
        Numbering.PRODUCTION,
        Algorithm.THRESHOLD_SUM,
        elinks=elinks,
        threshold=(threshold,) * CELLS,
        use_sum=False,
    )


def fits(charges: NDArray[np.integer], threshold: int, config: EcontConfig) -> bool:
    """Tell whether no frame of consecutive crossings is truncated and the links carry all of them on average.

    As long as no frame is truncated, the buffer is a plain queue. The second condition matters for short samples, whose
    excess could end in the buffer.
    """
    lengths = _WORDS[(charges >= threshold).sum(axis=1)]
    before = _waiting_before(lengths, 2 * config.elinks)
    cut = (before + lengths > config.buff_t1) | ((before > config.buff_t2) & (lengths <= config.buff_t3))
    return not cut.any() and int(lengths.sum()) <= 2 * config.elinks * len(lengths)


def _waiting_before(lengths: IntArray, per_crossing: int) -> IntArray:
    """Words waiting when each frame arrives (Lindley's recursion): how far the walk is above its lowest point."""
    walk = np.concatenate([[0], np.cumsum(lengths - per_crossing)])
    return (walk - np.minimum.accumulate(walk))[:-1]


def lowest_threshold(charges: NDArray[np.integer], elinks: int) -> int:
    """Return the lowest threshold >= 1, CALQ counts, at which no frame of these crossings is truncated.

    Parameters
    ----------
    charges : integers (n, 48), CALQ counts of consecutive crossings

    Raises
    ------
    DataError
        When there is no crossing to tune on.
    """
    if not len(charges):
        raise DataError("the threshold of the threshold sum is chosen on events; none were given")
    config = config_at(elinks)
    # Longer frames never shorten the queue, so a higher threshold fits whenever a lower one does.
    low, high = 1, int(charges.max()) + 1
    while low < high:
        middle = (low + high) // 2
        if fits(charges, middle, config):
            high = middle
        else:
            low = middle + 1
    return low


def send(charges: NDArray[np.integer], config: EcontConfig) -> tuple[Reconstructed, ThresholdStream]:
    """Return what a receiver makes of consecutive crossings, and how the links were used.

    Idle crossings follow the events, so that the last frames leave the buffer too.

    Parameters
    ----------
    charges : integers (n, 48), CALQ counts behind the mux
    """
    n = len(charges)
    flush = -(-config.buff_t1 // (2 * config.elinks)) + 1
    padded = np.concatenate([charges, np.zeros((flush, CELLS), charges.dtype)])
    quiet = replace(config, threshold=tuple(max(t, 1) for t in config.threshold))
    seen = reconstruct(chip.frames(quiet, padded), quiet)
    counts = (charges >= np.array(quiet.threshold)).sum(axis=1)
    lengths = np.where(seen.truncated[:n], 1, _WORDS[counts])
    per_crossing = 2 * config.elinks
    before = _waiting_before(lengths, per_crossing)
    stream = ThresholdStream(
        elinks=config.elinks,
        threshold=quiet.threshold[0],
        mean_bits=float(WORD_BITS * lengths.mean()),
        capacity=WORD_BITS * per_crossing,
        truncated=int(seen.truncated[:n].sum()),
        without_cells=int(((counts == 0) & ~seen.truncated[:n]).sum()),
        waiting=int(np.maximum(before + lengths - per_crossing, 0).max()),
        delay=int((-(-(before + lengths) // per_crossing) - 1).max()),
        unreceived=int((~seen.received[:n]).sum()),
        events=n,
    )
    return Reconstructed(seen.charges[:n], seen.sent[:n], seen.total[:n], seen.received[:n], seen.truncated[:n]), stream
