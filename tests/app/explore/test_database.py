"""The storage in a real PostgreSQL: the same search, also when the database is killed on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from econ_ae.app.explore import storage
from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.driver import Driver
from econ_ae.app.explore.records import Trial
from econ_ae.app.explore.storage import Log
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.errors import RunDirectoryError, ToolError
from econ_ae.progress import Silent
from tests.app.explore import fake
from tests.app.explore.database import Database, programs
from tests.app.explore.inline import Inline, begin, go_on, nothing
from tests.required import absent

pytestmark = [pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    """A server; skips without PostgreSQL, unless everything is required."""
    found = programs()
    if found is None:
        message = "PostgreSQL is not installed (apt-get install postgresql)"
        absent(message)
    made = Database(found)
    yield made
    made.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("expected")
    return go_on(begin(folder / "out", fake.search(folder)), Inline())


def named(folder: Path, name: str) -> SearchDirectory:
    config = fake.search(folder, fake.SEARCH.replace('"small"', f'"{name}"'))
    return SearchDirectory.create(folder / "out", config, url="postgresql+psycopg://elsewhere/x", overwrite=False)


def drive(place: SearchDirectory, log: Log, workers: Inline) -> list[Trial]:
    return Driver(place, log, workers, nothing, Silent(), nothing).run()


@dataclass
class Striking(Inline):
    """Workers during whose work something happens."""

    strikes: tuple[int, ...] = ()
    strike: Callable[[], None] = lambda: None

    def run(self, tasks: Sequence[Task], arrived: Callable[[Outcome], None]) -> dict[int, Outcome]:
        """Do all tasks; before some of them something happens."""
        for task in tasks:
            if len(self.tasks) in self.strikes:
                self.strike()
            super().run([task], arrived)
        return {task.number: self.disk[task.kind, task.number, task.rung] for task in tasks}


def test_a_search_in_postgresql_is_that_in_a_file(server: Database, tmp_path: Path, expected: list[Trial]) -> None:
    place = named(tmp_path, "whole")
    log = Log(server.url, place.config, mode="new")
    assert drive(place, log, Inline()) == expected
    assert log.trials() == expected
    log.close()
    again = Log(server.url, place.config, mode="attach")
    assert again.trials() == expected
    again.close()
    with pytest.raises(RunDirectoryError, match="holds this search already"):
        Log(server.url, place.config, mode="new")


def test_a_database_that_is_killed_and_comes_back_loses_nothing(
    server: Database, tmp_path: Path, expected: list[Trial]
) -> None:
    place = named(tmp_path, "killed")
    log = Log(server.url, place.config, mode="new", patience=60.0)
    threads: list[threading.Thread] = []

    def strike() -> None:
        server.kill()
        restart = threading.Thread(target=lambda: (time.sleep(1.0), server.start()))
        restart.start()
        threads.append(restart)

    found = drive(place, log, Striking(strikes=(4, 13), strike=strike))
    for thread in threads:
        thread.join()
    assert len(threads) == 2
    assert found == expected
    assert log.trials() == expected
    log.close()


def test_a_database_that_stays_away_ends_the_search_in_a_line(
    server: Database, tmp_path: Path, expected: list[Trial]
) -> None:
    place = named(tmp_path, "away")
    log, workers = Log(server.url, place.config, mode="new", patience=1.0), Striking(strikes=(4,), strike=server.kill)
    with pytest.raises(ToolError, match=r"is away since 1 s: .*nothing is lost: continue with --resume"):
        drive(place, log, workers)
    log.close()
    server.start()
    log = Log(server.url, place.config, mode="attach")
    assert drive(place, log, Inline(disk=workers.disk)) == expected
    log.close()


def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    config = fake.search(tmp_path)
    with pytest.raises(ToolError, match=r"user:\*\*\*@127.0.0.1:9/x cannot be reached") as caught:
        Log("postgresql+psycopg://user:secret@127.0.0.1:9/x", config, mode="new", patience=0.0)
    assert "secret" not in str(caught.value)
    with pytest.raises(ToolError, match="expected for example postgresql"):
        Log("nonsense", config, mode="new")
    assert storage.shown("postgresql://u:p@h/n") == "postgresql://u:***@h/n"
