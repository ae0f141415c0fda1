"""Collects what the stages of a run know into a report's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry
from metrics.evaluate import Evaluated, Evaluation
from metrics.report import words
from metrics.report.data import (
    Comparison,
    Distribution,
    EventImage,
    HeadlineRow,
    ModelCard,
    ProfileSeries,
    ReportData,
    Scalar,
    Table,
    Verification,
    WaferEvent,
)
from metrics.statistics import paired_difference

_STC = ("stc2x2", "ctc2x2", "stc4x4")
_SHOWN = ("ae", "bc", *_STC)
_EVENTS = (
    ("Best", 0.0),
    ("Better than most (16 % quantile)", 0.16),
    ("Median", 0.5),
    ("Worse than most (84 % quantile)", 0.84),
    ("Worst", 1.0),
)
_VERIFICATION = ("events", "mismatches", "simulator", "latency", "corners")


def build_report(
    evaluation: Evaluation,
    charges: NDArray[np.generic],
    geometry: WaferGeometry,
    *,
    title: str,
    dataset: Mapping[str, Any],
    history: Mapping[str, Sequence[float]] | None = None,
    verification: Mapping[str, Any] | None = None,
    model_card: Mapping[str, Any] | None = None,
    manifest: Mapping[str, Any] | None = None,
    notes: Iterable[str] = (),
    ideal: Evaluation | None = None,
) -> ReportData:
    """Return a report's data.

    Parameters
    ----------
    evaluation : of ``metrics.evaluate.evaluate``; the autoencoder is the algorithm ``ae``
    charges : (n, cells) input charges of the evaluated events, CALQ counts
    dataset : facts about the events; ``synthetic`` (bool) is required
    history : ``loss``, ``val_loss``, ``learning_rate`` (or ``lr``), one number per epoch
    verification : ``events``, ``mismatches`` (integers, required), ``simulator``, ``latency`` (clocks), ``corners``
        (hits by name), and any other facts; None when nothing was simulated
    model_card : ``layers`` (a list of mappings with the same keys, one per layer), and any other facts
    manifest : facts by name; nested mappings become dotted names
    ideal : the same events with receivers that know every sent charge exactly

    Raises
    ------
    DataError
        When a required key is missing, or ``charges`` are not those of the evaluation.
    """
    if not isinstance(dataset.get("synthetic"), bool):
        raise DataError("dataset needs the key 'synthetic' (true or false): a report says whether its events are real")
    image = np.asarray(charges, dtype=np.float64)
    if image.shape != (len(evaluation.occupancy), geometry.cells):
        raise DataError(
            f"charges have shape {image.shape}; the evaluation has {len(evaluation.occupancy)} events "
            f"of {geometry.cells} cells"
        )
    rows = _rows(evaluation)
    shown = _shown(evaluation)
    several = len({e.reconstruction.elinks for e in shown}) > 1
    return ReportData(
        title=title,
        synthetic=dataset["synthetic"],
        dataset=_flat(dataset),
        rows=tuple(rows[id(e)] for e in evaluation.entries),
        comparisons=_comparisons(evaluation, rows),
        profiles=tuple(
            ProfileSeries(
                e.reconstruction.algorithm,
                e.reconstruction.variant,
                e.reconstruction.elinks,
                _short(e, with_elinks=several),
                e.by_occupancy,
                e.by_charge,
            )
            for e in shown
        ),
        distributions=tuple(
            Distribution(
                e.reconstruction.algorithm,
                e.reconstruction.variant,
                _short(e, with_elinks=several),
                e.result.of_defined,
            )
            for e in shown
        ),
        events=_events(evaluation, image),
        history={key: tuple(float(v) for v in values) for key, values in (history or {}).items()},
        verification=None if verification is None else _verification(verification),
        model=None if model_card is None else _model(model_card),
        manifest=_flat(manifest or {}),
        notes=tuple(notes),
        geometry=geometry,
        ideal=() if ideal is None else tuple(_rows(ideal)[id(e)] for e in ideal.entries),
    )


def _rows(evaluation: Evaluation) -> dict[int, HeadlineRow]:
    """Return headline rows by id of the evaluated entry."""
    least: dict[int | None, float] = {}
    for e in evaluation.entries:
        links, mean = e.reconstruction.elinks, e.summary.mean.value
        least[links] = min(mean, least.get(links, mean))
    return {
        id(e): HeadlineRow(
            e.reconstruction.algorithm,
            e.reconstruction.variant,
            e.reconstruction.name,
            e.reconstruction.detail,
            e.reconstruction.elinks,
            e.reconstruction.bits,
            e.summary,
            best=e.reconstruction.elinks is not None and e.summary.mean.value == least[e.reconstruction.elinks],
        )
        for e in evaluation.entries
    }


def _rivals(evaluation: Evaluation, elinks: int | None) -> list[Evaluated]:
    """Return the better variant of best choice and the best of the super trigger cells at an eLink count."""
    stc = [e for name in _STC for e in evaluation.of(name, elinks=elinks)]
    return [*evaluation.of("bc", elinks=elinks)[:1], *sorted(stc, key=lambda e: e.summary.mean.value)[:1]]


def _comparisons(evaluation: Evaluation, rows: Mapping[int, HeadlineRow]) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(rows[id(ae)], rows[id(other)], paired_difference(ae.result, other.result, evaluation.seed))
        for ae in evaluation.entries
        if ae.reconstruction.algorithm == "ae" and ae.reconstruction.elinks is not None
        for other in _rivals(evaluation, ae.reconstruction.elinks)
    )


def _reference_elinks(evaluation: Evaluation) -> int | None:
    """Return the eLink count that plots and displays compare at: the autoencoder's, or the largest evaluated."""
    counts = [e.reconstruction.elinks for e in evaluation.entries if e.reconstruction.elinks is not None]
    ae = evaluation.of("ae")
    return ae[0].reconstruction.elinks if ae else max(counts, default=None)


def _shown(evaluation: Evaluation) -> list[Evaluated]:
    """Return the entries of the plots: every autoencoder, and its rivals at the same eLink count."""
    links = _reference_elinks(evaluation)
    return [
        *(e for e in evaluation.entries if e.reconstruction.algorithm == "ae"),
        *(
            e
            for name in _SHOWN[1:]
            for e in evaluation.entries
            if e.reconstruction.algorithm == name and e.reconstruction.elinks == links
        ),
    ]


def _short(e: Evaluated, *, with_elinks: bool = True) -> str:
    r = e.reconstruction
    at = f", {words.elinks(r.elinks)}" if with_elinks else ""
    variant = f" ({r.variant})" if r.variant else ""
    return f"{r.name}{variant}{at}"


def _events(evaluation: Evaluation, image: NDArray[np.float64]) -> tuple[WaferEvent, ...]:
    """Return events at fixed quantiles of the autoencoder's EMD, or of best choice's when there is no autoencoder."""
    links = _reference_elinks(evaluation)
    leading = [*evaluation.of("ae", elinks=links)[:1], *evaluation.of("bc", elinks=links)[:1]]
    if not leading:
        return ()
    defined = np.flatnonzero(np.all([e.result.defined for e in leading], axis=0))
    order = defined[np.argsort(leading[0].result.values[defined], kind="stable")]
    picked: dict[int, str] = {}
    for title, quantile in _EVENTS if len(order) else ():
        picked.setdefault(int(order[round(quantile * (len(order) - 1))]), title)
    return tuple(
        WaferEvent(
            title,
            event,
            int(evaluation.occupancy[event]),
            float(evaluation.total[event]),
            (
                EventImage("input", image[event], None),
                *(
                    EventImage(_short(e), np.asarray(e.reconstruction.charges[event]), float(e.result.values[event]))
                    for e in leading
                ),
            ),
        )
        for event, title in picked.items()
    )


def _verification(raw: Mapping[str, Any]) -> Verification:
    for key in ("events", "mismatches"):
        if not isinstance(raw.get(key), Integral) or raw[key] < 0:
            raise DataError(f"verification needs {key!r}, a count of events, not {raw.get(key)!r}")
    latency = raw.get("latency")
    return Verification(
        events=int(raw["events"]),
        mismatches=int(raw["mismatches"]),
        simulator=str(raw.get("simulator", "not stated")),
        latency=None if latency is None else int(latency),
        corners={str(name): int(hits) for name, hits in raw.get("corners", {}).items()},
        details=_flat({key: value for key, value in raw.items() if key not in _VERIFICATION}),
    )


def _model(raw: Mapping[str, Any]) -> ModelCard:
    layers = tuple(_flat(layer) for layer in raw.get("layers", ()))
    if any(set(layer) != set(layers[0]) for layer in layers):
        raise DataError("the layers of a model card must all have the same keys: they are the columns of one table")
    return ModelCard(layers, _flat({key: value for key, value in raw.items() if key != "layers"}))


def _flat(raw: Mapping[str, Any], prefix: str = "") -> Table:
    """Return scalars by dotted name; lists become comma-separated text."""
    out: dict[str, Scalar] = {}
    for key, value in raw.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            out |= _flat(value, f"{name}.")
        elif isinstance(value, np.generic):
            out[name] = value.item()
        elif value is None or isinstance(value, str | bool | int | float):
            out[name] = value
        elif isinstance(value, Sequence | np.ndarray):
            out[name] = ", ".join(str(v) for v in value)
        else:
            out[name] = str(value)
    return out
