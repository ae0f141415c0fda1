"""What surrounds a task in a worker: the same program, one task at a time, a directory that it sees."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from distributed.protocol import pickle

from econ_ae.app.explore import worker
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.config import RunConfig

TASK = Task("train", 0, "", RunConfig(), "")


def test_a_worker_with_another_version_is_refused_before_its_task_is_unpacked() -> None:
    with pytest.raises(ImportError, match=r"has econ-ae .*, the search has 9\.9\.9"):
        worker.checked(worker.program() | {"econ-ae": "9.9.9"}, b"no pickle of this version")


def noted(folder: Path, number: int) -> bytes:
    task = replace(TASK, number=number, path=str(folder / "trials" / f"{number:04d}"))
    return bytes(pickle.dumps((apart, task, f"key-{number}")))


def apart(task: Task) -> Outcome:
    """Fail when another task is at work in this process."""
    busy = Path(task.path).parents[1] / "busy"
    busy.touch(exist_ok=False)
    time.sleep(0.2)
    busy.unlink()
    return Outcome(task.number)


def test_a_worker_with_several_threads_does_one_task_at_a_time(tmp_path: Path) -> None:
    own = worker.program()
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda number: worker.checked(own, noted(tmp_path, number)), range(3)))
    assert [one.number for one in found] == [0, 1, 2]


def test_a_worker_that_does_not_see_the_search_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="out is not there"):
        worker.checked(worker.program(), noted(tmp_path / "elsewhere" / "out", 0))
    assert list(tmp_path.iterdir()) == []
