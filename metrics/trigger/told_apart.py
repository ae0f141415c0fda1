"""Which clusters are electrons and which are pileup, where the two are told apart by their shapes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.trigger import match, separation
from metrics.trigger.electrons import find
from metrics.trigger.match import Targets
from metrics.trigger.seen import Seen

IntArray = NDArray[np.int64]

LEAST_PT = 10.0
"""GeV in CE-E, of the clusters that electrons are told from pileup among."""

ETA_BINS = np.linspace(1.2, 3.2, 21)
"""In abs(eta), in which electrons are weighted so that they are distributed as the pileup is.

Pileup is forward, and two widths of a cluster together tell its place: without weights the trees would know electrons
by where they were generated.
"""

AWAY = 0.4
"""Distance in (eta, phi) from every electron of what counts as pileup in a real event."""


def in_the_same_events(targets: Targets, seen: Mapping[str, Seen]) -> dict[str, separation.Scores | None]:
    """Return how electrons are told from clusters away from them in the same events."""
    scores = {}
    for name, one in seen.items():
        clusters, mine = one.clusters, _electrons(targets, one)
        others = match.away_from(targets, clusters, AWAY) & (clusters.pt_ce_e > LEAST_PT)
        others &= np.isin(clusters.side // 2, targets.event)
        chosen = np.concatenate([mine, np.flatnonzero(others)])
        electron = np.arange(len(chosen)) < len(mine)
        weight = separation.as_in_the_others(np.abs(clusters.eta[chosen]), electron, ETA_BINS)
        table, event = clusters.shapes.table()[chosen], clusters.side[chosen] // 2
        scores[name] = separation.separate(table, electron, event, weight)
    return scores


def from_other_events(
    targets: Targets, seen: Mapping[str, Seen], events: int, pileup: Mapping[str, Seen]
) -> dict[str, separation.Scores | None]:
    """Return how electrons are told from clusters of pileup alone.

    Parameters
    ----------
    events : how many there are with electrons; those of pileup are others
    """
    scores = {}
    for name, one in seen.items():
        mine, others = _electrons(targets, one), pileup[name].clusters
        soft = np.flatnonzero(others.pt_ce_e > LEAST_PT)
        table = np.concatenate([one.clusters.shapes.table()[mine], others.shapes.table()[soft]])
        event = np.concatenate([one.clusters.side[mine] // 2, events + others.side[soft] // 2])
        electron = np.arange(len(table)) < len(mine)
        eta = np.abs(np.concatenate([one.clusters.eta[mine], others.eta[soft]]))
        weight = separation.as_in_the_others(eta, electron, ETA_BINS)
        scores[name] = separation.separate(table, electron, event, weight)
    return scores


def _electrons(targets: Targets, one: Seen) -> IntArray:
    """Return the clusters of targets that are hard enough."""
    mine = match.matched(targets, one.clusters)
    return np.unique(mine[(mine >= 0) & (find(targets, one.clusters).or_zero > LEAST_PT)])
