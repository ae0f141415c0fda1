"""What chooses among trainings, epochs and rules besides the loss: a figure of reconstructed events."""

from __future__ import annotations

from typing import Protocol

from econ_ae.geometry import FloatArray


class Judge(Protocol):
    """What reconstructed validation events are worth; training knows nothing of how."""

    def __call__(self, charges: FloatArray) -> float:
        """Return a finite figure of all validation events with charge, the smaller the better.

        Parameters
        ----------
        charges : float64 (n, cells), one row per validation event with charge, in their order and unit
        """
