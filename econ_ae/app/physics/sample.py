"""Samples of whole events, and the eLinks that each of their modules has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.classes import CMS_LINKS
from econ_ae.data.synthetic.endcaps import PILEUP_200, EndcapParameters, Gun, chunks
from econ_ae.data.whole_events import WholeEvents, joined
from econ_ae.errors import DataError
from econ_ae.progress import Progress

IntArray = NDArray[np.int64]

FOLDS = 2
"""Tables of an algorithm that has some are made of the events of the other folds."""

_BLOCK = 40_000  # modules that are clustered at a time, about 400 MB
_CROP, _AROUND = 0.10, 0.14  # in (x/z, y/z): modules that are kept around an electron, and pileup that is followed
_LOW, _HIGH = (5.0, 25.0), (5.0, 100.0)
_ETA = (1.4, 3.0)


@dataclass(frozen=True, eq=False)
class Sample:
    """Whole events with the eLinks of every module.

    Parameters
    ----------
    images : of the modules
    elinks : int64 (n,)
    """

    images: WholeEvents
    elinks: IntArray

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def events(self) -> IntArray:
        """int64: numbers of the events, rising."""
        return self.images.events

    @cached_property
    def place(self) -> IntArray:
        """int64 (n,): place of every module's event among the events."""
        return np.searchsorted(self.events, self.images.event)

    @property
    def fold(self) -> IntArray:
        """int64 (n,): which fold every module's event is in."""
        return self.place % FOLDS

    def blocks(self) -> Iterator[tuple[int, IntArray, IntArray]]:
        """Yield parts of few events: place of the first, the events (some may have no module), their modules."""
        order = np.argsort(self.place, kind="stable")
        ends = np.cumsum(np.bincount(self.place, minlength=len(self.events)))
        first = 0
        while first < len(self.events):
            start = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, start + _BLOCK, side="right")))
            yield first, self.events[first:last], order[start : ends[last - 1]]
            first = last


def elinks_by_layer(images: WholeEvents) -> IntArray:
    """Return the eLinks of modules by their layer, int64 (n,), as the default class map has them.

    Raises
    ------
    DataError
        When a layer is in no class.
    """
    layer = np.asarray(images.batch.metadata["layer"], np.int64)
    unknown = sorted(set(np.unique(layer).tolist()) - set(CMS_LINKS))
    if unknown:
        raise DataError(f"the default class map has no eLinks for trigger layer {unknown[0]}; expected 0..33")
    return np.array([CMS_LINKS[n] for n in range(max(CMS_LINKS) + 1)], np.int64)[layer]


def electrons(events: int, seed: int, progress: Progress) -> WholeEvents:
    """Return generated pairs of electrons among 200 pileup interactions, the modules around them alone.

    Half of the events have 5 to 25 GeV, where the collaboration quotes correlations, the others 5 to 100; the last
    event of a half is followed by the first of the other.
    """
    parts = []
    with progress.bar("events generated", events) as bar:
        for i, (pt, count) in enumerate(((_LOW, events - events // 2), (_HIGH, events // 2))):
            if not count:
                continue
            gun = Gun(("electron",), *pt, *_ETA)
            parameters = EndcapParameters(gun, PILEUP_200, around=_AROUND)
            for part in chunks(count, 2 * seed + i, parameters):
                parts.append(_renumbered(near_electrons(part), i * (events - events // 2)))
                assert part.truth is not None  # it was generated
                bar.advance(len(part.truth) // 2)
    return joined(parts)


def pileup(events: int, seed: int, progress: Progress) -> WholeEvents:
    """Return generated events of 200 pileup interactions and nothing else, all modules."""
    parameters = EndcapParameters(Gun(()), PILEUP_200)
    parts = []
    with progress.bar("pileup generated", events) as bar:
        for part in chunks(events, seed, parameters):
            parts.append(part)
            bar.advance(len(np.unique(part.event)))
    return joined(parts)


def near_electrons(part: WholeEvents) -> WholeEvents:
    """Return the modules with the centre within 0.10 in (x/z, y/z) of the electron of their event and side.

    Where pileup is followed around electrons alone, modules further out lack some of it.
    """
    truth = part.truth
    assert truth is not None
    side, of = 2 * part.event + (part.zside > 0), 2 * truth.event + (truth.zside > 0)
    order = np.argsort(of, kind="stable")
    at = order[np.searchsorted(of[order], side)]  # every side has an electron
    radius = 1 / np.sinh(np.abs(truth.eta[at]))
    x, y = part.zside * part.x_cm / part.z_cm, part.y_cm / part.z_cm
    away = np.hypot(x - radius * np.cos(truth.phi[at]), y - radius * np.sin(truth.phi[at]))
    return part[away < _CROP]


def _renumbered(part: WholeEvents, by: int) -> WholeEvents:
    assert part.truth is not None
    event = np.asarray(part.batch.metadata["event"]) + by
    batch = replace(part.batch, metadata={**part.batch.metadata, "event": event})
    return replace(part, batch=batch, truth=replace(part.truth, event=part.truth.event + by))
