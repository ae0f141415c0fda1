"""What a track or a crossing of a shower leaves in the silicon, in MIPs."""

from __future__ import annotations

import numpy as np

from econ_ae.data.synthetic.endcaps.settings import Showers
from econ_ae.data.synthetic.particles import Real

_EULER = 0.5772156649  # mean of the Moyal distribution's variable is this plus ln 2


def tracks(rng: np.random.Generator, s: Showers, n: int) -> Real:
    """Return Moyal-distributed charges with the most probable value 1, as ``synthetic.showers`` has them."""
    square = np.square(rng.standard_normal(n, dtype=np.float32))
    out: Real = 1 - np.float32(s.landau_width) * np.log(np.maximum(square, np.float32(1e-12)))
    return out


def spot_charges(rng: np.random.Generator, s: Showers, n: int, *, heavy: bool) -> Real:
    """Return charges of places of a shower, float32 (n,), with the mean of ``mean_charge``.

    Electromagnetic: one crossing and a Poisson number of companions, which have equal charges. Of a hadronic shower's
    other part: exponential.
    """
    if heavy:
        return rng.standard_exponential(n, dtype=np.float32) * np.float32(s.hadron_mips)
    charge = _crossings(rng, s, n)
    companions = rng.poisson(s.companions, n)
    some = np.flatnonzero(companions)
    charge[some] += companions[some] * _crossings(rng, s, len(some))
    return charge


def mean_charge(s: Showers, *, heavy: bool) -> float:
    """Return the mean charge of a place."""
    return s.hadron_mips if heavy else 1 + s.companions


def deviation(s: Showers, *, heavy: bool) -> float:
    """Return the standard deviation of the charge of a place."""
    if heavy:
        return s.hadron_mips
    above = 1 + s.landau_width * (_EULER + np.log(2))
    square = s.partial / 3 + (1 - s.partial) * (above**2 + (s.landau_width * np.pi) ** 2 / 2)
    one = square / _mean(s) ** 2  # second moment of a crossing
    c = s.companions
    return float(np.sqrt(one - 1 + (c + c * c) * one - c * c))


def _crossings(rng: np.random.Generator, s: Showers, n: int) -> Real:
    """Return charges of crossings with the mean 1: some uniform below a MIP, the others as tracks."""
    charge = tracks(rng, s, n)
    part = rng.random(n, dtype=np.float32)
    below = part < s.partial
    charge[below] = part[below] / np.float32(max(s.partial, 1e-9))
    charge /= np.float32(_mean(s))
    return charge


def _mean(s: Showers) -> float:
    return s.partial / 2 + (1 - s.partial) * (1 + s.landau_width * (_EULER + np.log(2)))
