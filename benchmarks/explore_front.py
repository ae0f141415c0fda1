"""What a search found: its front beside the points that it started with, what its variables do, and a picture.

``python benchmarks/explore_front.py SEARCH [--retrained RUN=KGE ...] [--picture FILE.svg]``: SEARCH is the directory of
an ``econ-ae explore`` with ``hardware.elinks`` among its variables; every RUN is evaluated (``econ-ae evaluate``).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.records import State, Trial
from econ_ae.app.explore.results import best
from econ_ae.app.explore.summary import area_text, counts, verified_text
from econ_ae.config.explore import ExploreConfig
from econ_ae.config.space import label
from econ_ae.files import write_text
from metrics.figure import EMD_LABEL, new_figure, to_svg

LINKS = "hardware.elinks"
_MOST = 12
"""Values of a variable of which each has an effect of its own; of more the effect of a step is fitted."""
Array = NDArray[np.float64]


def kge(trial: Trial) -> float:
    """Return the area of a point, synthesised where it is."""
    found = trial.figure("area")
    assert found is not None
    return found


def print_counts(place: SearchDirectory, trials: Sequence[Trial]) -> None:
    """Print how many trials came how far, and what that took."""
    print(", ".join(f"{name} {value}" for name, value in counts(place, trials).items()))
    for rung in range(len(place.config.rungs)):
        seconds = [found.seconds for one in trials if (found := one.at(rung)) is not None]
        print(f"rung {rung}: {len(seconds)} trainings, {sum(seconds):.0f} s of wall time in their workers")
    seconds = [one.silicon.seconds for one in trials if one.silicon is not None]
    print(f"synthesis: {len(seconds)}, {sum(seconds):.0f} s")
    errors = [
        one.known["area"] / one.silicon.kge - 1
        for one in trials
        if one.silicon is not None and one.silicon.kge is not None
    ]
    if errors:
        print(
            f"estimate against synthesis: median {np.median(np.abs(errors)):.2%}, largest {max(map(abs, errors)):.2%}"
        )


def print_front(place: SearchDirectory, trials: Sequence[Trial]) -> None:
    """Print the front by eLinks, and whether it has better points than those that the search started with."""
    front = best(trials, dict(place.config.objectives))
    start = [one for one in trials if one.number < len(place.config.start)]
    names = [name for name in place.config.space.variables if name != LINKS]
    print(f"\n| eLinks | trial | kGE | EMD, validation | report | Verilog | {' | '.join(names)} |")
    print("|" + "---|" * (6 + len(names)))
    for one in sorted(front, key=lambda t: (t.values[LINKS], kge(t))):
        found, checked = one.rungs[-1], one.checked
        report = "-" if checked is None or checked.report_emd is None else f"{checked.report_emd:.4f}"
        values = " | ".join(str(one.values.get(name, "")) for name in names)
        print(
            f"| {one.values[LINKS]} | {one.number} | {area_text(one)} | {found.emd:.4f} ± {found.error:.4f} | {report} "
            f"| {verified_text(one)} | {values} |"
        )
    print()
    for one in start:
        own = one.rungs[-1]
        same = [t for t in front if t.values[LINKS] == one.values[LINKS]]
        smaller = min((kge(t) for t in same if t.rungs[-1].emd <= own.emd), default=float("nan"))
        nearer = min((t.rungs[-1].emd for t in same if kge(t) <= kge(one)), default=float("nan"))
        print(
            f"start {one.number}: {one.values[LINKS]} eLinks, {kge(one):.0f} kGE, EMD {own.emd:.4f} after {own.epochs} "
            f"epochs; front: {smaller:.0f} kGE at that EMD, {nearer:.4f} at that area"
        )


def effects(search: ExploreConfig, trials: Sequence[Trial], figures: Array) -> list[tuple[str, str, float, float]]:
    """Return what every value of every variable does to the logarithm of a figure, against its first value.

    Least squares over all points with one term per value; of variables with many values, a term per step.

    Returns
    -------
    variable, value, change and its standard error, both as shares of the figure
    """
    columns, names = [np.ones(len(trials))], list[tuple[str, str]]()
    for name, one in search.space.variables.items():
        seen = [t.values.get(name) for t in trials]
        values = list(one.choices) if one.choices is not None else sorted({v for v in seen if v is not None})
        if len(values) > _MOST or (one.choices is None and len(values) > 2):
            numbers = np.array([float(v) if v is not None else 0.0 for v in seen])
            columns.append(numbers - numbers.mean())
            names.append((name, "one more"))
            continue
        for value in values[1:]:
            columns.append(np.array([label(v) == label(value) for v in seen], np.float64))
            names.append((name, f"{value} for {values[0]}"))
    table = np.stack(columns, axis=1)
    found, *_ = np.linalg.lstsq(table, np.log(figures), rcond=None)
    left = np.log(figures) - table @ found
    variance = float(left @ left) / max(len(figures) - table.shape[1], 1)
    errors = np.sqrt(np.maximum(variance * np.diag(np.linalg.pinv(table.T @ table)), 0.0))
    return [(*name, float(c), float(e)) for name, c, e in zip(names, found[1:], errors[1:], strict=True)]


def print_effects(search: ExploreConfig, trials: Sequence[Trial]) -> None:
    """Print what the variables do to EMD after the first rung, and to the area."""
    known = [one for one in trials if one.at(0) is not None]
    emd = np.array([next(r.emd for r in one.rungs if r.rung == 0) for one in known])
    area = np.array([one.known["area"] for one in known])
    print(f"\n{len(known)} points after the first rung\n")
    print("| variable | value | EMD | area |")
    print("|---|---|---|---|")
    for one, other in zip(effects(search, known, emd), effects(search, known, area), strict=True):
        name, value, change, error = one
        print(
            f"| `{name}` | {value} | {np.expm1(change):+.1%} ± {error:.1%} "
            f"| {np.expm1(other[2]):+.1%} ± {other[3]:.1%} |"
        )


def draw(
    axes: Axes, place: SearchDirectory, trials: Sequence[Trial], retrained: Sequence[tuple[int, float, float]]
) -> None:
    """Draw EMD against area, a colour per number of eLinks.

    Parameters
    ----------
    retrained : eLinks, kGE and mean EMD of the report of runs in full
    """
    front = best(trials, dict(place.config.objectives))
    for links in sorted({int(one.values[LINKS]) for one in trials if one.rungs}):
        colour = f"C{links - 2}"
        own = [one for one in trials if one.rungs and one.values[LINKS] == links]
        left = [one for one in own if one.state != State.TRAINED]
        axes.plot([kge(t) for t in left], [t.rungs[-1].emd for t in left], ".", color=colour, alpha=0.25, ms=4)
        ends = [one for one in own if one.state == State.TRAINED]
        axes.plot([kge(t) for t in ends], [t.rungs[-1].emd for t in ends], ".", color=colour, ms=6)
        line = sorted((kge(t), t.rungs[-1].emd) for t in front if t.values[LINKS] == links)
        axes.step(*zip(*line, strict=True), where="post", color=colour, label=f"{links} eLinks") if line else None
        start = [t for t in own if t.number < len(place.config.start)]
        axes.plot(
            [kge(t) for t in start], [t.rungs[-1].emd for t in start], "*", color=colour, ms=11, mec="black", mew=0.6
        )
        full = [(x, y) for n, x, y in retrained if n == links]
        if full:
            axes.plot(*zip(*full, strict=True), "D", color=colour, ms=5, mec="black", mew=0.6)
    axes.set_yscale("log")
    axes.set_xlabel("complete block in NanGate 45, synthesised or estimated [kGE]")
    axes.set_ylabel(EMD_LABEL)
    if front:
        axes.legend()


def retrained_of(text: str) -> tuple[int, float, float]:
    """Return eLinks, kGE and the report's mean EMD of RUN=KGE, a run that is evaluated."""
    path, _, area = text.rpartition("=")
    with (Path(path) / "evaluation" / "results.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["algorithm"] == "ae")
    return int(row["elinks"]), float(area), float(row["emd_mean"])


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("search", type=Path)
    parser.add_argument("--retrained", nargs="*", default=[])
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    place = SearchDirectory.open(given.search)
    trials = place.state()
    print_counts(place, trials)
    print_front(place, trials)
    print_effects(place.config, trials)
    if given.picture:
        with new_figure(7.0, 4.6) as (figure, axes):
            draw(axes, place, trials, [retrained_of(one) for one in given.retrained])
            write_text(given.picture, to_svg(figure, "front of a search: EMD against area"))


if __name__ == "__main__":
    main()
