"""How long work says where it is, without knowing whether a terminal listens."""

from __future__ import annotations

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
