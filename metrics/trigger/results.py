"""What was measured on a sample of events, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from metrics.statistics import Measured
from metrics.trigger.curves import Plot
from metrics.trigger.measures import Row
from metrics.trigger.ranks import Rank

REAL, UNSEEN, GENERATED, PILEUP = "real", "real_unseen", "generated", "pileup"
"""Names of the results."""


@dataclass(frozen=True)
class Table:
    """Numbers by group and algorithm.

    Parameters
    ----------
    name : of its file
    title : above it
    by : what the groups are
    rows : group, how many electrons, value by algorithm
    """

    name: str
    title: str
    by: str
    rows: Sequence[tuple[str, int, Mapping[str, Measured]]]


@dataclass(frozen=True)
class Result:
    """What was measured on a sample.

    Parameters
    ----------
    name : short, for files
    title : in words
    what : sentences on what it is
    algorithms : names in order
    rows : measures
    tables, plots : more
    ranks : whether a smaller EMD goes with a better measure
    """

    name: str
    title: str
    what: Sequence[str]
    algorithms: Sequence[str]
    rows: Sequence[Row]
    tables: Sequence[Table] = field(default_factory=tuple)
    plots: Sequence[Plot] = field(default_factory=tuple)
    ranks: Sequence[Rank] = field(default_factory=tuple)

    @property
    def events(self) -> str:
        """What its plots are of: events with truth that this package generated, or those of a file."""
        return GENERATED if self.name in (GENERATED, PILEUP) else REAL

    def row(self, key: str) -> Row | None:
        """Return a measure by its key; None when it is not there."""
        return next((one for one in self.rows if one.key == key), None)
