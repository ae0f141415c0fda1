"""What a search costs besides its trainings, and how many workers one driver keeps busy.

    python benchmarks/explore_scaling.py [--workers 1,2,4] [--seconds 0.5] [--trials 48] [--training 60]

Workers sleep in the place of trainings, so that more of them than CPUs can be measured. Then a plan for 1,000 workers
is simulated from the measured times: generations and rungs end with their slowest training.
"""

from __future__ import annotations

import argparse
import heapq
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from econ_ae.app.explore import storage
from econ_ae.app.explore.asking import Asker, values_of
from econ_ae.app.explore.cluster import Cluster, opened
from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.driver import Driver
from econ_ae.app.explore.points import point
from econ_ae.app.explore.records import Rung, State, Trial
from econ_ae.app.explore.storage import Log
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.config.explore import ExploreConfig, named_or_file
from econ_ae.progress import Silent

_SPREAD = 0.3  # of the logarithm of a training's time, as those of the presets on two loaded CPUs
_RUNGS, _KEEP, _GENERATIONS = 3, 1 / 3, 5


def sleeping(seconds: float, task: Task) -> Outcome:
    """Return figures of the number alone, after a while."""
    time.sleep(seconds)
    emd = float(np.random.default_rng(task.number).random())
    return Outcome(task.number, rung=Rung(task.rung, task.until, emd, 0.0, seconds))


@dataclass
class Timed:
    """Seconds of the driver by what it does."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def __call__(self, name: str, work: Callable[[], object]) -> object:
        """Do something and note how long it took."""
        start = time.perf_counter()
        found = work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - start)
        return found

    def median(self, name: str) -> float:
        """Return the median of what was noted."""
        return statistics.median(self.seconds[name])


def driver_times(search: ExploreConfig, folder: Path, count: int) -> Timed:
    """Return what the driver does for one trial, one thing after another, behind ``count`` others."""
    timed, log = Timed(), Log(storage.url_of(folder), search, mode="new")
    place = SearchDirectory(folder, search)
    trials: list[Trial] = []
    asker = Asker(search, trials)
    for number in range(count):
        parameters, system = timed("draw", lambda n=number: asker.ask(n))  # type: ignore[misc]
        found = timed("build and estimate", lambda p=parameters: point(search, values_of(search, p)))
        trial = Trial(number, 0, parameters, found.values, found.known, State.STOPPED, system=system)  # type: ignore[attr-defined]
        timed("write the draw", lambda t=trial: log.add(t))
        timed("write what became of it", lambda t=trial: log.tell(t))
        trials.append(trial)
    for _ in range(5):
        timed("write the state of all", lambda: place.write_state(trials))
    log.close()
    return timed


def searched(search: ExploreConfig, folder: Path, workers: int, seconds: float) -> tuple[float, int]:
    """Return the wall time of the trainings of a search, which sleep, and how many there were."""
    place = SearchDirectory.create(folder, search, url=None, overwrite=False)
    log = Log(storage.url_of(folder), search, mode="new")
    with opened(Cluster("", workers, partial(sleeping, seconds), Silent(), 0)) as cluster:
        cluster.run(tasks(search, folder, 2 * workers), print_nothing)  # every worker has loaded what it needs
        timed = Waiting(cluster)
        found = Driver(place, log, timed, print_nothing, Silent(), print_nothing).run()
    log.close()
    return timed.seconds, sum(len(one.rungs) for one in found)


def dispatch(search: ExploreConfig, folder: Path, count: int) -> float:
    """Return the seconds that the driver and Dask take to give one task out and take its outcome."""
    with opened(Cluster("", 2, partial(sleeping, 0.0), Silent(), 0)) as cluster:
        cluster.run(tasks(search, folder, 8), print_nothing)
        start = time.perf_counter()
        cluster.run(tasks(search, folder, count), print_nothing)
        return (time.perf_counter() - start) / count


def tasks(search: ExploreConfig, folder: Path, count: int) -> list[Task]:
    """Return tasks of numbers of their own."""
    return [Task("train", n, str(folder / "trials" / str(n)), search.space.base, "") for n in range(count)]


@dataclass
class Waiting:
    """Workers, and how long the driver waited for them."""

    cluster: Cluster
    seconds: float = 0.0

    def run(self, given: Sequence[Task], arrived: Callable[[Outcome], None]) -> dict[int, Outcome]:
        """Do tasks."""
        start = time.perf_counter()
        found = self.cluster.run(given, arrived)
        self.seconds += time.perf_counter() - start
        return found

    def attempts(self, number: int) -> int:
        """Return how often work was lost."""
        return self.cluster.attempts(number)


def print_nothing(*_: object) -> None:
    """Do nothing."""


def plan(workers: int, generation: int, training: float, per_trial: float, per_task: float) -> float:
    """Return the share of the workers' time that trains, in a simulated search.

    Parameters
    ----------
    training : mean seconds to the first rung; every further one takes three times as long
    per_trial, per_task : seconds of the driver for a draw and its end, and for a task, one after another
    """
    rng, now, busy = np.random.default_rng(1), 0.0, 0.0
    for _ in range(_GENERATIONS):
        left, now = generation, now + generation * per_trial
        for rung in range(_RUNGS):
            free = [now] * workers
            heapq.heapify(free)
            ends = []
            for i in range(left):
                given = max(heapq.heappop(free), now + i * per_task)
                took = training * 3**rung * float(rng.lognormal(-(_SPREAD**2) / 2, _SPREAD))
                heapq.heappush(free, given + took)
                ends.append(given + took)
                busy += took
            told = now
            for end in sorted(ends):  # outcomes are taken one after another, too
                told = max(told, end) + per_task
            now, left = told, max(1, round(left * _KEEP))
    return busy / (workers * now)


def numbers(text: str) -> Sequence[int]:
    """Return a list of numbers with commas."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--training", type=float, default=60.0)
    given = parser.parse_args()
    search = named_or_file("cells").with_trials(given.trials)
    with tempfile.TemporaryDirectory() as folder:
        timed = driver_times(search, Path(folder), 100)
    per_trial = sum(timed.median(name) for name in timed.seconds if not name.endswith("of all"))
    print("driver, ms per trial (median of 100, SQLite): ")
    for name in timed.seconds:
        print(f"  {name}: {1000 * timed.median(name):.1f}")
    with tempfile.TemporaryDirectory() as folder:
        per_task = dispatch(search, Path(folder), 200)
    print(f"  one task out and back: {1000 * per_task:.1f}")
    for workers in given.workers:
        with tempfile.TemporaryDirectory() as folder:
            wall, count = searched(search, Path(folder) / "out", workers, given.seconds)
        share = 100 * count * given.seconds / workers / wall
        print(f"{workers} workers: {count} tasks of {given.seconds:g} s in {wall:.1f} s, {share:.0f} % of ideal")
    print(f"one driver draws {1 / per_trial:.0f} trials a second, and gives out {1 / per_task:.0f} tasks")
    for factor in (1, 2, 4, 8):
        share = plan(1000, 1000 * factor, given.training, per_trial, per_task)
        print(f"1,000 workers, generations of {1000 * factor}: {100 * share:.0f} % of their time trains")


if __name__ == "__main__":
    main()
