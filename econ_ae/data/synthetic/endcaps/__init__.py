"""Whole events of both endcaps: particles followed through all layers and neighbouring modules, with their truth.

``docs/synthetic.md`` has the physics, the sources and the comparison with full simulation. Event i of a seed is the
same whatever the number of events and the chunks they are made in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Provenance
from econ_ae.data.synthetic.endcaps.deposits import Spots, spots
from econ_ae.data.synthetic.endcaps.front_end import sent
from econ_ae.data.synthetic.endcaps.layers import depths
from econ_ae.data.synthetic.endcaps.layout import Layout, layout
from econ_ae.data.synthetic.endcaps.particles import Flying, Shot, around, flying, pileup, shot
from econ_ae.data.synthetic.endcaps.settings import (
    PILEUP_200,
    QUIET,
    EndcapParameters,
    FrontEnd,
    Gun,
    Showers,
    Tracker,
)
from econ_ae.data.synthetic.parameters import Pileup
from econ_ae.data.truth import KINDS, Truth
from econ_ae.data.whole_events import WholeEvents, joined, of_columns
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY, FloatArray, WaferGeometry

__all__ = [
    "PILEUP_200",
    "QUIET",
    "EndcapParameters",
    "FrontEnd",
    "Gun",
    "Pileup",
    "Showers",
    "Tracker",
    "chunks",
    "generate",
]

BLOCK = 8
"""Events that share a random stream; the cells of a block are held in memory, 42 MB."""

_SHOT, _PILEUP, _FRONT_END = range(3)  # random streams
_LEAST_RESPONSE = 0.1


def generate(
    events: int, seed: int, parameters: EndcapParameters | None = None, geometry: WaferGeometry = LOW_DENSITY
) -> WholeEvents:
    """Generate events 0 to ``events`` - 1; the same seed and parameters give the same in any process.

    Parameters
    ----------
    events : at least 1
    seed : at least 0
    parameters : None for the defaults: two electrons of equal pT in every event, flat 1-100 GeV, no pileup

    Returns
    -------
    The modules with charge, as ``whole_events.from_npz`` reads them, and the truth.

    Raises
    ------
    ConfigError
        When a number or a parameter is out of range.
    """
    return joined(list(chunks(events, seed, parameters, geometry)))


def chunks(
    events: int, seed: int, parameters: EndcapParameters | None = None, geometry: WaferGeometry = LOW_DENSITY
) -> Iterator[WholeEvents]:
    """Generate the same events in blocks of ``BLOCK``.

    Raises
    ------
    ConfigError
        As ``generate``.
    """
    if events < 1 or seed < 0:
        raise ConfigError(f"{events} whole events with seed {seed}; expected at least 1 event and a seed of 0 or more")
    p = parameters or EndcapParameters()
    digest = hashlib.sha256(repr((seed, geometry.name, p)).encode()).hexdigest()
    what = ", ".join(p.gun.kinds) or "no particles"
    source = f"generated whole events: {what}, pileup {p.pileup.mu:g}, seed {seed}"
    provenance = Provenance(source, synthetic=True, sha256=digest)
    maker = _Maker(seed, p, layout(geometry), provenance, geometry)
    for first in range(0, events, BLOCK):
        yield maker.block(first, min(BLOCK, events - first))


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes blocks of events; parameters as those of ``chunks``."""

    seed: int
    parameters: EndcapParameters
    modules: Layout
    provenance: Provenance
    geometry: WaferGeometry

    @property
    def cells(self) -> int:
        """Trigger cells of both endcaps."""
        return 2 * len(self.modules) * self.geometry.cells

    def block(self, first: int, events: int) -> WholeEvents:
        """Return the events from ``first`` on, at most ``BLOCK``."""
        p = self.parameters
        rng = np.random.default_rng([self.seed, _SHOT, first // BLOCK])
        shots = shot(rng, p.gun, p.tracker, BLOCK)
        particles = flying(rng, shots, p.tracker)
        response = np.maximum(1 + p.showers.spread * rng.standard_normal(len(shots.event)), _LEAST_RESPONSE)
        particles = replace(particles, energy=particles.energy * response[particles.truth].astype(np.float32))
        mips, found, hit = self._followed(rng, particles, BLOCK)
        left = found.mips[hit] * self.modules.layers.gev_per_mip[found.layer[hit]]
        energy = np.bincount(particles.truth[found.particle[hit]], left, len(shots.event)).astype(np.float64)
        counts_per_mip = np.tile(np.repeat(self.modules.counts_per_mip, self.geometry.cells), 2)
        kept, codes = [], []
        for i in range(events):
            if p.pileup.mu:
                mine = Shot(*(column[shots.event == i] for column in vars(shots).values()))
                mips[i] += self._pileup(first + i, mine)
            rng = np.random.default_rng([self.seed, _FRONT_END, first + i])
            cell, code = sent(rng, mips[i], counts_per_mip, p.front_end)
            kept.append(cell + i * self.cells)
            codes.append(code)
        columns = _columns(np.concatenate(kept), np.concatenate(codes), first, self.modules, self.geometry)
        whole = of_columns(columns, depths(), self.provenance, self.geometry)
        return replace(whole, truth=_truth(shots, energy, first, events))

    def _pileup(self, event: int, shots: Shot) -> FloatArray:
        """Return the charge of an event's pileup in all cells.

        Parameters
        ----------
        shots : of the event
        """
        rng = np.random.default_rng([self.seed, _PILEUP, event])
        soft = pileup(rng, self.parameters.pileup, self.parameters.tracker)
        if self.parameters.around:
            soft = around(soft, shots, self.parameters.around)
        return self._followed(rng, soft, 1)[0][0]

    def _followed(
        self, rng: np.random.Generator, particles: Flying, events: int
    ) -> tuple[FloatArray, Spots, NDArray[np.intp]]:
        """Return the charge in all cells, float64 (events, cells), the spots, and which of them are in a cell."""
        p = self.parameters
        found = spots(rng, p.showers, p.tracker, particles, self.modules.layers)
        local = self.modules.locate(found.layer, found.x_cm, found.y_cm)
        hit = np.flatnonzero(local >= 0)
        side = (2 * particles.event + particles.side)[found.particle[hit]]
        cell = side * (len(self.modules) * self.geometry.cells) + local[hit]
        mips = np.bincount(cell, found.mips[hit], events * self.cells).astype(np.float64, copy=False)
        return mips.reshape(events, self.cells), found, hit


def _truth(shots: Shot, energy: FloatArray, first: int, events: int) -> Truth:
    """Return the truth of the first events of a block."""
    here = np.flatnonzero(shots.event < events)
    return Truth(
        event=(shots.event[here] + first).astype(np.int64),
        zside=shots.zside[here].astype(np.int64),
        pt=shots.pt[here],
        eta=shots.seen_eta[here],
        phi=shots.phi[here],
        kind=np.array(KINDS)[shots.kind[here]],
        energy_in_detector=energy[here],
    )


def _columns(
    cell: NDArray[np.intp], code: NDArray[np.uint8], first: int, modules: Layout, geometry: WaferGeometry
) -> dict[str, NDArray[Any]]:
    """Return the columns of a file of whole events, and the modules' numbers."""
    image, row = np.unique(cell // geometry.cells, return_inverse=True)
    codes = np.zeros((len(image), geometry.cells), np.uint8)
    codes[row, cell % geometry.cells] = code
    side, module = np.divmod(image, len(modules))
    numbers: dict[str, NDArray[Any]] = {"wafer_u": modules.u[module], "wafer_v": modules.v[module]}
    layer: FloatArray | NDArray[np.intp] = modules.layers.number[modules.layer[module]]
    return numbers | {
        "codes": codes,
        "event": (first + side // 2).astype(np.int32),
        "zside": np.where(side % 2, 1, -1).astype(np.int8),
        "layer": layer.astype(np.uint8),
        "wafer": modules.wafer[module].astype(np.uint16),
        "x_cm": modules.x_cm[module].astype(np.float32),
        "y_cm": modules.y_cm[module].astype(np.float32),
        "eta": modules.eta[module].astype(np.float32),
        "thickness_um": modules.thickness_um[module].astype(np.uint16),
        "gev_per_count": modules.gev_per_count[module].astype(np.float32),
    }
