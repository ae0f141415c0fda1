"""Super Trigger Cell: sums of neighbouring cells and the address of the largest one (spec 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import FrameWriter, Words, header4
from econ_ae.econt.frontend import by_cell
from econ_ae.errors import ConfigError


@dataclass(frozen=True)
class StcType:
    """What one super trigger cell type sends.

    Parameters
    ----------
    name : the chip's name, for example STC4_9
    size : trigger cells in a group
    exponent : exponent bits of the sum's float code
    mantissa : mantissa bits
    drops : whether the sum loses the ``drop_lsb`` bits first
    address_bits : bits of the largest cell's position in the group, 0 when it is not sent
    sent : groups sent on 1, 2, 3, ... eLinks; the last entry holds for more
    """

    name: str
    size: int
    exponent: int
    mantissa: int
    drops: bool
    address_bits: int
    sent: tuple[int, ...]

    @property
    def groups(self) -> int:
        """Groups on the chip."""
        return CELLS // self.size

    @property
    def code_bits(self) -> int:
        """Bits of a group's code."""
        return self.exponent + self.mantissa

    def groups_sent(self, elinks: int) -> int:
        """Return how many groups fit ``elinks`` links; more links than needed send all groups."""
        return self.sent[min(elinks, len(self.sent)) - 1]


TYPES = (
    StcType("STC4_9", 4, 5, 4, False, 2, (2, 5, 8, 11, 12)),
    StcType("STC16_9", 16, 5, 4, False, 4, (2, 3)),
    StcType("CTC4_7", 4, 4, 3, True, 0, (4, 8, 12)),
    StcType("STC4_7", 4, 4, 3, True, 2, (3, 6, 10, 12)),
)


def stc_type(number: int) -> StcType:
    """Return the type behind the ``stc_type`` register; ConfigError for type 4, of which no output is published."""
    if number >= len(TYPES):
        raise ConfigError(
            f"super trigger cell type {number} has no published test vectors, so its format is unknown; "
            f"expected stc_type 0..{len(TYPES) - 1}"
        )
    return TYPES[number]


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13), of charges (n, 48): {header4, addresses, codes}, group 0 first."""
    kind = stc_type(config.stc_type)
    cells = by_cell(charges)
    grouped = cells.reshape(kind.groups, kind.size, -1)[: kind.groups_sent(config.elinks)]
    sums = grouped.sum(axis=1, dtype=np.int64)
    writer = FrameWriter(cells.shape[1])
    writer.put(header4(crossing), 4)
    if kind.address_bits:
        # The highest index wins a tie.
        for address in kind.size - 1 - grouped[:, ::-1].argmax(axis=1):
            writer.put(address, kind.address_bits)
    for code in floatcodes.encode(sums >> (config.dropped_bits if kind.drops else 0), kind.exponent, kind.mantissa):
        writer.put(code, kind.code_bits)
    return writer.words
