"""Who wins where, in words: nobody within two standard errors of the difference, event by event."""

from __future__ import annotations

import math

from metrics.report.data import Comparison, HeadlineRow, ReportData
from metrics.report.words import SIGNIFICANT, elinks, number, scalar, short_name, sigmas


def who_wins(data: ReportData) -> tuple[str, ...]:
    """Return a sentence per autoencoder; of several, one before them that counts wins and losses.

    An autoencoder wins where its mean EMD is smaller than that of every other algorithm at its eLinks by two standard
    errors of the paired difference at least, and no event is lost. Where another one is better by as much it loses.
    """
    rows = [row for row in data.rows if row.algorithm == "ae" and row.elinks is not None]
    told = [outcome(row, [c for c in data.comparisons if c.ae is row]) for row in rows]
    sentences = tuple(sentence for _, sentence in told)
    if len(told) < 2:
        return sentences
    where = {
        word: [elinks_of(row) for row, (found, _) in zip(rows, told, strict=True) if found == word]
        for word in ("wins", "is level", "loses", "is alone")
    }
    parts = [f"{word} on {_listed(found)}" for word, found in where.items() if found]
    return (f"The autoencoder {_listed(parts)}.", *sentences)


def outcome(row: HeadlineRow, comparisons: list[Comparison]) -> tuple[str, str]:
    """Return ``wins``, ``is level``, ``loses`` or ``is alone``, and the sentence with the numbers."""
    start = f"{elinks_of(row)}: "
    mean = number(row.summary.mean)
    others = sorted((c for c in comparisons if not c.other.lost), key=lambda c: c.other.summary.mean.value)
    if not others:
        return "is alone", f"{start}the autoencoder has a mean EMD of {mean}; no other algorithm was evaluated there."
    first = others[0]
    rival = f"{short_name(first.other)}, {number(first.other.summary.mean)}"
    events = f"{first.difference.n_pairs:,} events".replace(",", "\u202f")
    better = [c for c in others if c.difference.mean.value > 0 and _certain(c)]
    if better:
        best = better[0]
        rival = f"{short_name(best.other)}, {number(best.other.summary.mean)}"
        text = f"{start}{rival}, is better than the autoencoder, {mean}"
        return "loses", f"{text} ({_by(best)} in {events})."
    if row.lost:
        lost = f"{row.lost:,} events".replace(",", "\u202f")
        return "is level", f"{start}no winner: the autoencoder, {mean}, loses {lost}; next {rival}."
    level = [c for c in others if not _certain(c)]
    if level:
        near = f"{short_name(level[0].other)}, {number(level[0].other.summary.mean)}"
        text = f"{start}no winner: the autoencoder, {mean}, and {near}, are within two standard errors"
        return "is level", f"{text} ({_by(level[0])} in {events})."
    return "wins", f"{start}the autoencoder wins, {mean}; next {rival} ({_by(first)} in {events})."


def keys(data: ReportData) -> list[dict[str, str]]:
    """Return what a reader looks for first, a card each: the encoders' EMD, the events, the verification."""
    out = []
    for row in (row for row in data.rows if row.algorithm == "ae"):
        bits = "" if row.bits is None else f", {row.bits} bits"
        note = outcome(row, [c for c in data.comparisons if c.ae is row])[0] if row.elinks is not None else ""
        out.append(
            {
                "kind": {"wins": "pass", "loses": "fail"}.get(note, ""),
                "name": f"{elinks_of(row)}{bits}",
                "value": number(row.summary.mean),
                "note": f"mean EMD; {note}" if note else "mean EMD",
            }
        )
    if data.sign.events is not None:
        empty = scalar(max((row.summary.n_undefined - row.lost for row in data.rows), default=0))
        note = f"{empty} of them without charge"
        out.append({"kind": "", "name": "Report events", "value": scalar(data.sign.events), "note": note})
    if data.verification is not None:
        v = data.verification
        note = f"mismatches in {scalar(v.events)} simulated events"
        kind = "pass" if v.passed else "fail"
        out.append({"kind": kind, "name": "Verilog", "value": scalar(v.mismatches), "note": note})
    return out


def elinks_of(row: HeadlineRow) -> str:
    """Return the eLinks of an autoencoder, with its name where runs are compared."""
    run = f" ({row.variant})" if row.variant and row.variant not in (row.detail, "pulses") else ""
    return elinks(row.elinks) + run


def _certain(comparison: Comparison) -> bool:
    difference = comparison.difference
    known = difference.n_pairs > 1 and math.isfinite(difference.mean.error)  # one event has no error
    return known and abs(difference.significance) >= SIGNIFICANT


def _by(comparison: Comparison) -> str:
    return sigmas(abs(comparison.difference.significance)).lstrip("+")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"
