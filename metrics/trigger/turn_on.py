"""Turn-on curves of a threshold on clusters, and the rate that pileup alone makes above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erf

from metrics.statistics import Measured

FloatArray = NDArray[np.float64]

CROSSINGS_MHZ = 2760 * 11245.6e-6
"""Rate of filled bunch crossings of the high-luminosity LHC: 2760 bunches at the revolution frequency."""

POINT = 0.95
_SIGMAS = 1.6448536269514722  # of a Gaussian, where its integral is 95 %
_FEWEST = 40
_TINY = 1e-9


@dataclass(frozen=True)
class TurnOn:
    """Efficiency plateau / 2 (1 + erf((pT - half) / (sqrt(2) width)))."""

    half: float
    width: float
    plateau: float

    @property
    def point(self) -> float:
        """The pT where the efficiency is 95 % of the plateau, GeV."""
        return self.half + _SIGMAS * self.width

    def efficiency(self, pt: FloatArray) -> FloatArray:
        """Return the efficiency at some pT."""
        out: FloatArray = self.plateau / 2 * (1 + erf((pt - self.half) / (np.sqrt(2) * self.width)))
        return out


def fit_turn_on(pt: FloatArray, found: FloatArray, threshold: float) -> TurnOn | None:
    """Return the most likely turn-on of a threshold; None where fewer than 40 particles or only one kind are there.

    Parameters
    ----------
    pt : float64 (n,), true pT, GeV
    found : float64 (n,), pT of the particle's cluster, 0 when it has none, GeV
    threshold : on the cluster's pT, GeV
    """
    passed = found >= threshold
    if len(pt) < _FEWEST or passed.all() or not passed.any():
        return None

    def curve(p: FloatArray) -> TurnOn:
        return TurnOn(float(threshold * np.exp(p[0])), float(threshold * np.exp(p[1])), float(1 / (1 + np.exp(-p[2]))))

    def loss(p: FloatArray) -> float:
        chance = np.clip(curve(p).efficiency(pt), _TINY, 1 - _TINY)
        return float(-np.where(passed, np.log(chance), np.log(1 - chance)).mean())

    start = np.array([0.1, np.log(0.15), 4.0])
    found_at = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 400, "xatol": 1e-4, "fatol": 1e-7})
    return curve(found_at.x)


def points(pt: FloatArray, found: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the 95 % points of thresholds, float64; NaN where there is no turn-on."""
    curves = [fit_turn_on(pt, found, threshold) for threshold in thresholds.tolist()]
    return np.array([np.nan if one is None else one.point for one in curves])


def efficiencies(pt: FloatArray, found: FloatArray, threshold: float, edges: FloatArray) -> tuple[FloatArray, ...]:
    """Return mean efficiency, its error (``share_error``) and the number of particles in bins of true pT.

    The efficiency of an empty bin is NaN.
    """
    index = np.digitize(pt, edges) - 1
    inside = (index >= 0) & (index < len(edges) - 1)
    count = np.bincount(index[inside], minlength=len(edges) - 1).astype(np.float64)
    weights = (found[inside] >= threshold).astype(np.float64)
    passed = np.bincount(index[inside], weights, len(edges) - 1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = passed / count
    return mean, share_error(passed, count), count


def share_error(passed: FloatArray, count: FloatArray) -> FloatArray:
    """Return the errors of shares: deviations of Beta(passed + 1/2, others + 1/2), above 0 also where none or all pass.

    The posterior of a binomial share with Jeffreys' prior.
    """
    a, b = passed + 0.5, count - passed + 0.5
    out: FloatArray = np.sqrt(a * b / (a + b + 1)) / (a + b)
    return out


def rate(highest: FloatArray, threshold: float) -> Measured:
    """Return the rate of ``rates`` with its error, MHz; NaN without events."""
    if not len(highest):
        return Measured(float("nan"), float("nan"))
    passed = np.array([float((highest >= threshold).sum())])
    error = share_error(passed, np.array([float(len(highest))]))
    return Measured(CROSSINGS_MHZ * float(passed[0]) / len(highest), CROSSINGS_MHZ * float(error[0]))


def rate_change(highest: FloatArray, of: FloatArray, threshold: float) -> Measured:
    """Return by how much a rate differs from another of the same events, MHz: exactly 0 for equal clusters.

    Only events that pass in one of both count. The error is the deviation of the difference of both shares under a
    Dirichlet distribution with 1/2 added to each number, so few such events, or none, do not make it 0.

    Parameters
    ----------
    highest, of : float64 (events,), the hardest cluster of each event as both algorithms have it
    """
    if not len(highest):
        return Measured(float("nan"), float("nan"))
    one, other = highest >= threshold, of >= threshold
    more, fewer = float((one & ~other).sum()), float((other & ~one).sum())
    value = CROSSINGS_MHZ * (more - fewer) / len(highest)
    if np.array_equal(highest, of):
        return Measured(value, 0.0)
    a, b, whole = more + 0.5, fewer + 0.5, len(highest) + 1.5
    variance = ((a + b) / whole - ((a - b) / whole) ** 2) / (whole + 1)
    return Measured(value, CROSSINGS_MHZ * float(np.sqrt(variance)))


def rates(highest: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the rate of crossings with a cluster at or above thresholds, MHz.

    Parameters
    ----------
    highest : float64 (events,), pT of the hardest cluster of each, 0 without one
    """
    if not len(highest):
        return np.full(len(thresholds), np.nan)
    return CROSSINGS_MHZ * (highest[:, None] >= thresholds).mean(axis=0)
