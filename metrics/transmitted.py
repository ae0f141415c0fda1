"""What a receiver makes of the chip's other algorithms from the transmitted bits alone.

Every image goes through the chip's arithmetic to link words (``econ_ae.econt.chip``) and back
(``econ_ae.econt.decode``): charges and sums are the middles of their float codes, nothing is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import chip
from econ_ae.econt.best_choice import CELLS_SENT
from econ_ae.econt.config import Algorithm, EcontConfig, Numbering
from econ_ae.econt.decode import Reconstructed, reconstruct
from econ_ae.econt.super_trigger_cell import TYPES
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import WaferGeometry
from metrics.baselines import FloatArray, Reconstruction, best_choice_bits

_STC_NAMES = {"STC4_9": "stc2x2", "STC4_7": "stc2x2", "CTC4_7": "ctc2x2", "STC16_9": "stc4x4"}


def transmitted(
    charges: NDArray[np.integer], geometry: WaferGeometry, elinks: Iterable[int] = (2, 3, 4, 5)
) -> list[Reconstruction]:
    """Return best choice and super trigger cells at every eLink count, plain and filled, as a receiver sees them.

    Super trigger cells appear where all their groups fit (sending some of a module's groups loses the charge of the
    others): 2x2 with the finest code, or below that the 2x2 sums without addresses and the 4x4 sums. Cells reach the
    chip in the order of its default mux, which makes its groups of four and sixteen the 2x2 and 4x4 super trigger
    cells. No bits are dropped, and best choice sends the sum of the cells that it does not send.

    Parameters
    ----------
    charges : integers (n, 48), CALQ counts
    elinks : eLink counts, each 1..13

    Raises
    ------
    ConfigError
        When an eLink count is outside 1..13.
    DataError
        When ``charges`` has another number of cells than the geometry.
    """
    if charges.ndim != 2 or charges.shape[1] != geometry.cells:
        raise DataError(f"charges have shape {charges.shape}; expected (n, {geometry.cells})")
    order = np.argsort(geometry.postmux)
    calq = np.asarray(charges)[:, order]
    out: list[Reconstruction] = []
    for links in elinks:
        if not 1 <= links <= len(CELLS_SENT):
            raise ConfigError(f"{links} eLinks; the ECON-T has 1..{len(CELLS_SENT)}")
        best = _send(calq, EcontConfig(Numbering.PRODUCTION, Algorithm.BEST_CHOICE, elinks=links, use_sum=False))
        bits = best_choice_bits(CELLS_SENT[links - 1])
        for variant, seen in (("plain", best.charges), ("filled", best.filled)):
            out.append(Reconstruction("bc", variant, links, bits, _by_cell(seen, order)))
        out += [r for kind in _complete_types(links) for r in _super_trigger_cells(calq, kind, links, order)]
    return out


def _send(calq: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    return reconstruct(chip.frames(config, calq), config)


def _complete_types(elinks: int) -> list[int]:
    """Return the STC types that send all their groups: 2x2 with addresses where it fits, else the coarser kinds."""
    found: dict[str, int] = {}
    for number, kind in enumerate(TYPES):
        name = _STC_NAMES[kind.name]
        if kind.groups_sent(elinks) == kind.groups and name not in found:
            found[name] = number
    return [found["stc2x2"]] if "stc2x2" in found else list(found.values())


def _super_trigger_cells(
    calq: NDArray[np.integer], number: int, elinks: int, order: NDArray[np.intp]
) -> list[Reconstruction]:
    kind = TYPES[number]
    config = EcontConfig(Numbering.PRODUCTION, Algorithm.SUPER_TRIGGER_CELL, elinks=elinks, stc_type=number)
    seen = _send(calq, config).charges
    sums = seen.reshape(len(seen), kind.groups, kind.size).sum(axis=2)
    spread = np.repeat(sums / kind.size, kind.size, axis=1)
    name, bits = _STC_NAMES[kind.name], kind.groups * (kind.address_bits + kind.code_bits)
    filled = Reconstruction(name, "filled", elinks, bits, _by_cell(spread, order))
    if not kind.address_bits:
        return [filled]
    return [Reconstruction(name, "plain", elinks, bits, _by_cell(seen, order)), filled]


def _by_cell(chip_order: FloatArray, order: NDArray[np.intp]) -> FloatArray:
    out = np.empty_like(chip_order)
    out[:, order] = chip_order
    return out
