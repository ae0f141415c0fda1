"""What came of trials: one of them in a line, the front of all."""

from __future__ import annotations

from collections.abc import Sequence

from econ_ae.app.explore.halving import Figures, front
from econ_ae.app.explore.records import Rung, State, Trial


def line(trial: Trial, rung: Rung | None) -> str:
    """Return a finished part of a trial in one line."""
    if rung is None:
        return f"trial {trial.number}: failed: {trial.reason}"
    values = ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in trial.values.items())
    area = trial.known.get("area", float("nan"))
    return (
        f"trial {trial.number}: EMD {rung.emd:.4f} after {rung.epochs} epochs, about {area:.0f} kGE, "
        f"{rung.seconds:.0f} s ({values})"
    )


def best(trials: Sequence[Trial], objectives: dict[str, str]) -> list[Trial]:
    """Return the front of the trials that are trained in full, in the order of their numbers."""
    signs = {name: 1 if way == "minimise" else -1 for name, way in objectives.items()}
    points: dict[int, Figures] = {}
    for one in trials:
        found = [one.figure(name) for name in signs]
        if one.state == State.TRAINED and all(value is not None for value in found):
            points[one.number] = tuple(v * s for v, s in zip(found, signs.values(), strict=True) if v is not None)
    return [trials[number] for number in front(points)]
