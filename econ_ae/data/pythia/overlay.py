"""From events to particles on a module: helix to the layer, random rotation, overlay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.pythia.events import Events
from econ_ae.data.synthetic.collisions import MARGIN_CM
from econ_ae.data.synthetic.modules import PITCH_CM, Modules
from econ_ae.data.synthetic.particles import Particles
from econ_ae.geometry import FloatArray, IndexArray

FIELD_TESLA = 3.8
_GEV_PER_TESLA_M = 0.299792458  # pT of a unit charge on a circle of 1 m in 1 T
_REACH_CM = 2 / math.sqrt(3) * (PITCH_CM / 2 + MARGIN_CM)


def helix(events: Events, z_cm: float) -> tuple[FloatArray, FloatArray]:
    """Return where particles from the interaction point cross the plane ``z_cm``: radius in cm and azimuth.

    A charge turns by z / (R sinh(eta)) on a circle of radius R = pT / (0.3 B).
    """
    straight = z_cm / np.sinh(events.eta)
    curvature = events.charge * _GEV_PER_TESLA_M * FIELD_TESLA / (100 * events.pt)  # 1 / cm
    half_turn = straight * curvature / 2
    return straight * np.abs(np.sinc(half_turn / np.pi)), _azimuth(events.phi - half_turn, half_turn)


def _azimuth(chord: FloatArray, half_turn: FloatArray) -> FloatArray:
    """Return the azimuth of a chord; it points backwards where the sine of half the turn has changed its sign."""
    return np.where(np.sinc(half_turn / np.pi) < 0, chord + np.pi, chord)


@dataclass(frozen=True, eq=False)
class Projection:
    """Events at one layer: radius (cm) and azimuth of every particle."""

    events: Events
    r_cm: FloatArray
    phi: FloatArray

    @classmethod
    def at(cls, events: Events, z_cm: float) -> Projection:
        """Project events onto a layer."""
        return cls(events, *helix(events, z_cm))

    def rows(self, chosen: IndexArray) -> tuple[IndexArray, IndexArray]:
        """Return the particles of the chosen events, and the position of each one's event in ``chosen``."""
        first, end = self.events.start[chosen], self.events.start[chosen + 1]
        count = end - first
        of = np.repeat(np.arange(len(chosen)), count)
        before = np.cumsum(count) - count
        return np.arange(len(of)) - before[of] + first[of], of


def pileup(rng: np.random.Generator, pool: Projection, interactions: int, modules: Modules, m: int) -> Particles:
    """Return the particles of random events, each turned by a random angle, on module ``m``."""
    rows, of = pool.rows(rng.integers(len(pool.events), size=interactions))
    turn = rng.uniform(0, 2 * np.pi, interactions)
    return _on_module(pool, rows, pool.phi[rows] + turn[of], modules, m)


def aimed(rng: np.random.Generator, pool: Projection, modules: Modules, m: int) -> Particles:
    """Return the particles of a random event, turned so that one of its particles meets module ``m``.

    The particle is drawn with a probability in proportion to its pT, among those at the radii of the module. An event
    that has none gives nothing.
    """
    rows, _ = pool.rows(rng.integers(len(pool.events), size=1))
    ring = rows[np.abs(pool.r_cm[rows] - modules.r_cm[m]) < PITCH_CM / 2]
    if not len(ring):
        return _on_module(pool, ring, pool.phi[ring], modules, m)
    pt = pool.events.pt[ring]
    target = rng.choice(ring, p=pt / pt.sum())
    module_phi = np.arctan2(modules.y_cm[m], modules.x_cm[m])
    aside = rng.uniform(-0.5, 0.5) * PITCH_CM / modules.r_cm[m]
    return _on_module(pool, rows, pool.phi[rows] - pool.phi[target] + module_phi + aside, modules, m)


def _on_module(pool: Projection, rows: IndexArray, phi: FloatArray, modules: Modules, m: int) -> Particles:
    x = pool.r_cm[rows] * np.cos(phi) - modules.x_cm[m]
    y = pool.r_cm[rows] * np.sin(phi) - modules.y_cm[m]
    near = np.flatnonzero(x * x + y * y < _REACH_CM**2)
    kept: NDArray[np.intp] = rows[near]
    return Particles(
        np.zeros(len(near), np.intp),
        pool.events.kind[kept],
        pool.events.p[kept].astype(np.float32),
        x[near].astype(np.float32),
        y[near].astype(np.float32),
    )
