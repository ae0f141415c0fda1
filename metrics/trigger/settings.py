"""The numbers of the trigger's clustering, and of a MIP: where each comes from.

Most are those of CMSSW (``L1Trigger/L1THGCal/python/hgcalBackEndLayer2Producer_cfi.py``, ``HistoMaxC3d``: seeds
in (r/z, phi) with clusters whose radius depends on the layer); here they are facts with their names there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LAST_CE_E = 26
"""Last of the detector's layers in the electromagnetic section (reference README)."""

LAST_LAYER = 47
"""Of the detector's layers in this geometry."""

FC_PER_COUNT = 8 * 100 / 1024
"""Charge of one decoded count, fC: 8 steps of the front end's linear scale of 100 fC / 1024 (CMSSW, linLSB)."""

FC_PER_MIP = {120: 2.06, 200: 3.43, 300: 5.15}
"""Mean charge of a MIP by thickness in um, fC (CMSSW, ``fCPerMIP_mean``).

Check: count x 0.78125 / 5.15 x 21.875814 MeV (two layers of CE-E, ``dEdX`` weights) / 0.75 (thickness correction) is
0.0044247 GeV, the energy of a count of 300 um silicon in the CMS events, and 0.0044247 x 1.5015 x 0.75 / 0.76 that of
200 um: five digits agree.
"""

THRESHOLD_MIPT = 1.35
"""MIP_T: what the trigger keeps of a cell where its bandwidth does not matter (design of the ECON-T's threshold)."""


@dataclass(frozen=True)
class Seeding:
    """The (r/z, phi) histogram of a side, its smoothing and what makes a seed.

    Parameters
    ----------
    low, high : of r/z (``kROverZMin``, ``kROverZMax``)
    r_bins, phi_bins : ``nBins_X1_histo_multicluster``, ``nBins_X2_histo_multicluster``
    sums : bins in phi that are summed, by bin in r/z, with weight 1/2 per step (``binSumsHisto``)
    threshold : least smoothed sum of a seed, MIP_T per area (``threshold_histo_multicluster``); the area of a bin is
        that of CMSSW, whose step in r/z is the whole range of it, and contains the weights of the sum in phi
    """

    low: float = 0.076
    high: float = 0.58
    r_bins: int = 42
    phi_bins: int = 216
    sums: tuple[int, ...] = (13, *[11] * 3, *[9] * 3, *[7] * 6, *[5] * 15, *[3] * 14)
    threshold: float = 20.0

    @property
    def neighbours(self) -> NDArray[np.int64]:
        """int64 (r_bins,): bins on either side that are summed."""
        return (np.array(self.sums) - 1) // 2

    @property
    def areas(self) -> NDArray[np.float64]:
        """float64 (r_bins,): what the sum in phi of a bin is divided by."""
        step = self.high - self.low
        inner = self.low + step * np.arange(self.r_bins)
        weight = 1 + 0.5 * (1 - 0.5**self.neighbours)
        return 0.5 * ((inner + step) ** 2 - inner**2) * weight


def _radii() -> tuple[float, ...]:
    """Return 0.015 in the first 7 layers, 0.020, 0.030 and 0.040 in the next three times 7, 0.040 in 6, then 0.050."""
    steps = (0.0, *[0.015] * 7, *[0.020] * 7, *[0.030] * 7, *[0.040] * 7, *[0.040] * 6, *[0.050] * 18)
    return steps[: LAST_LAYER + 1]


@dataclass(frozen=True)
class Clustering:
    """Which cells belong to a seed, and which clusters count.

    Parameters
    ----------
    radius : by the detector's layer, distance in (x/z, y/z) below which a cell is the nearest seed's
        (``dR_multicluster_byLayer_coefficientA``; coefficient B is 0)
    least_pt : GeV, of a cluster (``minPt_multicluster``)
    shape_mipt : MIP_T that a cell must exceed to count for shapes (``shape_threshold``)
    """

    radius: tuple[float, ...] = field(default_factory=_radii)
    least_pt: float = 0.5
    shape_mipt: float = 1.0


SEEDING, CLUSTERING = Seeding(), Clustering()
