"""Operations that send some trigger cells as pulses: which cells, how many pulses for each, and their enumeration.

A mode says how many cells are sent and how many pulses they share; the encoder chooses one for every event, and every
field of a frame is as long as its mode says. Positions and pulses are numbered: the rank of a set of k of n places in
the combinatorial number system is the sum of C(place, j) over its places in rising order, j = 1..k (Knuth, The Art of
Computer Programming 4A, 7.2.1.3), and k positive numbers of a known sum are such a set too, that of the bars between
the stars. Dividing a sum among parts in whole pulses by largest remainders is pyramid vector quantisation (Fischer,
IEEE Trans. Inf. Theory 32, 1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from econ_ae.errors import ModelError

RANKED = 63
"""Most places of a ranked set: C(63, k) has at most 60 bits."""


def set_bits(places: int, size: int) -> int:
    """Return the bits that number all sets of ``size`` out of ``places``."""
    return (comb(places, size) - 1).bit_length()


@dataclass(frozen=True)
class Fields:
    """How the pulses of one event are laid into bits.

    Parameters
    ----------
    cells : cells sent, k
    parts : cells whose pulses are sent; where the sum is known, the last cell in cell order has what is left
    total : pulses of all cells together, or at most
    low_bits : least significant bits of (pulses - 1), sent as they are
    """

    cells: int
    parts: int
    total: int
    low_bits: int

    @property
    def room(self) -> int:
        """Largest sum of the parts above the low bits."""
        return max(self.total - self.cells, 0) >> self.low_bits

    @property
    def places(self) -> int:
        """Places of the set that the high parts become: one for every part and for every unit of room."""
        return self.room + self.parts

    @property
    def high_bits(self) -> int:
        """Bits of the rank of that set."""
        return set_bits(self.places, self.parts)

    def bits(self, cells: int) -> int:
        """Bits of positions among ``cells``, low bits and high parts together."""
        return set_bits(cells, self.cells) + self.parts * self.low_bits + self.high_bits


@dataclass(frozen=True)
class Mode:
    """How many cells are sent, and with how many pulses.

    Parameters
    ----------
    cells : the k largest are sent
    pulses : that they share, K
    low_bits : of (pulses - 1) of a cell, sent as they are
    exact_sum : events of ``cells`` cells whose charges sum to at most this are sent without loss; 0: none
    exact_low_bits : of (charge - 1) in such events
    """

    cells: int
    pulses: int
    low_bits: int
    exact_sum: int
    exact_low_bits: int

    @property
    def shared(self) -> Fields:
        """Fields of an event whose cells share the pulses."""
        return Fields(self.cells, self.cells - 1, self.pulses, self.low_bits)

    @property
    def exact(self) -> Fields:
        """Fields of an event that is sent without loss."""
        return Fields(self.cells, self.cells, self.exact_sum, self.exact_low_bits)


@dataclass(frozen=True)
class Order:
    """The rank of every cell: 0 for the largest normalised charge; of equal ones the cell with the lower number."""

    name: str = "order"


@dataclass(frozen=True)
class Choose:
    """The mode of every event: without loss where that fits, else the smallest estimate of what a mode costs.

    An event with as many charged cells as a mode sends and a sum of charges of at most its ``exact_sum`` is sent
    without loss in that mode, and one without charge in the first. Else the estimate of mode m is
    ``(D << bias_fraction) + bias[c][m] * s`` with D the normalised charge of the cells that are not sent, s that of all
    cells, and c the class of the event: how many of ``limits`` its number of cells with normalised charge reaches. Only
    modes with no more cells than that take part; of equal estimates the lower number wins. The biases, which say what
    the rounding to pulses costs, and the limits are learned and stand in registers.

    Parameters
    ----------
    modes : in rising number of cells, the first with one cell
    limits : in rising order, one less than there are classes
    bias : for every class one unsigned integer of ``bias_fraction`` bits per mode
    """

    modes: tuple[Mode, ...]
    limits: tuple[int, ...]
    bias: tuple[tuple[int, ...], ...]
    bias_fraction: int = 10
    name: str = "choose"

    @property
    def mode_bits(self) -> int:
        """Bits of a mode's number."""
        return max((len(self.modes) - 1).bit_length(), 1)


@dataclass(frozen=True)
class Merge:
    """A cell that is not sent gives its normalised charge to its largest neighbour, where that is sent.

    Parameters
    ----------
    neighbours : cells next to each cell
    """

    neighbours: tuple[tuple[int, ...], ...]
    name: str = "merge"


@dataclass(frozen=True)
class Apportion:
    """The pulses of every cell that is sent: at least one, together exactly those of the mode, by largest remainders.

    With g the charge of a cell, G that of all that are sent, K pulses and k cells, in ``2**-fraction`` of a pulse:
    ``t = offset + (g * (((K << fraction) - offset * k) * r >> 6) >> (e + 4))``, e = floor(log2 G),
    ``r = 2**18 // ((G << 8) >> e)`` (the reciprocal of the nine leading bits of G); pulses = max(t >> fraction, 1).
    While pulses are missing, the cells with the largest remainders of t get one each, of equal ones the lower number
    (a cell with the least of one pulse has remainder 0); the largest cell takes what is left, also when it is negative.
    Would it then have none, every other cell gets one pulse and it gets the others.

    Parameters
    ----------
    offset : where a cell's pulses begin, in ``2**-fraction`` of one: half of one would be rounding
    """

    offset: int = 6
    fraction: int = 4
    name: str = "apportion"


@dataclass(frozen=True)
class Enumerate:
    """The frame of the pulses, see ``econ_ae.econt.cell_frame``: number of the mode, without loss or not, the ranks.

    Parameters
    ----------
    elinks : 32-bit output links per bunch crossing
    """

    elinks: int
    name: str = "enumerate"


CellOp = Order | Choose | Merge | Apportion | Enumerate


@dataclass(frozen=True)
class CellCode:
    """The operations of a model that sends cells as pulses, in order."""

    order: Order
    choose: Choose
    merge: Merge | None
    apportion: Apportion
    enumerate: Enumerate


def best_mode(cells: int, of: int, bits: int, *, most_pulses: int, most_exact: int) -> Mode | None:
    """Return the mode of ``cells`` out of ``of`` cells with the most pulses whose fields fit, or None.

    Parameters
    ----------
    bits : for positions and pulses
    most_pulses, most_exact : limits that the width of the hardware sets
    """
    left = bits - set_bits(of, cells)
    if left < 0:
        return None
    pulses, low = _most(cells, cells - 1, left, most_pulses)
    exact, exact_low = _most(cells, cells, left, most_exact)
    if pulses < cells:
        return None
    return Mode(cells, pulses, low, exact if exact >= cells else 0, exact_low if exact >= cells else 0)


def _most(cells: int, parts: int, bits: int, limit: int) -> tuple[int, int]:
    """Return the largest total, and its low bits, that ``parts`` numbered parts hold in ``bits``; (0, 0) for none."""
    if parts == 0:
        return cells, 0
    best = (0, 0)
    for low in range(limit.bit_length()):
        room = -1
        while room + 1 + parts <= RANKED and parts * low + set_bits(room + 1 + parts, parts) <= bits:
            room += 1
        if room < 0:
            continue
        total = min(cells + ((room + 1) << low) - 1, limit)
        if total > best[0]:
            best = (total, low)
    return best


def modes(of: int, numbers: range, bits: int, *, most_pulses: int, most_exact: int) -> tuple[Mode, ...]:
    """Return the best mode of every number of cells whose fields fit ``bits``.

    Raises
    ------
    ModelError
        When not even one cell fits.
    """
    found = [best_mode(k, of, bits, most_pulses=most_pulses, most_exact=most_exact) for k in numbers]
    fitting = tuple(mode for mode in found if mode is not None)
    if not fitting or fitting[0].cells != 1:
        raise ModelError(f"{bits} bits hold no mode of one cell out of {of}; use more eLinks")
    return fitting
