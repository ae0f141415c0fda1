"""Collects what the stages of a run know into a report's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry
from metrics.evaluate import Evaluation
from metrics.physics import SecondOpinions
from metrics.report.data import ModelCard, ReportData, Scalar, SiliconCosts, Table, Verification
from metrics.report.gallery import defaults, gallery
from metrics.report.rivals import against_rivals, between_runs, distributions, headline_rows, opinions_of, profile_sets
from metrics.sheet import Sign, origin
from metrics.threshold import ThresholdStream

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
    streams: Iterable[ThresholdStream] = (),
    runs: Iterable[Mapping[str, Any]] = (),
    costs: Iterable[SiliconCosts] = (),
    no_costs: str = "",
    pages: Iterable[str] = (),
    opinions: Mapping[int, SecondOpinions] | None = None,
    experiment: str = "",
    simulated: bool = True,
    made: Mapping[str, Any] | None = None,
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
    streams : how the threshold sum used its links
    runs : facts about each compared run, with the same keys, when there are several
    costs : for each cell library
    no_costs : why there are no costs, or not all
    pages : addresses of the runs' own pages, when the runs are a family
    opinions : second opinions that are known, as of ``opinions_of``
    experiment : that plots name inside their axes
    simulated : whether events that are not synthetic are of a simulation
    made : date, command and version that the page is made by and with

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
    pages = tuple(pages)
    rows = headline_rows(evaluation, opinions_of(evaluation, image, geometry, opinions))
    events = gallery(evaluation, image)
    return ReportData(
        title=title,
        synthetic=dataset["synthetic"],
        dataset=_flat(dataset),
        rows=tuple(rows[id(e)] for e in evaluation.entries),
        comparisons=against_rivals(evaluation, rows),
        run_comparisons=() if pages else between_runs(evaluation, rows),
        profiles=profile_sets(evaluation),
        distributions=distributions(evaluation),
        events=defaults(events),
        gallery=events,
        history={key: tuple(float(v) for v in values) for key, values in (history or {}).items()},
        verification=None if verification is None else _verification(verification),
        model=None if model_card is None else _model(model_card),
        manifest=_flat(manifest or {}),
        notes=tuple(notes),
        geometry=geometry,
        ideal=() if ideal is None else tuple(headline_rows(ideal, {}).values()),
        streams=tuple(streams),
        runs=tuple(_flat(run) for run in runs),
        costs=tuple(costs),
        no_costs=no_costs,
        pages=pages,
        sign=Sign(experiment, origin(synthetic=dataset["synthetic"], simulated=simulated), len(evaluation.occupancy)),
        made=_flat(made or {}),
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
