"""Every table of a report as plain rows, for CSV, JSON and other tools."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from econ_ae.data.batch import MIP_COUNTS
from metrics.averages import Averaged
from metrics.evaluate import Evaluation
from metrics.physics import SecondOpinions
from metrics.plots import Series
from metrics.report.data import Comparison, HeadlineRow, ReportData, Scalar
from metrics.statistics import Measured

Row = Mapping[str, Scalar]

OPINIONS = tuple(field.name for field in fields(SecondOpinions) if field.name != "response")
"""Names of the second opinions that are one average each."""

NAMES = (
    "results",
    "results_exact_charges",
    "differences",
    "runs",
    "run_differences",
    "second_opinions",
    "response",
    "threshold_sum",
    "profiles",
)


def tables(data: ReportData) -> dict[str, list[Row]]:
    """Return the tables by name; a table without rows is left out."""
    found: dict[str, list[Row]] = {
        "results": [_result(row) for row in data.rows],
        "results_exact_charges": [_result(row) for row in data.ideal],
        "differences": [_difference(c) for c in data.comparisons],
        "runs": list(data.runs),
        "run_differences": [_difference(c) for c in data.run_comparisons],
        "second_opinions": [_opinions(row, row.opinions) for row in data.rows if row.opinions],
        "response": [r for row in data.rows if row.opinions for r in _responses(row, row.opinions)],
        "threshold_sum": [
            {
                "elinks": s.elinks,
                "threshold_calq": s.threshold,
                "threshold_mip_t": s.threshold / MIP_COUNTS,
                "mean_bits": s.mean_bits,
                "capacity_bits": s.capacity,
                "link_use": s.use,
                "truncated": s.truncated,
                "without_cells": s.without_cells,
                "largest_buffer_words": s.waiting,
                "longest_delay_crossings": s.delay,
                "unreceived": s.unreceived,
                "events": s.events,
            }
            for s in data.streams
        ],
        "profiles": _profiles(data),
    }
    return {name: rows for name, rows in found.items() if rows}


def headline_table(evaluation: Evaluation, receiver: str) -> list[Row]:
    """Return one row per algorithm and eLink count, EMD in units of half a trigger-cell pitch.

    ``receiver`` says what the receiver knows: the transmitted bits, or exact charges.
    """
    return [
        {
            "receiver": receiver,
            "algorithm": r.name,
            "variant": r.variant or "-",
            "eLinks": r.elinks or "-",
            "mean": s.mean.value,
            "error": s.mean.error,
            "median": s.median.value,
            "16 %": s.low.value,
            "84 %": s.high.value,
            "events": s.n_defined,
            "undefined": s.n_undefined,
        }
        for r, s in ((entry.reconstruction, entry.summary) for entry in evaluation.entries)
    ]


def emd_csv(evaluation: Evaluation) -> str:
    """Return the EMD of every event and algorithm; an undefined EMD is an empty cell."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    names = [
        "_".join(str(p) for p in (r.algorithm, r.variant, f"{r.elinks}elinks" if r.elinks else "") if p)
        for r in (entry.reconstruction for entry in evaluation.entries)
    ]
    out.writerow(["occupancy", "total_calq", *names])
    columns = [(entry.result.values, entry.result.defined) for entry in evaluation.entries]
    for i, (occupancy, total) in enumerate(zip(evaluation.occupancy, evaluation.total, strict=True)):
        out.writerow([occupancy, int(total), *(f"{v[i]:.6g}" if ok[i] else "" for v, ok in columns)])
    return stream.getvalue()


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows of equal keys as CSV with a header line; None is an empty cell."""
    stream = io.StringIO()
    out = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    out.writeheader()
    out.writerows(rows)
    return stream.getvalue()


def data_uri(text: str, kind: str) -> str:
    """Return text as a ``data:`` address, which a page can offer for download without any file beside it."""
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


def links(found: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, str]]:
    """Return the download addresses of every table by format."""
    return {
        name: {
            "csv": data_uri(to_csv(rows), "text/csv"),
            "json": data_uri(json.dumps(list(rows), allow_nan=False), "application/json"),
        }
        for name, rows in found.items()
    }


def _names(row: HeadlineRow | Series, prefix: str = "") -> dict[str, Scalar]:
    return {
        f"{prefix}algorithm": row.algorithm,
        f"{prefix}variant": row.variant or None,
        f"{prefix}elinks": row.elinks,
    }


def _measured(name: str, measured: Measured | None) -> dict[str, Scalar]:
    return {
        name: None if measured is None else measured.value,
        f"{name}_error": None if measured is None else measured.error,
    }


def _averaged(name: str, averaged: Averaged) -> dict[str, Scalar]:
    return {**_measured(name, averaged.value), f"{name}_undefined": averaged.undefined}


def _result(row: HeadlineRow) -> Row:
    s = row.summary
    return {
        **_names(row),
        "name": row.name,
        "payload_bits": row.bits,
        "frame_bits": row.frame_bits,
        **_measured("emd_mean", s.mean),
        **_measured("emd_median", s.median),
        **_measured("emd_16", s.low),
        **_measured("emd_84", s.high),
        "defined": s.n_defined,
        "undefined": s.n_undefined,
        "best": row.best,
        "level_with_best": row.tied,
    }


def _difference(c: Comparison) -> Row:
    significance = c.difference.significance
    return {
        **_names(c.ae),
        **_names(c.other, "other_"),
        **_measured("emd_difference", c.difference.mean),
        "sigma": significance if np.isfinite(significance) else None,
        "better_in": c.difference.a_better,
        "worse_in": c.difference.b_better,
        "pairs": c.difference.n_pairs,
    }


def _opinions(row: HeadlineRow, opinions: SecondOpinions) -> Row:
    out = _names(row)
    for name in OPINIONS:
        out |= _averaged(name, getattr(opinions, name))
    return out


def _responses(row: HeadlineRow, opinions: SecondOpinions) -> list[Row]:
    return [
        {
            **_names(row),
            "above_mip_t": r.low,
            "up_to_mip_t": r.high,
            "cells": r.cells,
            **_averaged("response", r.response),
        }
        for r in opinions.response
        if r.cells
    ]


def _profiles(data: ReportData) -> list[Row]:
    columns = ("from", "to", "events", "emd_mean", "emd_mean_error", "emd_median", "emd_16", "emd_84")
    out: list[Row] = []
    for found in data.profiles:
        for s in found.series:
            p = s.profile
            values = (p.edges[:-1], p.edges[1:], p.count, p.mean, p.mean_error, p.median, p.low, p.high)
            for row in zip(*(v.tolist() for v in values), strict=True):
                numbers = (number if np.isfinite(number) else None for number in row)
                out.append({"variable": found.name, **_names(s), **dict(zip(columns, numbers, strict=True))})
    return out
