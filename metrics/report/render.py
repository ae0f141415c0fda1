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
from markupsafe import Markup, escape

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import CM_PER_UNIT, WaferGeometry
from metrics.physics import ClassResponse
from metrics.plots import RatePoint, distribution_plot, profile_plot, rate_plot, training_plot
from metrics.profiles import Profile
from metrics.report import words
from metrics.report.data import HeadlineRow, ReportData, Scalar, WaferEvent
from metrics.report.gallery import gallery_json
from metrics.report.pivot import pivot
from metrics.report.tables import links, tables
from metrics.wafer import Display, wafer_row

UNITS = f"EMD in units of half a trigger-cell pitch ({CM_PER_UNIT} cm)"


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates beside this file; an undefined name is an error."""
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "measured": words.number,
        "short": words.short,
        "signed": words.signed,
        "share": words.share,
        "sigmas": words.sigmas,
        "elinks": words.elinks,
        "scalar": scalar,
        "words": in_words,
        "bin": in_bin,
    }
    made.globals["classes_of"] = classes_of
    return made


def in_bin(profile: Profile, index: int) -> str:
    """Return the mean of a bin with its error, or a dash for an empty bin."""
    if not profile.count[index]:
        return "\u2013"
    error = profile.mean_error[index]
    text = f"{profile.mean[index]:.3f}"
    return f"{text}\u00a0±\u00a0{error:.3f}" if np.isfinite(error) else text


def classes_of(groups: Sequence[tuple[int | None, Sequence[HeadlineRow]]]) -> list[ClassResponse]:
    """Return the classes of input charge that have cells; the input is the same for every row."""
    opinions = groups[0][1][0].opinions
    return [] if opinions is None else [r for r in opinions.response if r.cells]


def scalar(value: Scalar) -> str:
    """Return a table value as text: thousands separated, floats with four significant digits."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return f"{value:.4g}" if isinstance(value, float) else value


def in_words(key: str) -> Markup:
    """Return a key as a label: underscores become spaces, MIP_T gets its subscript."""
    parts = (escape(part.replace("_", " ")) for part in key.split("MIP_T"))
    return Markup("MIP<sub>T</sub>").join(parts)


def render(data: ReportData) -> str:
    """Return the report as one HTML page that loads nothing from anywhere.

    Raises
    ------
    DataError
        When a plot or display has nothing to draw.
    """
    env = environment()
    css, script = (env.loader.get_source(env, f"report.{kind}")[0] for kind in ("css", "js"))  # type: ignore[union-attr]
    found = tables(data)
    return env.get_template("report.html.j2").render(
        data=data,
        css=Markup(css),
        script=Markup(script),
        units=UNITS,
        headline=words.headline(data),
        overview=pivot(data.rows),
        elink_groups=_groups(data.rows),
        ideal_groups=_groups(data.ideal),
        rate=_rate(data),
        plots=_plots(data),
        classes=[p for p in data.profiles if p.classes],
        training=Markup(training_plot(data.history)) if data.history else None,
        events=[(event, _event(event, data.geometry)) for event in data.events],
        gallery=_gallery(data),
        gallery_json=Markup(gallery_json(data.gallery)),
        opinion_groups=_opinion_groups(data),
        gallery_elinks=_best_elinks(data),
        treemaps=[Markup(one.treemap) for one in data.costs],
        downloads=links(found),
        mip_counts=MIP_COUNTS,
        cm_per_unit=CM_PER_UNIT,
    )


def to_json(data: ReportData) -> str:
    """Return every number of the report as JSON; an undefined number (an empty bin) is null."""
    tree = {
        "title": data.title,
        "synthetic": data.synthetic,
        "units": UNITS,
        "headline": words.headline(data),
        "dataset": data.dataset,
        "rows": data.rows,
        "ideal": data.ideal,
        "comparisons": [
            {
                "elinks": c.ae.elinks,
                "other": {"algorithm": c.other.algorithm, "variant": c.other.variant},
                "difference": c.difference,
            }
            for c in data.comparisons
        ],
        "tables": tables(data),
        "profiles": data.profiles,
        "events": data.events,
        "history": data.history,
        "verification": data.verification and {**vars(data.verification), "passed": data.verification.passed},
        "costs": [{k: v for k, v in vars(one).items() if k != "treemap"} for one in data.costs],
        "no_costs": data.no_costs,
        "model": data.model,
        "manifest": data.manifest,
        "notes": data.notes,
    }
    return json.dumps(_plain(tree), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    """Return lists, dicts and JSON's scalars only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if dataclasses.is_dataclass(value):
        return _plain(vars(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _groups(rows: Sequence[HeadlineRow]) -> list[tuple[int | None, list[HeadlineRow]]]:
    """Return headline rows by eLink count, smallest mean EMD first; what needs no link leads."""
    counts = sorted({row.elinks for row in rows}, key=lambda n: -1 if n is None else n)
    return [
        (n, sorted((row for row in rows if row.elinks == n), key=lambda row: row.summary.mean.value)) for n in counts
    ]


def _reference(data: ReportData) -> list[int | None]:
    """Return the eLink counts of the autoencoders, or the largest without one: what the short tables show."""
    counts = sorted({row.elinks for row in data.rows if row.algorithm == "ae" and row.elinks is not None})
    others = [row.elinks for row in data.rows if row.elinks is not None and row.algorithm != "rpt"]
    return [*counts] if counts else [max(others, default=None)]


def _opinion_groups(data: ReportData) -> list[tuple[int | None, list[HeadlineRow]]]:
    """Return the autoencoders and the best of each other kind, by the autoencoders' eLink counts; all without one."""
    leading = [c.other for c in data.comparisons if c.leading]
    groups = [(n, rows) for n, rows in _groups(data.rows) if n in _reference(data)]
    if not leading:
        return groups
    return [(n, [row for row in rows if row.algorithm == "ae" or row in leading]) for n, rows in groups]


def _plots(data: ReportData) -> list[tuple[Markup, Markup]]:
    """Return captions and drawings of the EMD plots."""
    if not data.profiles:
        return []
    out = []
    counts = {s.elinks for p in data.profiles for s in p.series}
    at = f" All at {words.elinks(counts.pop())}."
    if counts:  # autoencoders of several runs
        at = f" The other algorithms at {words.elinks(_best_elinks(data))}."
    bands = "the bands of the best autoencoder and the best other hold 68 % of the events"
    for found in data.profiles:
        caption = f"Mean EMD against {_lower(found.label)}; {bands}.{at}"
        out.append((in_words(caption), Markup(profile_plot(found.series, found.label, classes=found.classes))))
    if data.distributions:
        caption = f"Distribution of the EMD. Undefined pairs are in no plot.{at}"
        out.append((Markup(escape(caption)), Markup(distribution_plot(data.distributions))))
    return out


def _lower(label: str) -> str:
    """Return an axis label inside a sentence."""
    name, _, unit = label.partition(" [")
    return name[:1].lower() + name[1:] + (f" ({unit.rstrip(']')})" if unit else "")


def _rate(data: ReportData) -> Markup | None:
    """Return the rate and distortion plot: the best autoencoder of each eLink count is one curve."""
    best: dict[int | None, HeadlineRow] = {}
    for row in sorted(data.rows, key=lambda row: row.summary.mean.value):
        if row.algorithm == "ae":
            best.setdefault(row.elinks, row)
    points = []
    for row in data.rows:
        if row.frame_bits is None:
            continue
        if row.algorithm == "ae":
            label = row.name if row is best[row.elinks] else f"{row.name} ({row.variant})"
        else:
            label = row.name if row.algorithm in ("flat", "rpt") else words.short_name(row)
        points.append(
            RatePoint(row.algorithm, row.variant, label, row.frame_bits, row.summary.mean.value, row.summary.mean.error)
        )
    return Markup(rate_plot(points)) if any(point.emd > 0 for point in points) else None


def _best_elinks(data: ReportData) -> int | None:
    """Return the eLink count of the displayed reconstructions: that of the best autoencoder."""
    rows = [row for row in data.rows if row.algorithm == "ae"]
    return min(rows, key=lambda row: row.summary.mean.value).elinks if rows else _reference(data)[0]


def _gallery(data: ReportData) -> Markup | None:
    """Return the display that the slider repaints, holding the median event until then."""
    if not data.gallery:
        return None
    start = next((e for e in data.gallery if e.title == "Median"), data.gallery[len(data.gallery) // 2])
    return _event(start, data.geometry, by_number=True)


def _event(event: WaferEvent, geometry: WaferGeometry, *, by_number: bool = False) -> Markup:
    displays = [
        Display(
            image.title,
            f"{event.total / MIP_COUNTS:.1f} MIP_T in {event.occupancy} cells"
            if image.emd is None
            else f"EMD {image.emd:.3f}",
            image.charges,
        )
        for image in event.images
    ]
    return Markup(wafer_row(displays, geometry, by_number=by_number))
