"""The members of a family, several at a time in processes of their own; their progress is shown in this one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.run.family import SeveralRuns
from econ_ae.errors import EconAeError, ToolError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Bar, Progress

Step = tuple[str, Callable[[Context], None]]
"""What a member does in its process: a name and a function that can be pickled."""


def stages(*but: str) -> tuple[Step, ...]:
    """Return the stages of a run as steps, without some of them."""
    return tuple((name, partial(_stage, name)) for name in pipeline.STAGES if name not in but)


def _stage(name: str, context: Context) -> None:
    pipeline.run_stage(context, name, repeat=False)


ALONE = stages("data", "report")
"""What a member of a family does alone: the data are shared, and the reports are made together."""
_THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
"""Of TensorFlow in a member's process: always one, so that the numbers do not depend on how many CPUs there are."""
_MEMORY = 2 << 30  # bytes that a member may need
_PATIENCE = 10.0  # seconds to end in


@dataclass(frozen=True)
class _Said:
    text: str


@dataclass(frozen=True)
class _Opened:
    key: int
    title: str
    total: int


@dataclass(frozen=True)
class _Advanced:
    key: int
    steps: int
    note: str


@dataclass(frozen=True)
class _Closed:
    key: int


@dataclass(frozen=True)
class _Finished:
    stage: str


@dataclass(frozen=True)
class _Failed:
    problem: EconAeError | OSError | MemoryError


_Message = _Said | _Opened | _Advanced | _Closed | _Finished | _Failed


def run_members(
    family: SeveralRuns[Any], progress: Progress, jobs: int | None = None, steps: tuple[Step, ...] = ALONE
) -> None:
    """Do steps of every member, by default from its data to verified Verilog; what is done already is not repeated.

    Parameters
    ----------
    steps : each of which finds out by itself what is done already
    jobs : members at a time; by default as many as there are CPUs and memory for. The results do not depend on it.

    Raises
    ------
    EconAeError
        What stopped a member, with its name; the others are stopped, and all continue with ``--resume``.
    """
    names, running = list(family.config.members), list[_Member]()
    waiting = [name for name in names if not _is_done(family.run(name), steps)]
    jobs = jobs or _jobs(len(waiting))
    with progress.bar(f"stages of {len(names)} encoders", len(names) * len(steps)) as whole:
        for name in names:
            if name not in waiting:
                progress.say(f"{name}: already done")
                whole.advance(len(steps))
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(_Member.start(waiting.pop(0), family, progress, steps))
                ready = wait([member.told for member in running])
                for member in [one for one in running if one.told in ready]:
                    if member.listen(whole):
                        family.record_member(member.name)
                        running.remove(member)
        finally:
            for member in running:
                member.process.terminate()
            for member in running:
                member.end()


def _is_done(run: RunDirectory, steps: tuple[Step, ...]) -> bool:
    """Tell whether all steps are stages that are done; other steps find out in their process."""
    return all(
        name in pipeline.STAGES and run.has(name) and run.is_done(name, run.inputs_of(run.earlier(name)))
        for name, _ in steps
    )


def _jobs(members: int) -> int:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(members, cpus, memory // _MEMORY))


@dataclass
class _Member:
    """A member at work, seen from here."""

    name: str
    command: str
    process: SpawnProcess
    told: Connection
    progress: Progress
    bars: dict[int, tuple[ExitStack, Bar]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, name: str, family: SeveralRuns[Any], progress: Progress, steps: tuple[Step, ...]) -> _Member:
        context = get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(family.path / name, tell, steps), name=name)
        process.start()
        tell.close()
        return cls(name, f"econ-ae {family.COMMAND} --out {family.path} --resume", process, told, progress)

    def listen(self, whole: Bar) -> bool:
        """Take one message and show it; tell whether the member has finished."""
        try:
            message: _Message = self.told.recv()
        except EOFError:
            self.end()
            if self.process.exitcode:
                raise ToolError(f"the process of {self.name} {self._how()}; {self._again()}") from None
            return True
        match message:
            case _Said(text) if text.rpartition(": ")[0] in self.said:  # the same, and for how long: every few seconds
                whole.advance(0, f"{self.name}: {text}")
            case _Said(text):
                self.said.add(text)
                self.progress.say(f"{self.name}: {text}")
            case _Opened(key, title, total):
                stack = ExitStack()
                self.bars[key] = stack, stack.enter_context(self.progress.bar(f"{self.name}: {title}", total))
            case _Advanced(key, steps, note):
                self.bars[key][1].advance(steps, note)
            case _Closed(key):
                self.bars.pop(key)[0].close()
            case _Finished(stage):
                whole.advance(1, f"{self.name}: {stage} done")
            case _Failed(problem):
                raise _named(problem, self.name, self._again())
        return False

    def end(self) -> None:
        """Wait for the end of the process, which was asked for or has begun, and close what it left open."""
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.told.close()
        while self.bars:
            self.bars.popitem()[1][0].close()

    def _how(self) -> str:
        code = self.process.exitcode or 0
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}; is there enough memory?"
        return f"ended with exit code {code}"

    def _again(self) -> str:
        return f"continue with: {self.command}"


def _named(problem: EconAeError | OSError | MemoryError, name: str, again: str) -> Exception:
    """Return an error that also says whose it is."""
    if isinstance(problem, EconAeError):
        return type(problem)(f"{name}: {problem}; {again}")
    return problem


def _work(path: Path, tell: Connection, steps: tuple[Step, ...]) -> None:
    """Do the stages of one member: what the process of a member runs."""
    # Ctrl-C reaches every process of the terminal; this one ends once, when it is asked to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(_THREADS)
    progress = _Telling(tell)
    try:
        context = Context(RunDirectory.open(path), LOW_DENSITY, progress)
        with context.run.lock(progress):
            for name, work in steps:
                work(context)
                progress.tell(_Finished(name))
    except KeyboardInterrupt:
        os._exit(1)  # nobody waits for what TensorFlow has to say
    except (EconAeError, OSError, MemoryError) as problem:
        progress.tell(_Failed(problem))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class _Telling:
    """Progress that is told to another process; from any thread."""

    def __init__(self, tell: Connection) -> None:
        self._tell, self._lock, self._bars = tell, threading.Lock(), 0

    def tell(self, message: _Message) -> None:
        """Send a message."""
        with self._lock:
            self._tell.send(message)

    def bar(self, title: str, total: int) -> AbstractContextManager[Bar]:
        """Open a bar over there."""
        return self._bar(title, total)

    @contextmanager
    def _bar(self, title: str, total: int) -> Iterator[Bar]:
        self._bars += 1
        key = self._bars
        self.tell(_Opened(key, title, total))
        yield _TellingBar(self, key)
        self.tell(_Closed(key))

    def say(self, text: str) -> None:
        """Say a line over there."""
        self.tell(_Said(text))


@dataclass(frozen=True)
class _TellingBar:
    progress: _Telling
    key: int

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.progress.tell(_Advanced(self.key, steps, note))
