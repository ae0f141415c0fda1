"""Who is compared with whom: headline rows, paired differences, and the algorithms that plots show."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from econ_ae.geometry import WaferGeometry
from metrics.baselines import Reconstruction
from metrics.evaluate import Evaluated, Evaluation
from metrics.physics import SecondOpinions, second_opinions
from metrics.plots import Series
from metrics.report import words
from metrics.report.data import Comparison, Distribution, HeadlineRow, ProfileSet
from metrics.statistics import paired_difference

_difference = lru_cache(maxsize=256)(paired_difference)
"""The pages of a family compare the same results; results are equal when they are the same object."""
_FAMILIES = (("bc",), ("stc2x2", "ctc2x2", "stc4x4"), ("ts",), ("abc",), ("ccc",))


def opinions_of(
    evaluation: Evaluation,
    image: NDArray[np.float64],
    geometry: WaferGeometry,
    known: Mapping[int, SecondOpinions] | None = None,
) -> dict[int, SecondOpinions]:
    """Return the second opinions on all reconstructions, by the id of their charges.

    Parameters
    ----------
    known : those that were found before, for the same events and seed
    """
    found = dict(known or {})
    for e in evaluation.entries:
        # One array may stand for several eLink counts.
        key = id(e.reconstruction.charges)
        if key not in found:
            found[key] = second_opinions(image, e.reconstruction, geometry, evaluation.seed)
    return found


def headline_rows(evaluation: Evaluation, opinions: Mapping[int, SecondOpinions]) -> dict[int, HeadlineRow]:
    """Return headline rows by id of the evaluated entry, in the entries' order.

    Parameters
    ----------
    opinions : as of ``opinions_of``; a row without one has none
    """
    empty = int(np.count_nonzero(evaluation.total == 0))
    lost = {id(e): e.summary.n_undefined - empty for e in evaluation.entries}
    best: dict[int | None, Evaluated] = {}
    for e in sorted(evaluation.entries, key=lambda e: e.summary.mean.value):
        if e.reconstruction.elinks is not None and not lost[id(e)]:
            best.setdefault(e.reconstruction.elinks, e)
    return {
        id(e): HeadlineRow(
            e.reconstruction.algorithm,
            e.reconstruction.variant,
            e.reconstruction.name,
            e.reconstruction.detail,
            e.reconstruction.elinks,
            e.reconstruction.bits,
            e.reconstruction.frame_bits,
            e.summary,
            best=(first := best.get(e.reconstruction.elinks)) is e,
            tied=first is not None and first is not e and not lost[id(e)] and _level(first, e, evaluation.seed),
            lost=lost[id(e)],
            opinions=opinions.get(id(e.reconstruction.charges)),
        )
        for e in evaluation.entries
    }


def _level(best: Evaluated, other: Evaluated, seed: int) -> bool:
    return abs(_difference(best.result, other.result, seed).significance) < words.SIGNIFICANT


def leading(evaluation: Evaluation, elinks: int | None) -> list[Evaluated]:
    """Return the best variant of each kind of algorithm at an eLink count.

    A variant that loses events comes after those that do not.
    """
    out = []
    for family in _FAMILIES:
        found = [e for name in family for e in evaluation.of(name, elinks=elinks)]
        out += sorted(found, key=_worse)[:1]
    return out


def against_rivals(evaluation: Evaluation, rows: Mapping[int, HeadlineRow]) -> tuple[Comparison, ...]:
    """Return every autoencoder against every other algorithm at its eLink count, the best of each kind first."""
    out = []
    for ae in evaluation.entries:
        links = ae.reconstruction.elinks
        if ae.reconstruction.algorithm != "ae" or links is None:
            continue
        best = leading(evaluation, links)
        others = [
            e
            for e in evaluation.entries
            if e.reconstruction.elinks == links and e.reconstruction.algorithm != "ae" and e not in best
        ]
        out += [_compare(evaluation, rows, ae, e, leading=e in best) for e in (*best, *others)]
    return tuple(out)


def between_runs(evaluation: Evaluation, rows: Mapping[int, HeadlineRow]) -> tuple[Comparison, ...]:
    """Return every pair of autoencoders."""
    return tuple(_compare(evaluation, rows, a, b, leading=True) for a, b in combinations(_autoencoders(evaluation), 2))


def _compare(
    evaluation: Evaluation, rows: Mapping[int, HeadlineRow], a: Evaluated, b: Evaluated, *, leading: bool
) -> Comparison:
    difference = _difference(a.result, b.result, evaluation.seed)
    return Comparison(rows[id(a)], rows[id(b)], difference, leading)


def _autoencoders(evaluation: Evaluation) -> list[Evaluated]:
    return [e for e in evaluation.entries if e.reconstruction.algorithm == "ae"]


def reference_elinks(evaluation: Evaluation) -> int | None:
    """Return the eLink count that plots and displays compare at: the best autoencoder's, or the largest evaluated."""
    counts = [
        e.reconstruction.elinks
        for e in evaluation.entries
        if e.reconstruction.elinks is not None and e.reconstruction.algorithm != "rpt"
    ]
    ae = evaluation.of("ae")
    return ae[0].reconstruction.elinks if ae else max(counts, default=None)


def shown(evaluation: Evaluation) -> list[tuple[Evaluated, Reconstruction, str]]:
    """Return the entries of the plots, best first: the autoencoders, then the best of each other kind at one count."""
    rivals = leading(evaluation, reference_elinks(evaluation))
    found = [*evaluation.of("ae"), *sorted(rivals, key=_worse)]
    several = len({e.reconstruction.elinks for e in found}) > 1
    return [(e, e.reconstruction, short(e, with_elinks=several)) for e in found]


def _worse(e: Evaluated) -> tuple[int, float]:
    """Order entries: what loses events last, then by the mean."""
    return e.summary.n_undefined, e.summary.mean.value


def short(e: Evaluated, *, with_elinks: bool = False) -> str:
    """Return a name for legends and images: ``best choice (filled)``, ``autoencoder``, or ``AE`` and its run."""
    r = e.reconstruction
    variant = f" ({r.variant})" if r.variant else ""
    name = f"AE {r.variant}" if r.algorithm == "ae" and r.variant else f"{r.name}{variant}"
    return name + (f", {words.elinks(r.elinks)}" if with_elinks and r.algorithm == "ae" else "")


def profile_sets(evaluation: Evaluation) -> tuple[ProfileSet, ...]:
    """Return the profiles of the shown entries, one set per variable."""
    entries, found = shown(evaluation), []
    for i, variable in enumerate(evaluation.variables if entries else ()):
        series = tuple(Series(r.algorithm, r.variant, r.elinks, label, e.profiles[i]) for e, r, label in entries)
        found.append(ProfileSet(variable.name, variable.label, variable.classes, series))
    return tuple(found)


def distributions(evaluation: Evaluation) -> tuple[Distribution, ...]:
    """Return the EMD of every event of the shown entries."""
    return tuple(Distribution(r.algorithm, r.variant, label, e.result.of_defined) for e, r, label in shown(evaluation))
