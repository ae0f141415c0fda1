"""What the compression costs, in sentences made of the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from metrics.statistics import Measured
from metrics.trigger.electrons import NO_LIMIT
from metrics.trigger.measures import Row
from metrics.trigger.results import GENERATED, PILEUP, REAL, UNSEEN, Result


def verdict(results: Mapping[str, Result], labels: Mapping[str, str]) -> list[str]:
    """Return a sentence for every algorithm that fits the links, those with the better resolution first."""
    known: dict[str, Measured] = {}
    for which, key in ((REAL, "two_sides"), (UNSEEN, "two_sides"), (GENERATED, "calibrated_resolution")):
        row = results[which].row(key) if which in results else None
        known |= {} if row is None else dict(row.values)
    order = sorted((name for name in known if name not in NO_LIMIT), key=lambda name: _rank(known[name]))
    return [_sentence(name, labels.get(name, name), results) for name in order]


def _rank(value: Measured) -> float:
    return value.value if np.isfinite(value.value) else np.inf


def _sentence(name: str, label: str, results: Mapping[str, Result]) -> str:
    real = REAL if REAL in results and name in results[REAL].algorithms else UNSEEN
    parts = []
    for which, key, what in (
        (GENERATED, "calibrated_resolution", "generated electrons"),
        (real, "two_sides", "real electrons from their two sides"),
    ):
        row = _of(results, which, key, name)
        if row is not None:
            parts.append(f"the pT resolution of {what} is {_percent(row.values[name])}{_change(row, name)}")
    for which, what in ((GENERATED, "generated"), (real, "real")):
        row = _of(results, which, "response_rms", name)
        if row is not None:
            parts.append(f"pT moves by {_percent(row.values[name])} of all cells' (RMS, {what})")
    row = _of(results, GENERATED, "turn_on", name)
    if row is not None:
        parts.append(f"the 95 % point of 20 GeV is {row.values[name].value:.1f} GeV{_shift(row, name, 'GeV')}")
    row = _of(results, PILEUP, "rate_20", name)
    if row is not None:
        parts.append(f"pileup passes 20 GeV at {row.values[name].value:.2g} MHz{_shift(row, name, 'MHz')}")
    for which in (GENERATED, real):
        row = _of(results, which, "separation_99", name)
        if row is not None:
            parts.append(f"{_percent(row.values[name])} of the electrons are left where 99 % of the pileup is rejected")
            break
    return f"{label[:1].upper()}{label[1:]}: " + "; ".join(parts) + "." if parts else f"{label}: nothing measured."


def _of(results: Mapping[str, Result], which: str, key: str, name: str) -> Row | None:
    """Return a measure of a result where it has a number for the algorithm."""
    row = results[which].row(key) if which in results else None
    return row if row is not None and name in row.values and np.isfinite(row.values[name].value) else None


def _percent(value: Measured) -> str:
    return f"{100 * value.value:.2f} ± {100 * value.error:.2f} %"


def _change(row: Row, name: str) -> str:
    change = row.relative.get(name)
    if change is None or not np.isfinite(change.value):
        return ""
    return f" ({100 * change.value:+.1f} ± {100 * change.error:.1f} % of all cells')"


def _shift(row: Row, name: str, unit: str) -> str:
    shift = row.differences.get(name)
    if shift is None or not np.isfinite(shift.value):
        return ""
    return f" ({shift.value:+.2g} ± {shift.error:.1g} {unit} against all cells)"
