"""Repeater: all 48 charges as 4E3M codes (spec 8.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.econt.config import EcontConfig
from econ_ae.econt.frame import FrameWriter, Words, header5
from econ_ae.econt.frontend import by_cell


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13), of charges (n, 48): {header5, 48 codes, cell 0 first}, 341 bits.

    The number of eLinks does not shorten the frame.
    """
    cells = by_cell(charges)
    writer = FrameWriter(cells.shape[1])
    writer.put(header5(crossing), 5)
    for code in floatcodes.encode(cells >> config.dropped_bits, 4, 3):
        writer.put(code, 7)
    return writer.words
