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

    Electromagnetic: some have a part of a MIP, uniform; the others one crossing and a geometric number of companions,
    which have equal charges. Of a hadronic shower's other part: exponential.
    """
    if heavy:
        return rng.standard_exponential(n, dtype=np.float32) * np.float32(s.hadron_mips)
    charge = rng.random(n, dtype=np.float32)
    whole = np.flatnonzero(rng.random(n, dtype=np.float32) >= s.partial)
    charge[whole] = tracks(rng, s, len(whole))
    # The number of failures before a success, of which the mean is that of the companions.
    companions = rng.geometric(1 / (1 + s.companions), len(whole)) - 1
    more = np.flatnonzero(companions)
    charge[whole[more]] += companions[more] * tracks(rng, s, len(more))
    return charge


def mean_charge(s: Showers, *, heavy: bool) -> float:
    """Return the mean charge of a place."""
    return s.hadron_mips if heavy else s.partial / 2 + (1 - s.partial) * _moments(s)[0] * (1 + s.companions)


def deviation(s: Showers, *, heavy: bool) -> float:
    """Return the standard deviation of the charge of a place."""
    if heavy:
        return s.hadron_mips
    (mean, square), c = _moments(s), s.companions
    # One track and k times another, where k has the mean c and the mean square c + 2 c^2.
    whole = square + 2 * c * mean**2 + (c + 2 * c * c) * square
    return float(np.sqrt(s.partial / 3 + (1 - s.partial) * whole - mean_charge(s, heavy=False) ** 2))


def _moments(s: Showers) -> tuple[float, float]:
    """Return mean and mean square of a track's charge."""
    mean = 1 + s.landau_width * (_EULER + np.log(2))
    return float(mean), float(mean**2 + (s.landau_width * np.pi) ** 2 / 2)
