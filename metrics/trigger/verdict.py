"""What the compression costs, in sentences made of the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from metrics.statistics import Measured
from metrics.trigger.measures import ALL_CELLS, Row
from metrics.trigger.results import Result

NO_LIMIT = (ALL_CELLS, "threshold")
"""What knows no eLinks, and is no choice."""


def verdict(results: Mapping[str, Result], labels: Mapping[str, str]) -> list[str]:
    """Return a sentence for every algorithm that fits the links, those with the better resolution first."""
    main = results.get("generated") or results.get("real")
    if main is None:
        return []
    key = "calibrated_resolution" if main.name == "generated" else "two_sides"
    row = main.row(key)
    names = [name for name in main.algorithms if name not in NO_LIMIT]
    if row is None:
        return []
    order = sorted(names, key=lambda name: _rank(row.values.get(name)))
    return [_sentence(name, labels.get(name, name), results) for name in order]


def _rank(value: Measured | None) -> float:
    return value.value if value is not None and np.isfinite(value.value) else np.inf


def _sentence(name: str, label: str, results: Mapping[str, Result]) -> str:
    parts = []
    for which, key, what in (
        ("generated", "calibrated_resolution", "the pT resolution of generated electrons"),
        ("real", "two_sides", "that of real ones from their two sides"),
    ):
        row = results[which].row(key) if which in results else None
        if row is not None and name in row.values:
            parts.append(f"{what} is {_percent(row.values[name])}{_change(row, name)}")
    for which in ("generated", "real"):
        row = results[which].row("response_rms") if which in results else None
        if row is not None and name in row.values:
            parts.append(f"pT moves by {_percent(row.values[name])} of all cells' (RMS, {which})")
    row = results["generated"].row("turn_on") if "generated" in results else None
    if row is not None and name in row.values and np.isfinite(row.values[name].value):
        parts.append(f"the 95 % point of 20 GeV is {row.values[name].value:.1f} GeV{_shift(row, name, 'GeV')}")
    row = results["pileup"].row("rate_20") if "pileup" in results else None
    if row is not None and name in row.values:
        parts.append(f"pileup passes 20 GeV at {row.values[name].value:.2g} MHz{_shift(row, name, 'MHz')}")
    for which in ("generated", "real"):
        row = results[which].row("separation_99") if which in results else None
        if row is not None and name in row.values:
            parts.append(f"{_percent(row.values[name])} of the electrons are left where 99 % of the pileup is rejected")
            break
    return f"{label[:1].upper()}{label[1:]}: " + "; ".join(parts) + "." if parts else f"{label}: nothing measured."


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
