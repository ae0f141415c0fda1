"""The page of a search, from what is known now."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from econ_ae.app.explore.asking import values_of
from econ_ae.app.explore.directory import DATA, PAGE, SearchDirectory
from econ_ae.app.explore.finish import read_rivals
from econ_ae.app.explore.importance import importance
from econ_ae.app.explore.points import data_key
from econ_ae.app.explore.records import SETTLED, State, Trial
from econ_ae.app.explore.results import best
from econ_ae.app.explore.summary import counts, front_rows
from econ_ae.app.run.context import FACTS
from econ_ae.app.run.made import made
from econ_ae.config import RunConfig, parse
from econ_ae.files import read_json, write_text

_AXES = {
    "area": "Area [kGE]",
    "power": "Power [mW]",
    "registers": "Configuration registers [bits]",
    "latency": "Latency [clocks]",
    "elinks": "eLinks",
    "bits": "Bits of a frame",
}


def write(place: SearchDirectory, trials: Sequence[Trial]) -> None:
    """Write ``index.html`` of a search."""
    from metrics.report.explore import render_explore
    from rtl_gen.costs.scaling import CHIP, LP65

    search = place.config
    chosen = {one.number for one in best(trials, dict(search.objectives))}
    axes = [name for name in (*search.objectives, "area", "registers", "latency", "elinks") if name != "emd"]
    if any(one.silicon is not None and one.silicon.power is not None for one in trials):
        axes.append("power")
    drawn = {
        "axes": {name: _AXES[name] for name in dict.fromkeys(axes)},
        "trials": [_drawn(place, one, front=one.number in chosen) for one in trials],
        "rivals": [asdict(one) for one in read_rivals(place.path)],
        # As arXiv:2105.01683 gives it, in gates of the same node.
        "chip": {"area": CHIP.area * 1e3 / LP65.gate_equivalent, "power": CHIP.power},
    }
    page = _page(place, trials, drawn)
    _plot(place, trials, chosen, synthetic=page.synthetic)
    own = place.path / f"{os.getpid()}-{PAGE}"  # a search at work and ``econ-ae explore show`` may write at once
    write_text(own, render_explore(page))
    own.replace(place.path / PAGE)


def _plot(place: SearchDirectory, trials: Sequence[Trial], chosen: set[int], *, synthetic: bool) -> None:
    """Write the front as PDF, PNG and CSV into ``plots/``."""
    from metrics.report.render import PLOTS
    from metrics.search_plot import Point, front_plot
    from metrics.sheet import Sheet, Sign, origin

    points = []
    for one in trials:
        area, emd = one.figure("area"), one.figure("emd")
        if area is None or emd is None:
            continue
        measured = one.silicon is not None and one.silicon.kge is not None
        error = 0.0 if measured else area * one.known.get("area_error", 0.0)
        points.append(Point(one.number, area, error, emd, one.state is State.TRAINED, one.number in chosen))
    rivals = [(f"{one.name}, {one.elinks} eLinks", one.validation) for one in read_rivals(place.path)]
    told = place.config.space.base.report
    sign = Sign(told.experiment, origin(synthetic=synthetic, simulated=told.origin == "simulation"))
    front_plot(points, rivals, Sheet(sign, place.path / PLOTS))


def _page(place: SearchDirectory, trials: Sequence[Trial], drawn: dict[str, Any]) -> Any:
    from metrics.report.explore import ExplorePage

    search = place.config
    found = counts(place, trials)
    rows = front_rows(place, trials)
    headline = f"{found['drawn']} points drawn, {found['trained']} trained in full, {found['synthesised']} synthesised."
    if rows:
        headline += f" The front has {len(rows)} points, EMD {rows[0]['EMD']} ({rows[0]['kGE']} kGE)"
        headline += f" to {rows[-1]['EMD']} ({rows[-1]['kGE']} kGE)." if len(rows) > 1 else "."
    facts = place.path / DATA / data_key(search.space.base) / FACTS
    return ExplorePage(
        title=f"{search.name}: search of the design space",
        synthetic=bool(read_json(facts)["synthetic"]) if facts.is_file() else False,
        headline=headline,
        front=[{name: str(value) for name, value in row.items()} for row in rows],
        variables=list(search.space.variables),
        importance=importance(search, trials),
        facts={
            "base": search.space.base.name,
            "data": search.space.base.data.source,
            "objectives": ", ".join(f"{way} {name}" for name, way in search.objectives.items()),
            "constraints": "; ".join(search.constraints) or "none",
            "epochs at the comparisons": ", ".join(map(str, search.rungs)),
            "share that trains on": f"{search.budget.keep:.3g}",
            "generation": f"{search.budget.generation} points, {search.budget.sampler}, seed {search.budget.seed}",
            **{name: str(value) for name, value in found.items()},
        },
        drawn=drawn,
        made=made(),
        files="plots/front",
    )


def _drawn(place: SearchDirectory, trial: Trial, *, front: bool) -> dict[str, Any]:
    """Return a trial as the script of the page takes it."""
    search, figure = place.config, trial.figure
    refused = trial.state in SETTLED
    config = None if refused else search.space.config(values_of(search, trial.parameters), "point")
    return {
        "trial": trial.number,
        "generation": trial.generation,
        "state": trial.state.value,
        "reason": trial.reason,
        "values": dict(trial.values),
        "known": dict(trial.known),
        "emd": figure("emd"),
        "area": figure("area"),
        "measured": trial.silicon is not None and trial.silicon.kge is not None,
        "figures": {name: figure(name) for name in _AXES},
        "rungs": [asdict(one) for one in trial.rungs],
        "front": front,
        "toml": "" if config is None else toml_of(config),
    }


def toml_of(config: RunConfig) -> str:
    """Return settings as TOML that ``econ-ae run --config`` reads back; what is default is left out."""
    import tomli_w

    text = tomli_w.dumps(config.model_dump(mode="json", exclude_defaults=True, exclude_none=True))
    if parse(tomllib.loads(text), "point") == config:
        return text
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))
