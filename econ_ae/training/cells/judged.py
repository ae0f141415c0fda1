"""The validation events of an encoder of cells as a judge sees them: all of them, also those sent without loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.geometry import FloatArray
from econ_ae.training.judge import Judge
from econ_ae.training.sample import received_sums


@dataclass(frozen=True)
class Validated:
    """How good an encoder is on the validation events.

    Parameters
    ----------
    emd : mean exact EMD of all of them
    figure : of the judge, where one chooses
    """

    emd: float
    figure: float | None

    @property
    def cost(self) -> float:
        """What the better one has less of."""
        return self.emd if self.figure is None else self.figure


class Judged:
    """Images of the validation events, of which those that are sent with loss change.

    Parameters
    ----------
    judge : of all events
    charges : (n, cells), events with charge
    lossy : bool (n,), those that cannot be sent without loss
    """

    def __init__(self, judge: Judge, charges: NDArray[np.integer], lossy: NDArray[np.bool_]) -> None:
        self._judge, self._lossy = judge, lossy
        self._images = charges.astype(np.float64)
        self._sums = received_sums(charges[lossy])[:, None]

    def figure(self, fractions: FloatArray) -> float:
        """Return the judge's figure.

        Parameters
        ----------
        fractions : float64 (lossy, cells), what a receiver makes of the events with loss
        """
        self._images[self._lossy] = fractions * self._sums
        return self._judge(self._images)
