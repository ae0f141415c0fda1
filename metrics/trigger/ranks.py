"""Does the algorithm with the smaller EMD give the better trigger? Rank correlations over algorithms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from metrics.statistics import Measured
from metrics.trigger.measures import EMD, Row

_FEWEST = 4


@dataclass(frozen=True)
class Rank:
    """How the order by EMD agrees with the order by a measure.

    Parameters
    ----------
    key, title : of the measure
    correlation : Spearman's; 1 when every smaller EMD goes with a better measure
    algorithms : how many were compared
    """

    key: str
    title: str
    correlation: float
    algorithms: int


def ranks(rows: Sequence[Row], without: Sequence[str]) -> list[Rank]:
    """Return the rank correlation of the mean EMD with every other measure; none for fewer than 4 algorithms.

    Parameters
    ----------
    without : algorithms that are left out, since they know no eLinks
    """
    emd = next((row for row in rows if row.key == EMD), None)
    out = []
    for row in rows if emd is not None else ():
        assert emd is not None  # there would be no rows
        names = [n for n in row.values if n not in without and _number(row.values, n) and _number(emd.values, n)]
        cost = [_cost(row.best, row.values[name].value) for name in names]
        if row.key != EMD and len(names) >= _FEWEST and np.ptp(cost) > 0:
            found = spearmanr([emd.values[name].value for name in names], cost)
            out.append(Rank(row.key, row.title, float(found.statistic), len(names)))
    return out


def _number(values: Mapping[str, Measured], name: str) -> bool:
    return name in values and bool(np.isfinite(values[name].value))


def _cost(best: str, value: float) -> float:
    """Return what is smaller when a value is better."""
    return {"high": -value, "low": value, "one": abs(value - 1)}[best]
