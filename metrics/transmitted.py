"""What a receiver makes of the chip's other algorithms, and of codes without a network, from the bits alone.

Every image goes through the chip's arithmetic to link words (``econ_ae.econt.chip``) and back
(``econ_ae.econt.decode``): charges and sums are the middles of their float codes, nothing is known exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import chip
from econ_ae.econt.autoencoder import SUM_BITS
from econ_ae.econt.best_choice import CELLS_SENT
from econ_ae.econt.config import Algorithm, EcontConfig, Numbering
from econ_ae.econt.decode import Reconstructed, reconstruct
from econ_ae.econt.super_trigger_cell import TYPES
from econ_ae.errors import ConfigError, DataError, did_you_mean
from econ_ae.geometry import WaferGeometry
from metrics.baselines import FloatArray, Reconstruction, best_choice_bits
from metrics.rivals import LEAST_ELINKS, AdaptivePrecision, CompandedCells, Pools, forms
from metrics.threshold import ThresholdStream, config_at, lowest_threshold, send

_HEADER4, _HEADER5, _BC_SUM = 4, 5, 8
_STC_NAMES = {"STC4_9": "stc2x2", "STC4_7": "stc2x2", "CTC4_7": "ctc2x2", "STC16_9": "stc4x4"}


ALGORITHMS = ("stc", "bc", "ts", "rpt", "abc", "ccc")
"""By the names of the command line: the chip's algorithms besides the autoencoder, best choice with adaptive precision,
and the companded cell code."""

REPEATER_ELINKS = 11
"""eLinks of a repeater frame: 5 header bits and 48 codes of 7 bits, whatever the register says (spec 8.1)."""

_REPEATER_BITS = 48 * 7


@dataclass(frozen=True, eq=False)
class Transmitted:
    """Reconstructions from the transmitted bits, and how the threshold sum used its links."""

    reconstructions: tuple[Reconstruction, ...]
    streams: tuple[ThresholdStream, ...]


def transmitted(
    charges: NDArray[np.integer],
    geometry: WaferGeometry,
    elinks: Iterable[int] = (2, 3, 4, 5),
    algorithms: Collection[str] = ALGORITHMS,
    tune: NDArray[np.integer] | None = None,
) -> Transmitted:
    """Return the chip's algorithms at every eLink count, plain and filled, as a receiver sees them.

    Super trigger cells appear where all their groups fit (sending some of a module's groups loses the charge of the
    others): 2x2 with the finest code, or below that the 2x2 sums without addresses and the 4x4 sums. The threshold sum
    uses the lowest threshold that truncates no frame of ``tune``. The repeater appears once, at the 11 eLinks that its
    frame takes. Cells reach the chip in the order of its default mux, which makes its groups of four and sixteen the
    2x2 and 4x4 super trigger cells. No bits are dropped; best choice and threshold sum send the sum of the cells that
    they do not send.

    The tables of adaptive precision and of the companded cell code are made of ``tune``. The former appears with every
    form of positions that fits.

    Parameters
    ----------
    charges : integers (n, 48), CALQ counts; for the threshold sum's buffer the rows are consecutive crossings
    elinks : eLink counts, each 1..13
    algorithms : some of ``ALGORITHMS``
    tune : integers (m, 48), events that choose the threshold and make the tables; None takes ``charges`` themselves

    Raises
    ------
    ConfigError
        When an eLink count is outside 1..13, or an algorithm is unknown.
    DataError
        When ``charges`` or ``tune`` has another number of cells than the geometry.
    """
    for given in (charges, charges if tune is None else tune):
        if given.ndim != 2 or given.shape[1] != geometry.cells:
            raise DataError(f"charges have shape {given.shape}; expected (n, {geometry.cells})")
    for name in algorithms:
        if name not in ALGORITHMS:
            hint = did_you_mean(name, ALGORITHMS)
            raise ConfigError(f"algorithm {name!r} is unknown; expected some of {', '.join(ALGORITHMS)}{hint}")
    order = np.argsort(geometry.postmux)
    calq = np.asarray(charges)[:, order]
    tuning = calq if tune is None else np.asarray(tune)[:, order]
    elinks = tuple(elinks)
    out: list[Reconstruction] = []
    streams: list[ThresholdStream] = []
    for links in elinks:
        if not 1 <= links <= len(CELLS_SENT):
            raise ConfigError(f"{links} eLinks; the ECON-T has 1..{len(CELLS_SENT)}")
        if "bc" in algorithms:
            out += _best_choice(calq, links, order)
        if "stc" in algorithms:
            out += [r for kind in _complete_types(links) for r in _super_trigger_cells(calq, kind, links, order)]
        if "ts" in algorithms:
            seen, stream = send(calq, config_at(links, lowest_threshold(tuning, links)))
            streams.append(stream)
            out += [
                Reconstruction("ts", variant, links, None, _by_cell(image, order), stream.mean_bits)
                for variant, image in (("plain", seen.charges), ("filled", seen.filled))
            ]
    if {"abc", "ccc"} & set(algorithms):
        out += _without_chip(np.asarray(charges), charges if tune is None else tune, geometry, elinks, algorithms)
    if "rpt" in algorithms:
        out.append(_repeater(calq, order))
    return Transmitted(tuple(out), tuple(streams))


def _without_chip(
    charges: NDArray[np.integer],
    tune: NDArray[np.integer],
    geometry: WaferGeometry,
    elinks: tuple[int, ...],
    algorithms: Collection[str],
) -> list[Reconstruction]:
    """Return the codes that no chip has, in the frame that the autoencoder would have."""
    pools = Pools(tune)
    found: list[tuple[str, str, int, AdaptivePrecision | CompandedCells]] = []
    if "abc" in algorithms:
        layouts = [layout for links in elinks for layout in forms(links)]
        found += [("abc", lay.form, lay.elinks, AdaptivePrecision.trained(lay, pools)) for lay in layouts]
    if "ccc" in algorithms:
        counts = [links for links in elinks if links >= LEAST_ELINKS]
        found += [("ccc", "", links, CompandedCells.trained(links, pools, geometry)) for links in counts]
    return [
        Reconstruction(name, variant, n, code.bits, code.decode(code.encode(charges)), code.bits + _HEADER5 + SUM_BITS)
        for name, variant, n, code in found
    ]


def _best_choice(calq: NDArray[np.integer], elinks: int, order: NDArray[np.intp]) -> list[Reconstruction]:
    best = _send(calq, EcontConfig(Numbering.PRODUCTION, Algorithm.BEST_CHOICE, elinks=elinks, use_sum=False))
    bits = best_choice_bits(CELLS_SENT[elinks - 1])
    return [
        Reconstruction("bc", variant, elinks, bits, _by_cell(seen, order), bits + _HEADER4 + _BC_SUM)
        for variant, seen in (("plain", best.charges), ("filled", best.filled))
    ]


def _repeater(calq: NDArray[np.integer], order: NDArray[np.intp]) -> Reconstruction:
    seen = _send(calq, EcontConfig(Numbering.PRODUCTION, Algorithm.REPEATER, elinks=REPEATER_ELINKS))
    frame_bits = _REPEATER_BITS + _HEADER5
    return Reconstruction("rpt", "plain", REPEATER_ELINKS, _REPEATER_BITS, _by_cell(seen.charges, order), frame_bits)


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
    frame_bits = bits + _HEADER4
    filled = Reconstruction(name, "filled", elinks, bits, _by_cell(spread, order), frame_bits)
    if not kind.address_bits:
        return [filled]
    return [Reconstruction(name, "plain", elinks, bits, _by_cell(seen, order), frame_bits), filled]


def _by_cell(chip_order: FloatArray, order: NDArray[np.intp]) -> FloatArray:
    out = np.empty_like(chip_order)
    out[:, order] = chip_order
    return out
