"""The page of `econ-ae physics`, and its numbers as JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from markupsafe import Markup

from metrics.report.render import environment
from metrics.statistics import Measured
from metrics.trigger.results import Result

_ROUNDING = 1e-12  # errors below it are those of floating-point numbers
Scalar = str | int | float | None


@dataclass(frozen=True)
class Drawn:
    """A plot on the page: its drawing, and what its files are called, without a suffix."""

    caption: str
    svg: str
    file: str


@dataclass(frozen=True)
class PhysicsPage:
    """What the page shows.

    Parameters
    ----------
    sentences : what each algorithm costs
    labels : of the algorithms
    results : of the samples
    drawn : plots by sample
    facts : the rest
    made : date, command and version
    """

    title: str
    synthetic: bool
    sentences: Sequence[str]
    labels: Mapping[str, str]
    results: Sequence[Result]
    drawn: Mapping[str, Sequence[Drawn]]
    facts: Mapping[str, Scalar]
    notes: Sequence[str]
    made: Mapping[str, str] = field(default_factory=dict)


def render_physics(page: PhysicsPage) -> str:
    """Return the page as HTML that loads nothing from anywhere; the plots' files lie beside it."""
    env = environment()
    css = env.loader.get_source(env, "report.css")[0]  # type: ignore[union-attr]
    return env.get_template("physics.html.j2").render(
        page=page,
        css=Markup(css),
        number=number,
        change=change,
        best=best,
        drawn={name: [(one, Markup(one.svg)) for one in plots] for name, plots in page.drawn.items()},
    )


def number(value: Measured | None) -> str:
    """Return a value with its error to two digits of the error; a dash where there is none."""
    if value is None or not np.isfinite(value.value):
        return "\u2013"
    if not np.isfinite(value.error) or value.error < _ROUNDING:
        return f"{value.value:.4g}"
    digits = max(0, min(6, 1 - int(np.floor(np.log10(value.error)))))
    return f"{value.value:.{digits}f}\u00a0±\u00a0{value.error:.{digits}f}"


def change(value: Measured | None) -> str:
    """Return a relative change in percent; empty where there is none."""
    if value is None or not np.isfinite(value.value):
        return ""
    return f"{100 * value.value:+.1f}\u00a0±\u00a0{100 * value.error:.1f}\u00a0%"


def best(values: Mapping[str, Measured], kind: str, names: Sequence[str]) -> str:
    """Return the algorithm with the best value of some; empty when none has one."""
    signs = {"high": lambda v: -v, "low": lambda v: v, "one": lambda v: abs(v - 1)}
    found = {name: values[name].value for name in names if name in values and np.isfinite(values[name].value)}
    return min(found, key=lambda name: signs[kind](found[name]), default="")


def table_rows(result: Result) -> list[dict[str, Any]]:
    """Return all measures of a sample, a row per measure and algorithm; None for what is no number."""
    out = []
    for one in result.rows:
        for name, value in one.values.items():
            difference, relative = one.differences.get(name), one.relative.get(name)
            out.append(
                {
                    "sample": result.name,
                    "measure": one.key,
                    "title": one.title,
                    "unit": one.unit,
                    "algorithm": name,
                    **_both("value", value),
                    **_both("difference", difference),
                    **_both("relative", relative),
                }
            )
    for table in result.tables:
        for group, count, values in table.rows:
            out += [
                {
                    "sample": result.name,
                    "measure": f"{table.name}, {table.by} {group}, {count} electrons",
                    "title": table.title,
                    "unit": "",
                    "algorithm": name,
                    **_both("value", value),
                    **_both("difference", None),
                    **_both("relative", None),
                }
                for name, value in values.items()
            ]
    return out


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of equal keys as CSV with a header."""
    stream = io.StringIO()
    out = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return stream.getvalue()


def _both(name: str, value: Measured | None) -> dict[str, float | None]:
    numbers = (None, None) if value is None else (value.value, value.error)
    return {
        key: one if one is not None and np.isfinite(one) else None
        for key, one in zip((name, f"{name}_error"), numbers, strict=True)
    }
