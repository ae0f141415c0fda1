"""A calibration as the trigger applies one: true pT is a pT + b |eta| + c, which takes the pileup out on average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.electrons import Found
from metrics.trigger.match import Targets

FloatArray = NDArray[np.float64]

_FEWEST = 10


@dataclass(frozen=True)
class Calibration:
    """Scale, and an offset that grows with |eta| (CMSSW has the latter two: ``scale_correction_coeff``)."""

    scale: float = 1.0
    per_eta: float = 0.0
    offset: float = 0.0

    def apply(self, pt: FloatArray, eta: FloatArray) -> FloatArray:
        """Return calibrated pT, GeV, not below 0."""
        return np.maximum(self.scale * pt + self.per_eta * np.abs(eta) + self.offset, 0.0)


def calibration(true: FloatArray, pt: FloatArray, eta: FloatArray) -> Calibration:
    """Return the calibration with the least mean square of (calibrated - true) / true; none for fewer than 10."""
    good = np.isfinite(pt)
    if good.sum() < _FEWEST:
        return Calibration()
    columns = np.stack([pt[good], np.abs(eta[good]), np.ones(int(good.sum()))], axis=1)
    found, *_ = np.linalg.lstsq(columns / true[good, None], np.ones(len(columns)), rcond=None)
    return Calibration(*found.tolist())


def calibrated(targets: Targets, found: Found) -> Found:
    """Return electrons with calibrated pT; the calibration of an event is made of the events of the other parity."""
    pt = found.pt.copy()
    odd = targets.event % 2 == 1
    for here in (odd, ~odd):
        other = ~here
        one = calibration(targets.pt[other], found.pt[other], found.eta[other])
        pt[here] = one.apply(found.pt[here], found.eta[here])
    return replace(found, pt=pt)


def all_calibrated(targets: Targets, found: Mapping[str, Found]) -> dict[str, Found]:
    """Return the electrons of every algorithm with its own calibration."""
    return {name: calibrated(targets, one) for name, one in found.items()}
