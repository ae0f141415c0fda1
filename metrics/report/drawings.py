"""The drawings of a report: plots, events on the module, treemaps; as SVG of the page, and as files beside it."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import WaferGeometry
from metrics.plots import RatePoint, distribution_plot, profile_plot, rate_plot
from metrics.report import words
from metrics.report.data import HeadlineRow, ReportData, SiliconCosts, WaferEvent
from metrics.sheet import Sheet
from metrics.treemap import treemap_plot
from metrics.wafer import Display, wafer_row
from metrics.wafer_plot import event_plot


def plots(data: ReportData, sheet: Sheet) -> list[tuple[Markup, Markup, str]]:
    """Return captions, drawings and names of the files of the EMD plots."""
    if not data.profiles:
        return []
    out = []
    counts = {s.elinks for p in data.profiles for s in p.series}
    at = f" All at {words.elinks(counts.pop())}."
    if counts:  # autoencoders of several runs
        at = f" The other algorithms at {words.elinks(best_elinks(data))}."
    bands = "the bands of the best autoencoder and the best other hold 68 % of the events"
    for found in data.profiles:
        caption = f"Mean EMD against {_lower(found.label)}; {bands}.{at}"
        name = f"emd_{re.sub(r'[^A-Za-z0-9]+', '_', found.name)}"
        drawn = profile_plot(found.series, found.label, classes=found.classes, name=name, sheet=sheet)
        out.append((words.in_words(caption), Markup(drawn), name))
    if data.distributions:
        caption = f"Distribution of the EMD. Undefined pairs are in no plot.{at}"
        drawn = distribution_plot(data.distributions, name="emd_distribution", sheet=sheet)
        out.append((Markup(escape(caption)), Markup(drawn), "emd_distribution"))
    return out


def _lower(label: str) -> str:
    """Return an axis label inside a sentence."""
    name, _, unit = label.partition(" [")
    return name[:1].lower() + name[1:] + (f" ({unit.rstrip(']')})" if unit else "")


def rate(data: ReportData, sheet: Sheet) -> Markup | None:
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
    return Markup(rate_plot(points, sheet=sheet)) if any(point.emd > 0 for point in points) else None


def reference(data: ReportData) -> list[int | None]:
    """Return the eLink counts of the autoencoders, or the largest without one: what the short tables show."""
    counts = sorted({row.elinks for row in data.rows if row.algorithm == "ae" and row.elinks is not None})
    others = [row.elinks for row in data.rows if row.elinks is not None and row.algorithm != "rpt"]
    return [*counts] if counts else [max(others, default=None)]


def best_elinks(data: ReportData) -> int | None:
    """Return the eLink count of the displayed reconstructions: that of the best autoencoder."""
    rows = [row for row in data.rows if row.algorithm == "ae"]
    return min(rows, key=lambda row: row.summary.mean.value).elinks if rows else reference(data)[0]


def gallery(data: ReportData) -> Markup | None:
    """Return the display that the slider repaints, holding the median event until then."""
    if not data.gallery:
        return None
    start = next((e for e in data.gallery if e.title == "Median"), data.gallery[len(data.gallery) // 2])
    return event_row(start, data.geometry, by_number=True)


def event_row(event: WaferEvent, geometry: WaferGeometry, *, by_number: bool = False) -> Markup:
    """Return an event's displays side by side."""
    return Markup(wafer_row(_displays(event), geometry, by_number=by_number))


def event_files(event: WaferEvent, data: ReportData, sheet: Sheet) -> str:
    """Write an event's displays as files; return their name, or nothing where there are no files."""
    if sheet.folder is None:
        return ""
    name = f"event_{re.sub(r'[^a-z0-9]+', '_', event.title.lower())}"
    event_plot(_displays(event), data.geometry, sheet, name, f"{event.title} event")
    return name


def _displays(event: WaferEvent) -> list[Display]:
    return [
        Display(
            image.title,
            f"{event.total / MIP_COUNTS:.1f} MIP_T in {event.occupancy} cells"
            if image.emd is None
            else f"EMD {image.emd:.3f}",
            image.charges,
        )
        for image in event.images
    ]


def treemap_files(costs: SiliconCosts, index: int, sheet: Sheet) -> str:
    """Write the areas of a netlist as files; return their name, or nothing where there are none."""
    if sheet.folder is None or not costs.parts:
        return ""
    name = f"area_{index + 1}"
    treemap_plot(costs.parts, costs.title, name=name, sheet=sheet)
    return name
