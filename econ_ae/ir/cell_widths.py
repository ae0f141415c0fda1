"""Largest values inside the operations on cells, and so the widths of everything between them.

All bounds follow from the formats and modes of a model, whatever the learned values are. With F the fraction of the
normalised charges: a charge is at most the sum of all, so that x < 2**(F+1), and so is the sum of all x, because the
floors only make it smaller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from econ_ae.ir.cells import Apportion, Choose, Fields, Mode
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity

RECIPROCAL_BITS = 18
"""The reciprocal is 2**18 divided by the leading bits of the sum (``ir.cells.Apportion``)."""
MANTISSA_BITS = 8
"""Bits of the sum behind its leading one that the reciprocal sees."""
SCALE_SHIFT = 6
"""Bits that the product of pulses and reciprocal loses."""
PRODUCT_SHIFT = RECIPROCAL_BITS - MANTISSA_BITS - SCALE_SHIFT
"""Bits that the product of charge and scale loses, beside the exponent of the sum."""


def width(largest: int) -> int:
    """Return the bits of an unsigned number up to ``largest``, at least one."""
    return max(largest.bit_length(), 1)


@dataclass(frozen=True)
class CellWidths:
    """The bounds of one model of cells.

    Parameters
    ----------
    model : a valid model of cells
    """

    model: EncoderModel

    @property
    def cells(self) -> int:
        """Number of cells, n."""
        return self.model.input.cells

    @property
    def choose(self) -> Choose:
        """The choice of the mode."""
        return self.model.cell_code.choose

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes."""
        return self.choose.modes

    @property
    def apportion(self) -> Apportion:
        """The apportionment."""
        return self.model.cell_code.apportion

    @property
    def fraction(self) -> int:
        """Fractional bits of a normalised charge, F."""
        return self.model.normalise.out.fraction

    @property
    def x(self) -> int:
        """Bits of a normalised charge: of its format, and no more than F + 1."""
        return min(self.model.normalise.out.width, self.fraction + 1)

    @property
    def sum(self) -> int:
        """Bits of a sum of normalised charges of different cells: F + 1."""
        return self.fraction + 1

    @property
    def exact_sum(self) -> int:
        """Largest sum of an event that is sent without loss; 0 when there is none."""
        return max(mode.exact_sum for mode in self.modes)

    @property
    def value(self) -> int:
        """Bits of what stands for a cell: its normalised charge, or without loss its charge, at most ``exact_sum``."""
        return max(self.x, self.exact_sum.bit_length())

    @property
    def count(self) -> int:
        """Bits of a number of cells, 0..n."""
        return width(self.cells)

    @property
    def rank(self) -> int:
        """Bits of a rank, 0..n-1."""
        return width(self.cells - 1)

    @property
    def slots(self) -> int:
        """Most cells that are sent."""
        return max(mode.cells for mode in self.modes)

    def sorted_value(self, rank: int) -> int:
        """Largest charge of rank r: r + 1 cells have at least as much, and all together less than 2**(F+1)."""
        return min(((1 << self.sum) - 1) // (rank + 1), (1 << self.x) - 1)

    @property
    def estimate(self) -> int:
        """Bits of the estimate of a mode: below 2**(F+1+B) + 2**B * 2**(F+1)."""
        return self.sum + self.choose.bias_fraction + 1

    def above(self, slot: int) -> tuple[Mode, ...]:
        """Return the modes that use a slot: those with more cells than its number."""
        return tuple(mode for mode in self.modes if mode.cells > slot)

    def steps(self, mode: Mode) -> int:
        """Return what a mode's pulses are before the reciprocal: (K << fraction) - offset * k."""
        return (mode.pulses << self.apportion.fraction) - self.apportion.offset * mode.cells

    def scale(self, modes: Iterable[Mode]) -> int:
        """Largest scale of some modes: the reciprocal is at most 2**10, of a power of two."""
        largest = 1 << RECIPROCAL_BITS - MANTISSA_BITS
        return max(self.steps(mode) * largest >> SCALE_SHIFT for mode in modes)

    def shares(self, mode: Mode) -> int:
        """Largest sum over some cells of charge * scale >> (exponent + 4): their charge is at most the sum.

        The sum of the charges is below (m + 1) * 2**exponent / 2**8, m its leading nine bits.
        """
        found = 0
        for mantissa in range(1 << MANTISSA_BITS, 2 << MANTISSA_BITS):
            scale = self.steps(mode) * ((1 << RECIPROCAL_BITS) // mantissa) >> SCALE_SHIFT
            found = max(found, (mantissa + 1) * scale >> MANTISSA_BITS + PRODUCT_SHIFT)
        return found

    @cached_property
    def _shares(self) -> dict[Mode, int]:
        return {mode: self.shares(mode) for mode in self.modes}

    def beyond_one(self, slot: int) -> int:
        """Largest number of pulses beyond the first of the cell in a slot, before the missing ones are given."""
        offset, fraction = self.apportion.offset, self.apportion.fraction
        return max(max(self._shares[mode] + offset >> fraction, 1) - 1 for mode in self.above(slot))

    @property
    def beyond_ones(self) -> int:
        """Largest sum of that over all cells: what each has is less than its share of the steps and the offset."""
        offset, fraction = self.apportion.offset, self.apportion.fraction
        return max(self._shares[mode] + offset * mode.cells >> fraction for mode in self.modes)

    def sent(self, slot: int) -> int:
        """Largest number of pulses beyond the first that the cell in a slot is sent with.

        The others have one at least; a cell may for a moment have one more than what is left for it.
        """
        return max(max(mode.pulses - mode.cells, mode.exact_sum - mode.cells, 0) for mode in self.above(slot))

    @property
    def spare(self) -> int:
        """Most pulses beyond one for each cell."""
        return max(mode.pulses - mode.cells for mode in self.modes)

    @property
    def fields(self) -> tuple[tuple[int, bool, Fields], ...]:
        """Number of the mode, without loss or not, and fields: all that a frame can have."""
        return tuple(
            (number, exact, mode.exact if exact else mode.shared)
            for number, mode in enumerate(self.modes)
            for exact in (False, True)
            if not exact or mode.exact_sum
        )

    def room(self, part: int) -> int:
        """Largest sum of the high parts up to this part, 0 for the first."""
        return max((fields.room for _, _, fields in self.fields if fields.parts > part), default=0)

    @property
    def parts(self) -> int:
        """Most parts that a frame has, and one where there is none."""
        return max(1, *(fields.parts for _, _, fields in self.fields))

    @property
    def position(self) -> int:
        """Bits of the rank of the positions."""
        return max(fields.bits(self.cells) - self.behind(fields) for _, _, fields in self.fields)

    @staticmethod
    def behind(fields: Fields) -> int:
        """Bits behind the rank of the positions."""
        return fields.parts * fields.low_bits + fields.high_bits

    @property
    def data(self) -> int:
        """Bits of a frame behind mode and loss."""
        return frame_capacity(self.model.elinks) - self.choose.mode_bits - 1
