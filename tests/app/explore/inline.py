"""A search at work in this process, whose workers can be stopped at any moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from econ_ae.app.explore import storage
from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.driver import Driver
from econ_ae.app.explore.records import Trial
from econ_ae.app.explore.storage import Log
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.config.explore import ExploreConfig
from econ_ae.progress import Silent
from tests.app.explore import fake


def nothing(*_: object) -> None:
    """Stand for what is of no interest."""


class Cut(BaseException):
    """The end of everything, as by kill -9."""


@dataclass
class Inline:
    """Workers of this process.

    Parameters
    ----------
    left : outcomes until everything ends; negative: never
    disk : outcomes of work that was done before, as trials' directories keep them
    seed : of the order in which outcomes arrive
    """

    left: int = -1
    disk: dict[tuple[str, int, int], Outcome] = field(default_factory=dict)
    seed: int = 0
    tasks: list[Task] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], arrived: Callable[[Outcome], None]) -> dict[int, Outcome]:
        """Do all tasks in some order."""
        order, found = list(tasks), dict[int, Outcome]()
        random.Random(self.seed).shuffle(order)
        for task in order:
            key = (task.kind, task.number, task.rung)
            if key not in self.disk:
                if self.left == 0:
                    raise Cut
                self.left -= 1
                self.tasks.append(task)
                self.disk[key] = fake.work(task)
            found[task.number] = self.disk[key]
            arrived(found[task.number])
        return found

    def attempts(self, number: int) -> int:
        """Nothing is lost."""
        return 0


def begin(path: Path, config: ExploreConfig) -> SearchDirectory:
    """Make the directory of a search."""
    return SearchDirectory.create(path, config, url=None, overwrite=False)


def go_on(place: SearchDirectory, workers: Inline) -> list[Trial]:
    """Do a search, or what is left of it; its storage is opened anew."""
    log = Log(storage.url_of(place.path), place.config, mode="attach", patience=0.0)
    try:
        return Driver(place, log, workers, nothing, Silent(), nothing).run()
    finally:
        log.close()
