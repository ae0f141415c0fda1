"""Frames of best choice with adaptive precision: mode, which cells, and n bits for each of them.

A frame of L eLinks has 32 L bits: the 5-bit header of the chip's autoencoder frame, the 5E4M code of the module sum,
3 bits of mode n = 1..7, and

- ``map``: 48 bits, one per cell, and n bits for each sent cell in the order of the cells;
- ``enumerated``: 6 bits of count, the rank of the set among those of its size, and n bits for each sent cell;
- ``joined``: one number for all the rest: sets of fewer cells come first, the codes are its lowest bits. Only where it
  fits 62 bits (1 and 2 eLinks); count and rank then cost at most one bit more than the rank alone.

Everything behind the last bit is 0. Which cells have charge and are not sent matters to the receiver, so a frame says
whether it is the whole. It is when it holds ``most`` cells or any number below but ``cut``, the number that is sent
where not all fit; in a frame of ``cut`` cells the last bit (``map``), the count (``enumerated``: the one above ``most``
stands for a cut) or a range of the numbers (``joined``) tells. ``cut`` is ``most`` where there is room for that, else
smaller.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from math import comb

from econ_ae.econt.autoencoder import SUM_BITS
from econ_ae.econt.frame import ETX
from econ_ae.errors import ConfigError
from metrics.rivals.ranks import CELLS, rank_bits

HEADER_BITS = 5
MODE_BITS = 3
COUNT_BITS = 6
MODES = tuple(range(1, 1 << MODE_BITS))
"""Bits per sent cell."""

_WORD = 32
_LONGEST_NUMBER = 62


class Form(enum.StrEnum):
    """How a frame says which cells it holds."""

    MAP = "map"
    ENUMERATED = "enumerated"
    JOINED = "joined"


@dataclass(frozen=True)
class Layout:
    """Where everything is in a frame.

    Parameters
    ----------
    form : how the sent cells are named
    elinks : 1..13

    Raises
    ------
    ConfigError
        When no cell fits such a frame, or the joined number is longer than 62 bits.
    """

    form: Form
    elinks: int

    def __post_init__(self) -> None:
        if not 1 <= self.elinks <= ETX:
            raise ConfigError(f"{self.elinks} eLinks; expected 1..{ETX}")
        if self.form is Form.JOINED and self.number_bits > _LONGEST_NUMBER:
            raise ConfigError(f"joined positions at {self.elinks} eLinks; expected at most 2, where they fit 62 bits")
        if not self.modes:
            raise ConfigError(f"no cell fits a frame of {self.elinks} eLinks with positions {self.form}")

    @cached_property
    def cut(self) -> tuple[int, ...]:
        """Cells that are sent where not all fit, by bits per cell."""
        return (0, *(next(k for k in range(self.most[n], -1, -1) if self._tells(n, k)) for n in MODES))

    def _tells(self, n: int, cells: int) -> bool:
        """Tell whether a frame of so many cells has room to say that there are more."""
        if self.form is Form.MAP:
            return self.payload - MODE_BITS - CELLS > n * cells
        if self.form is Form.ENUMERATED:
            return True
        return not self.most[n] or states(n, self.most[n]) + exact_states(n, cells) <= 1 << self.number_bits

    @property
    def payload(self) -> int:
        """Bits behind header and sum."""
        return _WORD * self.elinks - HEADER_BITS - SUM_BITS

    @property
    def number_bits(self) -> int:
        """Bits behind the mode."""
        return self.payload - MODE_BITS

    @cached_property
    def most(self) -> tuple[int, ...]:
        """Most cells that fit, by bits per cell; entry 0 is no mode."""
        return (0, *(self._most(n) for n in MODES))

    @cached_property
    def modes(self) -> tuple[int, ...]:
        """Bits per cell at which a cell fits."""
        return tuple(n for n in MODES if self.most[n])

    @property
    def bits(self) -> int:
        """Bits of the longest payload; the rest of the frame is 0."""
        return max(self._used(n) for n in self.modes)

    def _used(self, n: int) -> int:
        most = self.most[n]
        if self.form is Form.MAP:
            return MODE_BITS + CELLS + n * most
        if self.form is Form.ENUMERATED:
            return MODE_BITS + COUNT_BITS + max(rank_bits(k) + n * k for k in range(most + 1))
        return MODE_BITS + (states(n, most) - 1).bit_length()

    def _most(self, n: int) -> int:
        if self.form is Form.MAP:
            return max(0, min(CELLS, (self.payload - MODE_BITS - CELLS) // n))
        room = self.payload - MODE_BITS - COUNT_BITS
        most = 0
        # Ranks of more than 24 cells become shorter again, but a count is allowed only when all smaller ones fit.
        while most < CELLS:
            k = most + 1
            if self.form is Form.ENUMERATED and rank_bits(k) + n * k > room:
                break
            if self.form is Form.JOINED and states(n, k) > 1 << self.number_bits:
                break
            most = k
        return most


def forms(elinks: int) -> tuple[Layout, ...]:
    """Return the layouts that exist at an eLink count, the one with a map first."""
    found = []
    for form in Form:
        try:
            found.append(Layout(form, elinks))
        except ConfigError:
            continue
    return tuple(found)


def states(n: int, most: int) -> int:
    """Return how many (set of at most ``most`` cells, codes) there are with n bits for each cell."""
    return sum(comb(CELLS, k) << n * k for k in range(most + 1))


def exact_states(n: int, cells: int) -> int:
    """Return how many (set of ``cells`` cells, codes) there are."""
    return comb(CELLS, cells) << n * cells
