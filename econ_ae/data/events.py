"""Which whole events train, which validate and which are reported: an event is never on two sides."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.splits import Split, runs, split_rows
from econ_ae.errors import ConfigError, DataError

IntArray = NDArray[np.int64]

_COLUMNS = {"event", "wafer", "gev_per_calq"}
_RANGE = re.compile(r"\s*(\d+)\s*:\s*(\d+)\s*")
_REPORTED, _VALIDATED = 7, 10  # one event in seven is reported, one in ten of the others validates
_FEWEST = 3


@dataclass(frozen=True)
class EventRanges:
    """Ranges of event numbers as ``first:end``, several with commas.

    Parameters
    ----------
    train : None takes all events that are in no other range
    validation : None takes the last tenth of the events that would train
    report : None takes the last seventh of all events, or with ``train`` all that are in no other range
    """

    train: str | None = None
    validation: str | None = None
    report: str | None = None


def whole_events(columns: Collection[str]) -> bool:
    """Tell from its metadata columns whether a set holds module images of whole events."""
    return set(columns) >= _COLUMNS


def split_events(
    event: NDArray[np.integer], charged: NDArray[np.bool_], ranges: EventRanges, *, rows: Collection[str | None] = ()
) -> Split:
    """Divide module images by event. Images that are repeated in another event stay: they are not the same event.

    Parameters
    ----------
    event : integers (n,), event of each row
    charged : bool (n,), rows with charge
    rows : ranges of rows that were asked for; there must be none

    Raises
    ------
    ConfigError
        When a range is malformed, holds no event, or shares one with another; or when rows were asked for.
    DataError
        When there are fewer than three events.
    """
    if any(text is not None for text in rows):
        raise ConfigError(
            "data.train and data.report are ranges of rows, which may cut an event; whole events are divided by "
            "data.cms_events.train_events, validation_events and report_events"
        )
    train, validation, report = _sides(np.unique(event).astype(np.int64), ranges)
    sides = (np.concatenate([train, validation]), validation, report)
    learning, validating, reported = (runs(np.flatnonzero(np.isin(event, side))) for side in sides)
    found = split_rows(charged, None, learning, reported, validation=validating)
    named = ", ".join(
        f"{name} {runs(side)}" for name, side in (("train", train), ("validation", validation), ("report", report))
    )
    return replace(found, rule=f"by event: {named}")


def _sides(events: IntArray, ranges: EventRanges) -> tuple[IntArray, IntArray, IntArray]:
    if len(events) < _FEWEST:
        raise DataError(f"{len(events)} events; expected at least {_FEWEST}, to train, to validate and to report")
    given = {
        name: _events(getattr(ranges, name), name, events)
        for name in ("train", "validation", "report")
        if getattr(ranges, name) is not None
    }
    for one, other in (("train", "validation"), ("train", "report"), ("validation", "report")):
        shared = np.intersect1d(given.get(one, []), given.get(other, []))
        if shared.size:
            raise ConfigError(
                f"data.cms_events.{one}_events and {other}_events share event {int(shared[0])}; "
                "expected separate ranges"
            )
    if "report" not in given:
        left = np.setdiff1d(events, np.concatenate([np.zeros(0, np.int64), *given.values()]))
        given["report"] = left if "train" in given else left[len(left) - max(1, round(len(events) / _REPORTED)) :]
    left = given["train"] if "train" in given else np.setdiff1d(events, np.concatenate([*given.values()]))
    if "validation" not in given:
        count = max(1, round(len(left) / _VALIDATED))
        given["validation"], left = left[len(left) - count :], left[: len(left) - count]
    given["train"] = left
    for name, side in given.items():
        if not side.size:
            raise ConfigError(f"data.cms_events leaves no event for {name}; expected at least one on each side")
    return given["train"], given["validation"], given["report"]


def _events(text: str, name: str, events: IntArray) -> IntArray:
    """Return the events of the file in ``a:b,c:d``."""
    chosen = np.zeros(len(events), np.bool_)
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None or int(match[1]) >= int(match[2]):
            raise ConfigError(
                f"data.cms_events.{name}_events {part!r} not understood; expected 'first:end', for example '0:54'"
            )
        here = (events >= int(match[1])) & (events < int(match[2]))
        if not here.any():
            raise ConfigError(
                f"data.cms_events.{name}_events {part!r}: none of the events {events[0]}..{events[-1]} is in that range"
            )
        chosen |= here
    return events[chosen]
