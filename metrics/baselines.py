"""Idealised baselines: what the ECON-T's other algorithms keep of an image when nothing is rounded.

The receiver knows every sent charge and the image's charge sum exactly. The chip rounds both to a few bits, so the
idealisation favours the baselines, never the autoencoder, whose latents are rounded as they are sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import IndexArray, WaferGeometry

FloatArray = NDArray[np.float64]

BEST_CHOICE_CELLS = (1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48)
"""Trigger cells that best choice sends on 1..13 eLinks (ECON-T)."""

STC4X4_ELINKS = (2, 3)
"""eLink counts at which all three 4x4 sums with the maximum's address fit, and not yet all 2x2 (ECON-T STC type 1)."""

STC2X2_ELINKS = (4, 5)
"""eLink counts at which all twelve 2x2 sums with the maximum's address fit (ECON-T STC type 3, 7-bit codes)."""

CTC2X2_ELINKS = (3,)
"""eLink counts at which all twelve 2x2 sums fit without, and only without, addresses (ECON-T STC type 2)."""

_STC4X4_BITS = 3 * (4 + 9)
_STC2X2_BITS = 12 * (2 + 7)
_CTC2X2_BITS = 12 * 7

_NAMES = {
    "ae": "autoencoder",
    "bc": "best choice",
    "stc2x2": "STC 2x2",
    "ctc2x2": "CTC 2x2",
    "stc4x4": "STC 4x4",
    "flat": "flat image",
    "ts": "threshold sum",
    "rpt": "repeater",
    "abc": "adaptive precision",
    "ccc": "companded cell code",
}
_VARIANTS = {
    ("ae", "pulses"): "cells as pulses",
    ("bc", "plain"): "unsent cells zero",
    ("bc", "filled"): "unsent charge spread evenly over the unsent cells",
    ("stc2x2", "plain"): "group sum at the group's maximum cell",
    ("stc4x4", "plain"): "group sum at the group's maximum cell",
    ("stc2x2", "filled"): "group sum spread evenly over the group's cells",
    ("stc4x4", "filled"): "group sum spread evenly over the group's cells",
    ("ctc2x2", "filled"): "group sum, sent without an address, spread evenly over the group's cells",
    ("flat", "plain"): "nothing sent",
    ("ts", "plain"): "cells below the threshold zero",
    ("ts", "filled"): "unsent charge spread evenly over the unsent cells",
    ("rpt", "plain"): "every cell sent",
    ("abc", "map"): "best choice with n bits per cell, n by event; a map of the sent cells",
    ("abc", "enumerated"): "best choice with n bits per cell, n by event; count and rank of the sent cells",
    ("abc", "joined"): "best choice with n bits per cell, n by event; count, rank and codes as one number",
    ("ccc", ""): "every cell the same log-spaced code",
}


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Images as the receiver sees them.

    Parameters
    ----------
    algorithm : ``ae``, ``bc``, ``stc2x2``, ``ctc2x2``, ``stc4x4``, ``ts``, ``rpt``, ``abc``, ``ccc``, ``flat``, or any
        other name
    variant : ``plain``, ``filled``, or what distinguishes two reconstructions of one algorithm
    elinks : output links that it takes; None when it sends nothing
    bits : payload bits per bunch crossing, without header and charge sum; None when unknown
    charges : float64 (n, cells), any scale
    frame_bits : bits that the frame fills, header and charge sum included, mean per crossing; None when unknown
    scaled : whether ``charges`` are CALQ counts, so that sums can be compared with the input's
    """

    algorithm: str
    variant: str
    elinks: int | None
    bits: int | None
    charges: FloatArray
    frame_bits: float | None = None
    scaled: bool = True

    @property
    def name(self) -> str:
        """The algorithm in words."""
        return _NAMES.get(self.algorithm, self.algorithm)

    @property
    def detail(self) -> str:
        """The variant in words; empty when it has none."""
        return _VARIANTS.get((self.algorithm, self.variant), self.variant)

    @property
    def label(self) -> str:
        """Algorithm and variant in words, for example ``best choice, unsent cells zero``."""
        return f"{self.name}, {self.detail}" if self.detail else self.name


def best_choice(charges: FloatArray, cells: int, *, fill: bool) -> FloatArray:
    """Return images with the ``cells`` largest charges kept, float64 (n, all cells).

    Parameters
    ----------
    charges : (n, all cells)
    cells : how many are kept; of equal charges the lower trigger-cell number is
    fill : spread the charge of the others evenly over them, instead of dropping it
    """
    order = np.argsort(-charges, axis=1, kind="stable")
    kept = np.zeros(charges.shape, dtype=bool)
    np.put_along_axis(kept, order[:, :cells], True, axis=1)
    unsent = charges.shape[1] - cells
    if not fill or unsent <= 0:
        return np.where(kept, charges, 0.0)
    rest = np.where(kept, 0.0, charges).sum(axis=1, keepdims=True)
    return np.where(kept, charges, rest / unsent)


def super_trigger_cells(charges: FloatArray, groups: IndexArray, *, fill: bool) -> FloatArray:
    """Return images with each group's sum at its maximum cell, float64 (n, cells).

    Parameters
    ----------
    charges : (n, cells)
    groups : (groups, cells per group) trigger cells in the chip's order; of equal maxima the last counts (spec 8.2)
    fill : spread the sum evenly over the group's cells instead
    """
    grouped = charges[:, groups]
    sums = grouped.sum(axis=2)
    out = np.zeros(charges.shape)
    if fill:
        out[:, groups] = (sums / groups.shape[1])[:, :, None]
        return out
    last_maximum = groups.shape[1] - 1 - np.argmax(grouped[:, :, ::-1], axis=2)
    np.put_along_axis(out, groups[np.arange(len(groups)), last_maximum], sums, axis=1)
    return out


def flat_image(charges: NDArray[np.generic]) -> Reconstruction:
    """Return equal charge in every cell of every event: what a receiver has when nothing is sent."""
    return Reconstruction("flat", "plain", None, 0, np.ones(charges.shape), 0.0, scaled=False)


def best_choice_bits(cells: int) -> int:
    """Return payload bits of a best-choice frame: 7-bit codes with 6-bit addresses or a 48-bit map (spec 8.3)."""
    return 13 * cells if cells < 8 else 48 + 7 * cells


def baselines(
    charges: NDArray[np.generic], geometry: WaferGeometry, elinks: Iterable[int] = (2, 3, 4, 5)
) -> list[Reconstruction]:
    """Return every baseline of the given eLink counts, plain and filled, and the flat image.

    Super trigger cells appear where their frame fits all groups: 4x4 at 2 and 3 eLinks, 2x2 at 4 and 5. Coarse
    trigger cells, the 2x2 sums without addresses, appear at 3.

    Parameters
    ----------
    charges : (n, cells) charges of the input images
    elinks : eLink counts, each 1..13

    Raises
    ------
    ConfigError
        When an eLink count is outside 1..13.
    DataError
        When ``charges`` has another number of cells than the geometry.
    """
    image = np.asarray(charges, dtype=np.float64)
    if image.ndim != 2 or image.shape[1] != geometry.cells:
        raise DataError(f"charges have shape {image.shape}; expected (n, {geometry.cells})")
    most = len(BEST_CHOICE_CELLS)
    out = [flat_image(image)]
    # One array for all eLink counts of an STC: equal arrays are evaluated once.
    stc = {
        (name, fill): super_trigger_cells(image, groups, fill=fill)
        for name, groups in (("stc4x4", geometry.stc16), ("stc2x2", geometry.stc4))
        for fill in (False, True)
    }
    stc_at = dict.fromkeys(STC4X4_ELINKS, ("stc4x4", _STC4X4_BITS))
    stc_at |= dict.fromkeys(STC2X2_ELINKS, ("stc2x2", _STC2X2_BITS))
    for links in elinks:
        if not 1 <= links <= most:
            raise ConfigError(f"{links} eLinks; the ECON-T has 1..{most}")
        if links in CTC2X2_ELINKS:
            out.append(Reconstruction("ctc2x2", "filled", links, _CTC2X2_BITS, stc["stc2x2", True]))
        for fill, variant in ((False, "plain"), (True, "filled")):
            if links in stc_at:
                name, bits = stc_at[links]
                out.append(Reconstruction(name, variant, links, bits, stc[name, fill]))
            cells = BEST_CHOICE_CELLS[links - 1]
            kept = best_choice(image, cells, fill=fill)
            out.append(Reconstruction("bc", variant, links, best_choice_bits(cells), kept))
    return out
