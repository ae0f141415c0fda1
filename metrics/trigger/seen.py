"""What the trigger makes of a sample of events as one algorithm sends it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.clusters import Clusters

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """Clusters and cones of a sample.

    Attributes
    ----------
    clusters : of all events
    cone : float64 (2 events,), transverse energy in CE-E in the cone of each side, GeV
    emd : float64 (events,), mean EMD of some module images of each event; NaN without one
    """

    clusters: Clusters
    cone: FloatArray
    emd: FloatArray
