"""Dask: workers on this machine or behind any scheduler; what is lost on its way is given out again."""

from __future__ import annotations

import logging
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from econ_ae.app.explore.work import THREADS, Outcome, Task, Work
from econ_ae.app.explore.worker import checked, program, was_at_work
from econ_ae.errors import ToolError, one_line
from econ_ae.progress import Progress

PATIENCE = 600.0
"""Seconds in which a scheduler may come back."""
_TIMEOUT = 10.0
"""Seconds for one attempt to reach a scheduler."""
_PAUSE = 1.0
_ALONE = 20.0
"""Seconds without any worker after which that is said."""
_MEMORY = 2 << 30  # bytes that a worker may need
_SETTINGS = {
    # A worker that dies is counted here, by trial; Dask itself gives nothing out again.
    "distributed.scheduler.allowed-failures": 0,
    # Nothing to spill: what lies in memory is a training.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": f"{_TIMEOUT:g}s",
    "distributed.admin.tick.limit": "60s",
    # Dask has freed memory given back at once: 40 % of a training in page faults.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 30,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 1 << 30,
    "distributed.worker.daemon": False,  # programs that a trial starts need processes of their own
}


@dataclass
class Cluster:
    """Workers that do tasks.

    Parameters
    ----------
    address : of a scheduler; empty for workers of this process
    workers : of this process; None takes as many as there are CPUs and memory for
    work : what a worker does with a task
    retries : times that a task whose worker was lost is given out again
    patience : seconds in which a lost scheduler may come back
    """

    address: str
    workers: int | None
    work: Work
    progress: Progress
    retries: int
    patience: float = PATIENCE
    _folder: Any = None
    _local: Any = None
    _client: Any = None
    _alone: float = field(default_factory=time.monotonic)
    _attempts: dict[tuple[str, int, int], int] = field(default_factory=dict)

    def start(self) -> None:
        """Start the workers, or find the scheduler.

        Raises
        ------
        ToolError
            When there is no scheduler at the address.
        """
        import dask
        import distributed

        for name in ("distributed", *(n for n in logging.root.manager.loggerDict if n.startswith("distributed."))):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said in a line of ours
        dask.config.set(_SETTINGS)
        if not self.address:
            self._folder = tempfile.TemporaryDirectory(prefix="econ-ae-explore-", ignore_cleanup_errors=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # another dashboard has its port: it takes the next one
                self._local = distributed.LocalCluster(
                    n_workers=self.workers or _fitting(),
                    threads_per_worker=1,
                    processes=True,
                    env=THREADS,
                    local_directory=self._folder.name,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
        self._connect()
        if self.dashboard:
            self.progress.say(f"Dask's dashboard: {self.dashboard}")

    @property
    def dashboard(self) -> str:
        """Address of the dashboard; empty when it has none."""
        return str(self._client.dashboard_link or "")

    @property
    def _named(self) -> str:
        return self.address or "of this process"

    def _connect(self) -> None:
        import distributed

        target = self._local if self._local is not None else self.address
        try:
            self._client = distributed.Client(target, timeout=_TIMEOUT)
        except (OSError, TimeoutError, TypeError, ValueError) as problem:
            raise ToolError(
                f"no Dask scheduler answers at {self._named} ({_first(problem)}); expected the address of a running "
                "one, for example tcp://HOST:8786, or leave --cluster out"
            ) from problem

    def close(self) -> None:
        """Let go of the scheduler, and end the workers of this process."""
        with suppress(Exception):
            self._client.close(timeout=_PAUSE)
        if self._local is not None:
            with suppress(Exception):
                self._local.close(timeout=_TIMEOUT)
            self._folder.cleanup()

    def run(self, tasks: Sequence[Task], arrived: Callable[[Outcome], None]) -> dict[int, Outcome]:
        """Return the outcome of every task, by the number of its trial.

        Parameters
        ----------
        arrived : is called with every outcome as it comes, in any order

        Raises
        ------
        ToolError
            When the scheduler is lost and does not come back.
        """
        left, found = {task.number: task for task in tasks}, dict[int, Outcome]()
        running: dict[Any, Task] = {}
        ended: SimpleQueue[Any] = SimpleQueue()
        lost_since: float | None = None
        while left:
            try:
                out = {task.number for task in running.values()}
                for task in (t for n, t in sorted(left.items()) if n not in out):
                    future = self._submit(task)
                    running[future] = task
                    future.add_done_callback(ended.put)
                for future in [one for one in running if one.status == "lost"]:
                    del running[future]  # it had finished, and its worker died before its outcome was fetched
                done = [future for future in self._wait(ended, running) if future in running]
                outcomes = [(future, self._outcome(future, running[future])) for future in done]
                lost_since = None
                self._say_alone(bool(done))
            except (OSError, TimeoutError, RuntimeError, CancelledError, _Lost) as problem:
                lost_since = self._again(lost_since, problem)
                running.clear()
                continue
            for future, outcome in outcomes:
                task = running.pop(future)
                if outcome is None:
                    continue
                del left[task.number]
                found[task.number] = outcome
                arrived(outcome)
        return found

    def attempts(self, number: int) -> int:
        """Return how often work on a trial was lost."""
        return sum(count for key, count in self._attempts.items() if key[1] == number)

    def _submit(self, task: Task) -> Any:
        from distributed.protocol import pickle

        if self._client.status != "running":
            raise _Lost("the connection to the scheduler is closed")
        name = f"{task.kind}-{task.number:04d}-{task.rung}-{time.time_ns()}"
        content = pickle.dumps((self.work, task, name))  # unpacked by the same program alone
        return self._client.submit(checked, program(), content, key=name, pure=False, priority=-task.number)

    def _wait(self, ended: SimpleQueue[Any], running: Iterable[Any]) -> list[Any]:
        """Return futures that have ended; _Lost when the scheduler is gone."""
        found = []
        with suppress(Empty):
            found.append(ended.get(timeout=_PAUSE))
            while True:
                found.append(ended.get_nowait())
        if self._client.status != "running" or any(one.status == "cancelled" for one in found or running):
            raise _Lost("the scheduler forgot the work")
        return found

    def _say_alone(self, worked: bool) -> None:
        """Say, once, that there is nobody who works."""
        now = time.monotonic()
        if worked or self._client.nthreads():
            self._alone = now
        elif now - self._alone > _ALONE:
            self.progress.say(f"the scheduler {self._named} has no workers; waiting for some")
            self._alone = math.inf

    def _again(self, since: float | None, problem: BaseException) -> float:
        """Reach the scheduler anew; ToolError when it has been away for too long."""
        now = time.monotonic()
        since = now if since is None else since
        if since == now:
            self.progress.say(f"the scheduler {self._named} is lost ({_first(problem)}); waiting for it")
        if now - since > self.patience:
            raise ToolError(
                f"the Dask scheduler {self._named} is away since {self.patience:g} s; nothing is "
                "lost: continue with --resume when it is back"
            ) from problem
        with suppress(Exception):
            self._client.close(timeout=_PAUSE)
        time.sleep(_PAUSE)
        with suppress(ToolError):
            self._connect()
            self.progress.say("the scheduler is back")
        return since

    def _outcome(self, future: Any, task: Task) -> Outcome | None:
        """Return what became of a task; None when it is to be given out again."""
        import distributed

        if future.status in {"finished", "lost"}:
            try:
                outcome: Outcome = future.result(timeout=_TIMEOUT)
            except (distributed.scheduler.KilledWorker, OSError, TimeoutError, KeyError):
                return None  # as above; a scheduler that is gone is found out by the next wait
            if not outcome.again:
                return outcome
            reason = outcome.failure
        else:
            problem = future.exception()
            if isinstance(problem, ImportError | FileNotFoundError):
                raise ToolError(
                    f"a worker cannot do any work ({_first(problem)}); expected this package in the same version, and "
                    "the directory of the search under the same path, at every worker; then continue with --resume"
                ) from problem
            if isinstance(problem, distributed.scheduler.KilledWorker):
                if not was_at_work(task, future.key):
                    return None  # the worker died of another one
                reason = "its worker was killed; is there enough memory?"
            elif isinstance(problem, OSError):
                reason = _first(problem)  # of a disk, not of the point
            else:
                return Outcome(task.number, failure=f"{type(problem).__name__}: {_first(problem)}")
        key = (task.kind, task.number, task.rung)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        if self._attempts[key] <= self.retries:
            self.progress.say(f"trial {task.number}: {reason}; again ({self._attempts[key]} of {self.retries})")
            return None
        return Outcome(task.number, failure=f"{reason} ({self._attempts[key]} attempts)")


class _Lost(Exception):  # noqa: N818  # no error: it is mended
    """The scheduler, or what it knew, is gone."""


@contextmanager
def opened(cluster: Cluster) -> Iterator[Cluster]:
    """Start workers, and end them."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def _fitting() -> int:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cpus, memory // _MEMORY))


def _first(problem: BaseException | None) -> str:
    return "" if problem is None else one_line(problem)[:200]
