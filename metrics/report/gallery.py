"""Events on the module: some tens in order of the EMD, chosen by quantile and not by eye."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from metrics.evaluate import Evaluated, Evaluation
from metrics.report.data import EventImage, WaferEvent
from metrics.report.rivals import leading, reference_elinks, short
from metrics.wafer import SCALE

_EVENTS = 41  # every 2.5 % quantile
_NAMES = {0.0: "Best", 0.5: "Median", 1.0: "Worst"}
_RECONSTRUCTIONS = 3


def gallery(evaluation: Evaluation, image: NDArray[np.float64]) -> tuple[WaferEvent, ...]:
    """Return events at even quantiles of the EMD of the best autoencoder, or of the best other without one."""
    entries = _columns(evaluation)
    if not entries:
        return ()
    defined = np.flatnonzero(np.all([e.result.defined for e in entries], axis=0))
    order = defined[np.argsort(entries[0].result.values[defined], kind="stable")]
    if not len(order):
        return ()
    picked: dict[int, str] = {}
    # The named ones first, so that a small sample keeps its worst event under that name.
    for quantile in sorted(np.linspace(0, 1, _EVENTS).tolist(), key=lambda q: q not in _NAMES):
        event = int(order[round(quantile * (len(order) - 1))])
        picked.setdefault(event, _NAMES.get(quantile, f"{100 * quantile:g} % quantile"))
    return tuple(_event(evaluation, entries, image, int(e), picked[int(e)]) for e in order if int(e) in picked)


def defaults(events: tuple[WaferEvent, ...]) -> tuple[WaferEvent, ...]:
    """Return the events that a page shows without a script: best, median and worst."""
    return tuple(event for event in events if event.title in _NAMES.values())


def _columns(evaluation: Evaluation) -> list[Evaluated]:
    """Return which reconstructions are drawn: the best autoencoder, then the best others at its eLink count."""
    links = reference_elinks(evaluation)
    rivals = sorted(leading(evaluation, links), key=lambda e: (e.summary.n_undefined, e.summary.mean.value))
    return [*evaluation.of("ae", elinks=links)[:1], *rivals][:_RECONSTRUCTIONS]


def _event(
    evaluation: Evaluation, entries: list[Evaluated], image: NDArray[np.float64], event: int, title: str
) -> WaferEvent:
    images = (
        EventImage(short(e), np.asarray(e.reconstruction.charges[event]), float(e.result.values[event]))
        for e in entries
    )
    return WaferEvent(
        title,
        event,
        int(evaluation.occupancy[event]),
        float(evaluation.total[event]),
        (EventImage("input", image[event], None), *images),
    )


def gallery_json(events: tuple[WaferEvent, ...]) -> str:
    """Return what the slider draws, as JSON that is safe inside a script element."""
    tree = {
        "scale": SCALE,
        "events": [
            vars(event)
            | {"images": [{"charges": [float(f"{c:.4g}") for c in i.charges], "emd": i.emd} for i in event.images]}
            for event in events
        ],
    }
    return json.dumps(tree, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
