"""The terminal: progress bars and tables on stderr and stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from econ_ae.progress import Bar

_ON_TERMINAL_ONLY = 10  # without a terminal a bar becomes about this many lines


class _TerminalBar:
    def __init__(self, progress: RichProgress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._progress.update(self._task, advance=steps, note=note)


class _LogBar:
    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console, self._title, self._total = console, title, total
        self._done = self._shown = 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._done += steps
        part = self._done * _ON_TERMINAL_ONLY // max(self._total, 1)
        if part > self._shown:
            self._shown = part
            self._console.print(f"  {self._title} {self._done}/{self._total}  {note}", highlight=False)


class Terminal:
    """Progress on stderr: bars on a terminal, a few plain lines in a log."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        """Open a progress bar."""
        if not self.console.is_terminal:
            yield _LogBar(self.console, title, total)
            return
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with RichProgress(*columns, console=self.console) as progress:
            yield _TerminalBar(progress, progress.add_task(title, total=total, note=""))

    def say(self, text: str) -> None:
        """Show a line."""
        self.console.print(f"[bold cyan]*[/] {text}", highlight=False)


def print_table(title: str, rows: Sequence[dict[str, Any]], *, as_json: bool = False) -> None:
    """Print rows of equal keys as a table, or as JSON on standard output."""
    if as_json:
        print(json.dumps(list(rows), indent=1))
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    columns = list(rows[0]) if rows else []
    for name in columns:
        numeric = all(isinstance(row[name], int | float) or row[name] in {"", "-"} for row in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_text(row[name]) for name in columns))
    Console().print(table)


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
