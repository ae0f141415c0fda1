"""Where a search is, in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.records import State, Trial
from econ_ae.app.explore.results import best


def counts(place: SearchDirectory, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return how many trials there are of each kind."""
    found = Counter(one.state for one in trials)
    return {
        # The settings are those that the search was begun with, --trials may have made it longer.
        "drawn": f"{len(trials)} of {max(place.config.budget.trials, len(trials))}",
        "generations": len({one.generation for one in trials}),
        **{str(state.value): found[state] for state in State},
        "synthesised": sum(one.silicon is not None and one.silicon.kge is not None for one in trials),
        "verified": sum(one.checked is not None and one.checked.verified is not None for one in trials),
    }


def front_rows(place: SearchDirectory, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the front, smallest EMD first, for a terminal."""
    rows = []
    for one in sorted(best(trials, dict(place.config.objectives)), key=lambda t: t.rungs[-1].emd):
        rung = one.rungs[-1]
        rows.append(
            {
                "trial": one.name,
                "EMD": f"{rung.emd:.4f} ± {rung.error:.4f}",
                "report EMD": _report(one),
                "kGE": area_text(one),
                "registers": f"{one.known['registers']:.0f}",
                "clocks": f"{one.known['latency']:.0f}",
                "eLinks": f"{one.known['elinks']:.0f}",
                **({"mW": power_text(one)} if "power" in place.config.objectives else {}),
                "Verilog": verified_text(one),
            }
        )
    return rows


def area_text(trial: Trial) -> str:
    """Return the area of a point in kGE, with its error where it is estimated."""
    if trial.silicon is not None and trial.silicon.kge is not None:
        return f"{trial.silicon.kge:.1f}"
    return f"about {trial.known['area']:.0f} ± {trial.known['area'] * trial.known['area_error']:.0f}"


def power_text(trial: Trial) -> str:
    """Return the power of a point in mW, or a dash."""
    return "-" if trial.silicon is None or trial.silicon.power is None else f"{trial.silicon.power:.1f}"


def verified_text(trial: Trial) -> str:
    """Return what the simulation of a point's Verilog said."""
    if trial.checked is None:
        return "-"
    if trial.checked.problem:
        return trial.checked.problem
    return "-" if trial.checked.verified is None else f"equal on {trial.checked.verified} events"


def _report(trial: Trial) -> str:
    found = trial.checked
    if found is None or found.report_emd is None or found.report_error is None:
        return "-"
    return f"{found.report_emd:.4f} ± {found.report_error:.4f}"


def json_of(place: SearchDirectory, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return everything that is known, for a program."""
    return {
        "name": place.config.name,
        "counts": counts(place, trials),
        "front": [one.number for one in best(trials, dict(place.config.objectives))],
        "trials": [
            {
                "trial": one.number,
                "generation": one.generation,
                "state": one.state.value,
                "reason": one.reason,
                "values": dict(one.values),
                "known": dict(one.known),
                "rungs": [vars(rung) for rung in one.rungs],
                "silicon": None if one.silicon is None else vars(one.silicon),
                "checked": None if one.checked is None else vars(one.checked),
            }
            for one in trials
        ],
    }
