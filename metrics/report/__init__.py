"""The report of a run: its data, one self-contained HTML page, and JSON of every number in it."""

from metrics.report.build import build_report
from metrics.report.data import ReportData
from metrics.report.render import render, to_json

__all__ = ["ReportData", "build_report", "render", "to_json"]
