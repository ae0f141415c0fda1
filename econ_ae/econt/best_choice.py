"""Best Choice: the largest charges with their addresses, and the sum of the rest (spec 8.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.econt.config import EcontConfig
from econ_ae.econt.frame import FrameWriter, Words, header4
from econ_ae.econt.frontend import by_cell
from econ_ae.econt.sorting_network import sort_descending

CELLS_SENT = (1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48)
"""Trigger cells sent on 1..13 eLinks."""

MAP_FROM = 8
"""From this many cells on, a 48-bit map replaces the 6-bit addresses."""

ADDRESS_BITS = 6
VALUE_BITS = 18


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13), of charges (n, 48).

    Fewer than 8 cells: {header4, sum, addresses, codes}; else {header4, sum, map48, codes}; cells in ascending order.
    """
    cells = by_cell(charges)
    events = cells.shape[1]
    values = np.minimum(cells >> config.dropped_bits, (1 << VALUE_BITS) - 1)
    count = CELLS_SENT[config.elinks - 1]
    best = sort_descending(values, ADDRESS_BITS)[:count]
    address, value = best & (1 << ADDRESS_BITS) - 1, best >> ADDRESS_BITS
    total = values.sum(axis=0, dtype=np.int64)
    rest = total if config.use_sum else total - value.sum(axis=0, dtype=np.int64)
    ascending = np.sort(address << VALUE_BITS | value, axis=0)

    writer = FrameWriter(events)
    writer.put(header4(crossing), 4)
    writer.put(floatcodes.encode(rest, 5, 3), 8)
    if count < MAP_FROM:
        for cell in ascending >> VALUE_BITS:
            writer.put(cell, ADDRESS_BITS)
    else:
        sent = np.zeros(cells.shape, np.bool_)
        np.put_along_axis(sent, address, values=True, axis=0)
        writer.put_map(sent, tc0_first=config.tc0_first)
    for code in floatcodes.encode(ascending & (1 << VALUE_BITS) - 1, 4, 3):
        writer.put(code, 7)
    return writer.words
