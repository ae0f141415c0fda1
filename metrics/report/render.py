"""ReportData to one self-contained HTML page, and to JSON."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import CM_PER_UNIT
from metrics.physics import ClassResponse
from metrics.plots import training_plot
from metrics.profiles import Profile
from metrics.report import words
from metrics.report.data import HeadlineRow, ReportData
from metrics.report.drawings import best_elinks, event_files, event_row, gallery, plots, rate, reference, treemap_files
from metrics.report.gallery import gallery_json
from metrics.report.pivot import pivot
from metrics.report.tables import links, tables
from metrics.report.winners import keys, who_wins
from metrics.report.words import in_words, scalar
from metrics.sheet import Sheet

PLOTS = "plots"
"""Folder beside a page that holds its plots as files."""
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


def render(data: ReportData, folder: Path | None = None) -> str:
    """Return the report as one HTML page that loads nothing from anywhere.

    Parameters
    ----------
    folder : of the page; its ``plots/`` gets every plot as PDF, PNG and CSV, which the page leads to. None: no files

    Raises
    ------
    DataError
        When a plot or display has nothing to draw.
    """
    env = environment()
    css, script = (env.loader.get_source(env, f"report.{kind}")[0] for kind in ("css", "js"))  # type: ignore[union-attr]
    found = tables(data)
    sheet = Sheet(data.sign, None if folder is None else folder / PLOTS)
    plain = replace(sheet, sign=replace(data.sign, events=None))
    return env.get_template("report.html.j2").render(
        data=data,
        css=Markup(css),
        script=Markup(script),
        units=UNITS,
        headline=words.headline(data),
        winners=who_wins(data),
        keys=keys(data),
        files=None if folder is None else PLOTS,
        overview=pivot(data.rows),
        elink_groups=_groups(data.rows),
        ideal_groups=_groups(data.ideal),
        rate=rate(data, sheet),
        plots=plots(data, sheet),
        classes=[p for p in data.profiles if p.classes],
        training=Markup(training_plot(data.history, sheet=plain)) if data.history else None,
        events=[(event, event_row(event, data.geometry), event_files(event, data, sheet)) for event in data.events],
        gallery=gallery(data),
        gallery_json=Markup(gallery_json(data.gallery)),
        opinion_groups=_opinion_groups(data),
        gallery_elinks=best_elinks(data),
        treemaps=[(Markup(one.treemap), treemap_files(one, i, plain)) for i, one in enumerate(data.costs)],
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
        "who_wins": who_wins(data),
        "made": data.made,
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


def _opinion_groups(data: ReportData) -> list[tuple[int | None, list[HeadlineRow]]]:
    """Return the autoencoders and the best of each other kind, by the autoencoders' eLink counts; all without one."""
    leading = [c.other for c in data.comparisons if c.leading]
    groups = [(n, rows) for n, rows in _groups(data.rows) if n in reference(data)]
    if not leading:
        return groups
    return [(n, [row for row in rows if row.algorithm == "ae" or row in leading]) for n, rows in groups]
