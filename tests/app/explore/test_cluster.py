"""Searches on Dask: any number of workers, workers that die, a scheduler that dies, one that never was."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from econ_ae.app.explore import storage
from econ_ae.app.explore.cluster import Cluster, opened
from econ_ae.app.explore.records import SETTLED, State, Trial
from econ_ae.app.explore.run import Options, run
from econ_ae.app.explore.storage import Log
from econ_ae.errors import ToolError
from econ_ae.progress import Silent
from tests.app.explore import fake
from tests.app.explore.inline import Inline, begin, go_on

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of Dask about ports and of its threads that end late
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("expected")
    return go_on(begin(folder / "out", fake.search(folder)), Inline())


def plain(trials: list[Trial]) -> list[tuple[object, ...]]:
    return [(t.number, t.generation, dict(t.values), t.state, t.rungs, t.told) for t in trials]


def searched(folder: Path, options: Options, accidents: tuple[str, ...] = ()) -> list[Trial]:
    out = folder / "out"
    place = begin(out, fake.search(folder))
    (out / "trials").mkdir()
    for name in accidents:
        (out / name).touch()
    return run(place.path, None, options, overwrite=False, resume=True, progress=Silent())


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_finds_the_same(tmp_path: Path, expected: list[Trial], workers: int) -> None:
    found = searched(tmp_path, Options(workers, work=fake.work, verify=False))
    assert plain(found) == plain(expected)


def test_trials_whose_workers_die_are_repeated_a_few_times_and_then_marked(
    tmp_path: Path, expected: list[Trial]
) -> None:
    numbers = [one.number for one in expected if one.generation == 0 and one.state == State.STOPPED]
    once, always = numbers[0], [one.number for one in expected if one.generation == 0 and one.rungs][-1]
    if once == always:
        once = next(one.number for one in expected if one.rungs)
    accidents = (f"kill-{once}", f"kill-{always}-always")
    found = searched(tmp_path, Options(2, work=fake.work, verify=False), accidents)
    assert len(found) == len(expected)
    assert found[once].state in {State.STOPPED, State.TRAINED}
    assert found[once].rungs[0] == expected[once].rungs[0]
    assert found[always].state == State.FAILED
    assert "killed" in found[always].reason
    worked = Counter((tmp_path / "out" / "worked.txt").read_text().splitlines())
    # An outcome that nobody had fetched goes with its worker: done again, but no fault of its trial.
    assert worked[f"train {once} 0"] >= 2
    assert found[once].attempts == 1
    assert worked[f"train {always} 0"] == found[always].attempts == 3
    others = [one for one in expected if one.generation == 0 and one.number not in {once, always}]
    assert [found[one.number].rungs[:1] for one in others] == [one.rungs[:1] for one in others]
    assert all(found[one.number].attempts == 0 for one in others)


def test_what_a_trial_raises_or_lacks_is_marked_and_the_others_go_on(tmp_path: Path, expected: list[Trial]) -> None:
    numbers = [one.number for one in expected if one.generation == 0 and one.rungs]
    accidents = (f"raise-{numbers[0]}-always", f"memory-{numbers[1]}", f"nan-{numbers[2]}-always")
    found = searched(tmp_path, Options(1, work=fake.work, verify=False), accidents)
    assert found[numbers[0]].state == found[numbers[2]].state == State.FAILED
    assert "nobody expected this" in found[numbers[0]].reason
    assert found[numbers[1]].state in {State.STOPPED, State.TRAINED}
    assert found[numbers[1]].attempts == 1
    assert all(one.told for one in found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python(root: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(root), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env=environment,
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Farm:
    """A scheduler and a worker in processes of their own.

    Parameters
    ----------
    root : of the program that the worker is
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.port = root, free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start both."""
        self.processes = [
            python(ROOT, "dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"),
            python(
                self.root, "dask_worker", self.address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60"
            ),
        ]
        end_of_wait = time.monotonic() + 60
        while time.monotonic() < end_of_wait:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        pytest.fail("the scheduler did not start")

    def kill(self) -> None:
        """End both as kill -9 does."""
        for process in self.processes:
            end(process)


@pytest.fixture
def farm() -> Iterator[Farm]:
    made = Farm()
    yield made
    made.kill()


def test_a_scheduler_that_is_killed_and_comes_back_loses_nothing(
    tmp_path: Path, expected: list[Trial], farm: Farm
) -> None:
    out = tmp_path / "out"
    place = begin(out, fake.search(tmp_path))
    (out / "trials").mkdir()
    (out / "slow").write_text("0.3")

    def strike() -> None:
        while not (out / "worked.txt").exists() or len((out / "worked.txt").read_text().splitlines()) < 4:
            time.sleep(0.05)
        farm.kill()
        farm.start()

    striker = threading.Thread(target=strike)
    striker.start()
    options = Options(cluster=farm.address, work=fake.work, verify=False)
    found = run(place.path, None, options, overwrite=False, resume=True, progress=Silent())
    striker.join()
    assert plain(found) == plain(expected)


def test_a_scheduler_that_stays_away_ends_the_search_in_a_line(tmp_path: Path, farm: Farm) -> None:
    out = tmp_path / "out"
    place = begin(out, fake.search(tmp_path))
    (out / "trials").mkdir()
    (out / "slow").write_text("0.3")

    def strike() -> None:
        while not (out / "worked.txt").exists():
            time.sleep(0.05)
        farm.kill()

    striker = threading.Thread(target=strike)
    striker.start()
    options = Options(cluster=farm.address, work=fake.work, verify=False, patience=1.0)
    with pytest.raises(ToolError, match="is away since 1 s; nothing is lost: continue with --resume"):
        run(place.path, None, options, overwrite=False, resume=True, progress=Silent())
    striker.join()


def test_workers_that_do_not_see_the_search_end_it_in_a_line(tmp_path: Path) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    (place.path / "trials").mkdir()
    (place.path / "blind").touch()
    with pytest.raises(ToolError, match=r"a worker cannot do any work \(.* is not there\); expected .* the same path"):
        run(place.path, None, Options(1, work=fake.work, verify=False), overwrite=False, resume=True, progress=Silent())
    (place.path / "blind").unlink()
    log = Log(storage.url_of(place.path), place.config, mode="attach")
    assert {one.state for one in log.trials()} <= {State.ASKED, *SETTLED}
    log.close()


def ended_by(folder: Path, farm: Farm) -> str:
    """Return the line that a search ends with on a farm; nothing was done and nobody is to blame."""
    place = begin(folder / "out", fake.search(folder))
    (place.path / "trials").mkdir()
    options = Options(cluster=farm.address, work=fake.work, verify=False)
    with pytest.raises(ToolError) as caught:
        run(place.path, None, options, overwrite=False, resume=True, progress=Silent())
    assert not (place.path / "worked.txt").exists()
    log = Log(storage.url_of(place.path), place.config, mode="attach")
    assert {one.state for one in log.trials()} <= {State.ASKED, *SETTLED}
    log.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_worker_with_other_sources_is_refused_in_a_line(tmp_path: Path) -> None:
    for package in ("econ_ae", "metrics", "rtl_gen"):
        shutil.copytree(ROOT / package, tmp_path / "other" / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "other" / "tests").symlink_to(ROOT / "tests")
    with (tmp_path / "other" / "econ_ae" / "fixedpoint.py").open("a") as stream:
        stream.write("# changed\n")
    farm = Farm(tmp_path / "other")
    try:
        told = ended_by(tmp_path, farm)
    finally:
        farm.kill()
    assert re.search(r"\w+ has sources [0-9a-f]{12}, the search has [0-9a-f]{12}\); expected .* the same version", told)


def test_what_a_disk_refuses_is_tried_again(tmp_path: Path, expected: list[Trial]) -> None:
    number = next(one.number for one in expected if one.rungs)
    found = searched(tmp_path, Options(1, work=fake.work, verify=False), (f"disk-{number}",))
    assert found[number].attempts == 1
    assert plain(found) == plain(expected)


def test_a_scheduler_behind_tls_is_said_in_a_line() -> None:
    with (
        pytest.raises(ToolError, match=r"no Dask scheduler answers at tls://127\.0\.0\.1:9"),
        opened(Cluster("tls://127.0.0.1:9", None, fake.work, Silent(), 0)),
    ):
        pass


def test_a_scheduler_that_is_not_there_is_said_in_a_line() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with (
        pytest.raises(ToolError, match=f"no Dask scheduler answers at {address}"),
        opened(Cluster(address, None, fake.work, Silent(), 0)),
    ):
        pass
