"""Which points are better when several figures count: ranks, crowding, the front, who trains on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Figures = tuple[float, ...]
"""Of one point, each the smaller the better."""


def dominates(a: Figures, b: Figures) -> bool:
    """Tell whether a point is at least as good in everything and better in something."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def front(points: Mapping[int, Figures]) -> list[int]:
    """Return the points that no other one dominates, in the order of their numbers."""
    return [n for n in sorted(points) if not any(dominates(other, points[n]) for other in points.values())]


def ranks(points: Mapping[int, Figures]) -> dict[int, int]:
    """Return how many fronts have to be taken away until a point is in the front (Deb et al., 2002, NSGA-II)."""
    left, found, rank = dict(points), dict[int, int](), 0
    while left:
        first = front(left)
        found |= dict.fromkeys(first, rank)
        for number in first:
            del left[number]
        rank += 1
    return found


def crowding(points: Mapping[int, Figures]) -> dict[int, float]:
    """Return how far the neighbours of every point are (Deb et al., 2002); infinite at both ends of every figure."""
    found = dict.fromkeys(points, 0.0)
    for i in range(len(next(iter(points.values()), ()))):
        order = sorted(points, key=lambda n: (points[n][i], n))
        span = points[order[-1]][i] - points[order[0]][i]
        found[order[0]] = found[order[-1]] = math.inf
        for before, number, behind in zip(order, order[1:], order[2:], strict=False):
            found[number] += (points[behind][i] - points[before][i]) / span if span > 0 else 0.0
    return found


def survivors(own: Mapping[int, Figures], others: Mapping[int, Figures], share: float) -> list[int]:
    """Return the points that train on: the best by rank among all that reached the rung, then the loneliest.

    Successive halving (Jamieson and Talwalkar, 2016) with the order of NSGA-II in the place of one loss.

    Parameters
    ----------
    own : points of the generation
    others : points of earlier generations at the same rung
    share : of the generation that stays, at least one point
    """
    if not own:
        return []
    together = {**others, **own}
    rank, apart = ranks(together), crowding(together)
    order = sorted(own, key=lambda n: (rank[n], -apart[n], n))
    return sorted(order[: max(1, math.ceil(share * len(own)))])


def can_reach(best: Figures, measured: Sequence[Figures]) -> bool:
    """Tell whether a point could be in the front if its figures were as good as they may be.

    Parameters
    ----------
    best : at the good ends of their errors
    measured : of points that are known
    """
    return not any(dominates(other, best) for other in measured)
