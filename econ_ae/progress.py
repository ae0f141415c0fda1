"""How long work says where it is, without knowing whether a terminal listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Bar(Protocol):
    """One progress bar."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move on by ``steps`` and show ``note``."""


class Progress(Protocol):
    """Where progress is shown."""

    def bar(self, title: str, total: int) -> AbstractContextManager[Bar]:
        """Open a bar of ``total`` steps."""

    def say(self, text: str) -> None:
        """Show a line."""


class _Nothing:
    def advance(self, steps: int = 1, note: str = "") -> None:
        """Show nothing."""


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:  # noqa: ARG002
        """Open a bar that shows nothing."""
        yield _Nothing()

    def say(self, text: str) -> None:
        """Show nothing."""


@contextmanager
def waiting(progress: Progress, what: str, every: float = 4.0, *, at_once: bool = True) -> Iterator[None]:
    """Say what is going on, and again every few seconds while it lasts, where the work itself cannot.

    Parameters
    ----------
    what : for example "loading TensorFlow"
    every : seconds
    at_once : say it at the start too; without it work that is short says nothing
    """
    if at_once:
        progress.say(what)
    start, done = time.monotonic(), threading.Event()

    def tell() -> None:
        while not done.wait(every):
            progress.say(f"{what}: {time.monotonic() - start:.0f} s")

    teller = threading.Thread(target=tell, name=f"waiting: {what}", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
