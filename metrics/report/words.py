"""The headline in words: computed from the numbers, the same whether the autoencoder wins or loses."""

from __future__ import annotations

from metrics.report.data import Comparison, HeadlineRow, ReportData
from metrics.statistics import Measured

_SIGNIFICANT = 2.0  # standard errors of the paired difference


def number(measured: Measured) -> str:
    """Return ``value ± error`` with three decimals and spaces that do not break."""
    return f"{measured.value:.3f}\u00a0±\u00a0{measured.error:.3f}"


def elinks(count: int | None) -> str:
    """Return ``1 eLink``, ``5 eLinks`` or ``no eLink``."""
    if not count:
        return "no eLink"
    return f"{count} eLink" if count == 1 else f"{count} eLinks"


def full_name(row: HeadlineRow) -> str:
    """Return the algorithm with its variant in brackets."""
    return f"{row.name} ({row.detail})" if row.detail else row.name


def compare(comparison: Comparison) -> str:
    """Return how the autoencoder does against one other algorithm, as a clause."""
    ae, other = comparison.ae.summary.mean.value, comparison.other.summary.mean.value
    rival = f"{full_name(comparison.other)}, {number(comparison.other.summary.mean)}"
    if abs(comparison.difference.significance) < _SIGNIFICANT:
        return f"equal within errors to {rival}"
    small, large = sorted((ae, other))
    better = comparison.difference.mean.value < 0
    word = "better" if better else "worse"
    if small <= 0:
        return f"{word} than {rival}"
    return f"{word} than {rival}, by a factor of {large / small:.3g}"


def headline(data: ReportData) -> tuple[str, ...]:
    """Return the headline sentences, one per autoencoder row, or one that says there is none."""
    ae_rows = [row for row in data.rows if row.algorithm == "ae"]
    if not ae_rows:
        return ("No autoencoder was evaluated: the table holds the baselines alone.",)
    return tuple(_sentence(row, [c for c in data.comparisons if c.ae is row]) for row in ae_rows)


def _sentence(row: HeadlineRow, comparisons: list[Comparison]) -> str:
    bits = f" ({row.bits} bits)" if row.bits is not None else ""
    variant = f" {row.detail}" if row.detail else ""
    start = f"On {elinks(row.elinks)}{bits} the autoencoder{variant} reaches a mean EMD of {number(row.summary.mean)}"
    undefined = ""
    if row.summary.n_undefined:
        pairs = row.summary.n_defined + row.summary.n_undefined
        undefined = f" {row.summary.n_undefined} of {pairs} pairs contain an empty image and have no EMD."
    if not comparisons:
        return f"{start}; no other algorithm was evaluated at the same number of eLinks.{undefined}"
    return f"{start}. That is {', and '.join(compare(c) for c in comparisons)}.{undefined}"
