"""The end of a search: its front verified in RTL, what the report rows say of it, and what the chip's algorithms do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from econ_ae.app.explore.directory import DATA, RIVALS, SearchDirectory
from econ_ae.app.explore.driver import Driver, Workers
from econ_ae.app.explore.points import data_key
from econ_ae.app.explore.records import Trial
from econ_ae.app.explore.results import best
from econ_ae.app.explore.work import Outcome, mean
from econ_ae.app.run.context import Context, open_run
from econ_ae.files import read_json, write_json
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress, Silent


@dataclass(frozen=True)
class Rival:
    """The best variant of an algorithm of the chip at some eLinks, chosen on validation rows.

    Parameters
    ----------
    name : in words
    validation, report, error : mean EMD of the rows, and the standard error of the report's
    """

    name: str
    elinks: int
    validation: float
    report: float
    error: float


def finish(
    place: SearchDirectory, workers: Workers, driver: Driver, *, verify: bool, progress: Progress
) -> list[Trial]:
    """Check the front and return all trials with what was found; workers know what is checked already.

    Parameters
    ----------
    verify : simulate the Verilog of every point
    """
    synthesise_front(place, driver, progress)
    trials = driver.trials
    chosen = best(trials, dict(place.config.objectives))
    write_rivals(place, trials, driver, progress)
    if chosen:
        progress.say(f"the front has {len(chosen)} points, which are {'verified' if verify else 'evaluated'} now")
    tasks = [replace(driver.task("check", one), verify=verify) for one in chosen]

    def arrived(outcome: Outcome) -> None:
        trial = trials[outcome.number]
        if (found := outcome.checked) is None:
            progress.say(f"trial {outcome.number}: not checked: {outcome.failure}")
            return
        trials[outcome.number] = replace(trial, checked=found)
        how = found.problem or ("" if found.verified is None else f", Verilog equal on {found.verified} events")
        progress.say(f"trial {outcome.number}: report EMD {found.report_emd:.4f}{how}")
        place.write_state(trials)

    workers.run(tasks, arrived)
    place.write_state(trials)
    return trials


def synthesise_front(place: SearchDirectory, driver: Driver, progress: Progress) -> None:
    """Synthesise the front, and what comes into it by that, where this was left to the end."""
    asked = place.config.synthesis
    if asked is None or asked.liberty is None or asked.when != "end":
        return
    tried: set[int] = set()
    while True:
        front = best(driver.trials, dict(place.config.objectives))
        open_ = sorted(one.number for one in front if one.silicon is None and one.number not in tried)[: asked.most]
        if not open_:
            return
        progress.say(f"the front has {len(front)} points; {len(open_)} are synthesised")
        tried |= set(open_)
        driver.synthesise(open_)


def write_rivals(place: SearchDirectory, trials: list[Trial], driver: Driver, progress: Progress) -> None:
    """Write what the chip's algorithms do with the rows of the search, on the eLinks of its points."""
    counts = sorted({int(one.known["elinks"]) for one in trials if one.rungs})
    path = place.path / RIVALS
    if not counts or (path.is_file() and read_json(path)["elinks"] == counts):
        return
    progress.say("the chip's algorithms on the same rows")
    base = place.config.space.base
    data = place.path / DATA / data_key(base)
    driver.share_data(base, data)
    context = open_run(data, Silent())
    write_json(path, {"elinks": counts, "rivals": [asdict(one) for one in rivals_of(context, counts)]})


def rivals_of(context: Context, elinks: list[int]) -> list[Rival]:
    """Return the best variant of each of the chip's algorithms, chosen on the validation rows of a run."""
    from metrics.emd import emd
    from metrics.transmitted import transmitted

    tune = context.rows("train").charges
    found: dict[tuple[str, int], dict[str, dict[str, tuple[float, float]]]] = {}
    for part in ("validation", "report"):
        charges = context.rows(part).charges
        for one in transmitted(charges, LOW_DENSITY, elinks, tune=tune).reconstructions:
            values = emd(charges, one.charges, LOW_DENSITY).of_defined
            if len(values):
                variants = found.setdefault((one.name, one.elinks or 0), {})
                variants.setdefault(one.variant, {})[part] = mean(values)
    rivals = []
    for (name, links), variants in sorted(found.items()):
        both = [(one["validation"][0], *one["report"]) for one in variants.values() if len(one) == 2]
        if both and links in elinks:
            rivals.append(Rival(name, links, *min(both)))
    return rivals


def read_rivals(path: Path) -> list[Rival]:
    """Return what ``write_rivals`` wrote; nothing before it did."""
    file = path / RIVALS
    return [Rival(**one) for one in read_json(file)["rivals"]] if file.is_file() else []
