"""A campaign: events in phases, each sent under one set of configuration inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from sim.stimulus.settings import Settings

CORNER, RANDOM, REAL = "corner", "random", "real"
PHASE_EVENTS = 500  # a phase reports its progress when it is done


@dataclass(frozen=True, eq=False)
class Phase:
    """Events that are sent under one configuration.

    Parameters
    ----------
    kind : ``corner``, ``random`` or ``real``
    settings : the configuration inputs
    events : int64, what the block takes: images (n, rows, cols, channels), codes or charges (n, cells)
    bx0 : bool (n,), which events are bunch crossing 0; images have none
    gaps : whether in_valid pauses at random between events
    """

    kind: str
    settings: Settings
    events: IntArray
    bx0: NDArray[np.bool_]
    gaps: bool = False

    def split(self) -> list[Phase]:
        """Cut it into parts of at most ``PHASE_EVENTS``; no part when there is no event."""
        parts = (slice(i, i + PHASE_EVENTS) for i in range(0, len(self.events), PHASE_EVENTS))
        return [replace(self, events=self.events[part], bx0=self.bx0[part]) for part in parts]


@dataclass(frozen=True, eq=False)
class Campaign:
    """Phases in the order in which they are sent."""

    phases: tuple[Phase, ...]

    def events(self, kind: str | None = None) -> int:
        """Return the number of events, of one kind or of all."""
        return sum(len(phase.events) for phase in self.phases if kind in (None, phase.kind))

    def models(self) -> dict[str, EncoderModel]:
        """Return the models, each the encoder with the weights of its settings, by the settings' names."""
        return {phase.settings.name: phase.settings.model for phase in self.phases}


def check_events(real: NDArray[np.integer], what: str, shape: tuple[int, ...], top: int) -> None:
    """Check real events.

    Parameters
    ----------
    what : what they are, for the message
    shape, top : of one event, and the largest number in it

    Raises
    ------
    DataError
        When they have another shape or do not fit.
    """
    if real.shape[1:] != shape or not np.issubdtype(real.dtype, np.integer):
        wanted = ", ".join(map(str, shape))
        raise DataError(f"{what} must be integers of shape (n, {wanted}), not {real.dtype} {real.shape}")
    if real.size and (real.min() < 0 or real.max() > top):
        raise DataError(f"{what} must be 0..{top}, got {real.min()}..{real.max()}")


def made(phases: Sequence[Phase]) -> Campaign:
    """Return the campaign of phases of any length."""
    return Campaign(tuple(part for phase in phases for part in phase.split()))
