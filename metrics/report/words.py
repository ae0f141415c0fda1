"""The headline in words: computed from the numbers, the same whether the autoencoder wins or loses."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from metrics.report.data import Comparison, HeadlineRow, ReportData, Scalar
from metrics.statistics import Measured

_MANY = 10.0
_DECIMALS, _MOST_DECIMALS = 3, 5
SIGNIFICANT = 2.0  # standard errors of the paired difference


def number(measured: Measured) -> str:
    """Return ``value ± error`` with spaces that do not break: three decimals, more where the error is smaller."""
    digits = _DECIMALS
    if 0 < measured.error < 0.5 * 10**-_DECIMALS:
        digits = min(_MOST_DECIMALS, math.ceil(-math.log10(measured.error)))
    return minus(f"{measured.value:.{digits}f}\u00a0±\u00a0{measured.error:.{digits}f}")


def minus(text: str) -> str:
    """Return text with the hyphen of a negative number as a minus sign."""
    return text.replace("-", "\u2212")


def signed(measured: Measured) -> str:
    """Return ``value ± error`` with the value's sign always shown."""
    return ("" if measured.value < 0 else "+") + number(measured)


def share(measured: Measured | None) -> str:
    """Return a share as ``value ± error`` in per cent, or a dash when nothing defines it."""
    if measured is None:
        return "\u2013"
    digits = 2 if 0 < measured.error < 0.0005 else 1
    return minus(f"{100 * measured.value:.{digits}f}\u00a0±\u00a0{100 * measured.error:.{digits}f}\u00a0%")


def short(measured: Measured | None) -> str:
    """Return ``value ± error`` with three decimals, or a dash when nothing defines it."""
    return "\u2013" if measured is None else number(measured)


def sigmas(value: float) -> str:
    """Return a significance, without decimals where they say nothing."""
    if not math.isfinite(value):
        return "every event alike"
    return minus(f"{value:+.{1 if abs(value) < _MANY else 0}f}\u202f\u03c3")


def elinks(count: int | None) -> str:
    """Return ``1 eLink``, ``5 eLinks`` or ``no eLink``."""
    if not count:
        return "no eLink"
    return f"{count} eLink" if count == 1 else f"{count} eLinks"


def full_name(row: HeadlineRow) -> str:
    """Return the algorithm with its variant in brackets."""
    return f"{row.name} ({row.detail})" if row.detail else row.name


def short_name(row: HeadlineRow) -> str:
    """Return the algorithm with the variant's one word in brackets."""
    return f"{row.name} ({row.variant})" if row.variant else row.name


def compare(comparison: Comparison, *, short: bool = False) -> str:
    """Return how the autoencoder does against one other algorithm, as a clause."""
    ae, other = comparison.ae.summary.mean.value, comparison.other.summary.mean.value
    name = short_name(comparison.other) if short else full_name(comparison.other)
    rival = f"{name}, {number(comparison.other.summary.mean)}"
    if abs(comparison.difference.significance) < SIGNIFICANT:
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
    # Several autoencoders: the variants in one word each, or the page starts with a wall of text.
    short = len(ae_rows) > 1
    return tuple(_sentence(row, _told(data, row), short=short) for row in ae_rows)


def _told(data: ReportData, row: HeadlineRow) -> list[Comparison]:
    """Return the comparisons with the best of each kind; of a family only that with the best of all."""
    found = [c for c in data.comparisons if c.ae is row and c.leading]
    if not data.pages:
        return found
    return sorted(found, key=lambda c: (c.other.lost, c.other.summary.mean.value))[:1]


def _sentence(row: HeadlineRow, comparisons: list[Comparison], *, short: bool) -> str:
    bits = f" ({row.bits} bits)" if row.bits is not None else ""
    variant = f" ({row.detail})" if row.detail else ""
    start = f"On {elinks(row.elinks)}{bits} the autoencoder{variant} reaches a mean EMD of {number(row.summary.mean)}"
    undefined = ""
    if row.summary.n_undefined:
        pairs = row.summary.n_defined + row.summary.n_undefined
        undefined = f" {row.summary.n_undefined} of {pairs} pairs contain an empty image and have no EMD."
    if not comparisons:
        return f"{start}; no other algorithm was evaluated at the same number of eLinks.{undefined}"
    return f"{start}. That is {', and '.join(compare(c, short=short) for c in comparisons)}.{undefined}"


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
