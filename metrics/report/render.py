"""ReportData to one self-contained HTML page, and to JSON."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import CM_PER_UNIT, WaferGeometry
from metrics.plots import RatePoint, Series, distribution_plot, profile_plot, rate_plot, training_plot
from metrics.report import words
from metrics.report.data import HeadlineRow, ReportData, Scalar, WaferEvent
from metrics.wafer import Display, wafer_row

UNITS = f"EMD in units of half a trigger-cell pitch ({CM_PER_UNIT} cm)"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("metrics.report", "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"measured": words.number, "elinks": words.elinks, "scalar": scalar, "words": in_words}
    return environment


def scalar(value: Scalar) -> str:
    """Return a table value as text: thousands separated, floats with four significant digits."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return f"{value:.4g}" if isinstance(value, float) else value


def in_words(key: str) -> str:
    """Return a key as a label: underscores become spaces."""
    return key.replace("_", " ")


def render(data: ReportData) -> str:
    """Return the report as one HTML page that loads nothing from anywhere.

    Raises
    ------
    DataError
        When a plot or display has nothing to draw.
    """
    environment = _environment()
    css, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr]
    return environment.get_template("report.html.j2").render(
        data=data,
        css=Markup(css),
        units=UNITS,
        headline=words.headline(data),
        elink_groups=_groups(data.rows),
        ideal_groups=_groups(data.ideal),
        plots=_plots(data),
        training=_safe(training_plot(data.history)) if data.history else None,
        events=[(event, _event(event, data.geometry)) for event in data.events],
    )


def to_json(data: ReportData) -> str:
    """Return every number of the report as JSON; an undefined number (an empty bin) is null."""
    tree = {
        "title": data.title,
        "synthetic": data.synthetic,
        "units": UNITS,
        "headline": list(words.headline(data)),
        "dataset": data.dataset,
        "rows": [dataclasses.asdict(row) for row in data.rows],
        "ideal": [dataclasses.asdict(row) for row in data.ideal],
        "comparisons": [
            {
                "elinks": c.ae.elinks,
                "other": {"algorithm": c.other.algorithm, "variant": c.other.variant},
                "difference": dataclasses.asdict(c.difference),
            }
            for c in data.comparisons
        ],
        "profiles": [_fields(series) for series in data.profiles],
        "events": [
            {
                "title": event.title,
                "event": event.event,
                "occupancy": event.occupancy,
                "total": event.total,
                "images": [_fields(image) for image in event.images],
            }
            for event in data.events
        ],
        "history": data.history,
        "verification": None
        if data.verification is None
        else {**_fields(data.verification), "passed": data.verification.passed},
        "model": None if data.model is None else _fields(data.model),
        "manifest": data.manifest,
        "notes": list(data.notes),
    }
    return json.dumps(_plain(tree), indent=2, allow_nan=False)


def _fields(item: Any) -> dict[str, Any]:
    return {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}


def _plain(value: Any) -> Any:
    """Return lists, dicts and JSON's scalars only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if dataclasses.is_dataclass(value):
        return _plain(_fields(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _safe(svg: str) -> Markup:
    """Mark our own drawing as HTML."""
    return Markup(svg)


def _groups(rows: Sequence[HeadlineRow]) -> list[tuple[int | None, list[HeadlineRow]]]:
    """Return headline rows by eLink count, smallest mean EMD first; what needs no link leads."""
    counts = sorted({row.elinks for row in rows}, key=lambda n: -1 if n is None else n)
    return [
        (n, sorted((row for row in rows if row.elinks == n), key=lambda row: row.summary.mean.value)) for n in counts
    ]


def _plots(data: ReportData) -> list[tuple[str, Markup]]:
    """Return captions and drawings of the EMD plots."""
    out = []
    links = {p.elinks for p in data.profiles}
    at = f" All at {words.elinks(links.pop())}." if len(links) == 1 else ""
    if data.profiles:
        series = [(p, Series(p.algorithm, p.variant, p.label, p.by_occupancy)) for p in data.profiles]
        out.append(
            (
                f"Mean EMD against occupancy, the number of trigger cells with charge; errors of the mean.{at}",
                _safe(profile_plot([s for _, s in series], "Occupancy [trigger cells]")),
            )
        )
        charge = [Series(p.algorithm, p.variant, p.label, p.by_charge) for p in data.profiles]
        out.append(
            (
                f"Mean EMD against the total charge; 1 MIPT = {MIP_COUNTS} CALQ counts.{at}",
                _safe(profile_plot(charge, "Total charge [MIPT]", scale=MIP_COUNTS)),
            )
        )
    if data.distributions:
        out.append(
            (
                f"Distribution of the EMD. Undefined pairs are in no plot.{at}",
                _safe(distribution_plot([(d.algorithm, d.variant, d.label, d.values) for d in data.distributions])),
            )
        )
    points = [
        RatePoint(
            row.algorithm,
            row.variant,
            f"{row.name} ({row.variant})" if row.variant else row.name,
            row.bits,
            row.summary.mean.value,
            row.summary.mean.error,
        )
        for row in data.rows
        if row.bits is not None
    ]
    if any(point.emd > 0 for point in points):
        out.append(
            (
                "Mean EMD against payload bits per bunch crossing (header and charge sum not counted).",
                _safe(rate_plot(points)),
            )
        )
    return out


def _event(event: WaferEvent, geometry: WaferGeometry) -> Markup:
    displays = [
        Display(
            image.title,
            f"{event.total / MIP_COUNTS:.1f} MIPT in {event.occupancy} cells"
            if image.emd is None
            else f"EMD {image.emd:.3f}",
            image.charges,
        )
        for image in event.images
    ]
    return _safe(wafer_row(displays, geometry))
