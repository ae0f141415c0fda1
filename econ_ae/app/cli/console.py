"""The terminal: progress bars and tables on stderr and stdout."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from econ_ae.app.cli import verbosity
from econ_ae.progress import Bar

_FILE_WIDTH = 160  # characters at most, of a table that goes into a file
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
            self._console.print(f"  {self._title} {self._done}/{self._total}  {note}", highlight=False, markup=False)


class Terminal:
    """Progress on stderr: bars on a terminal, a few plain lines in a log; nothing with ``-q``."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet or verbosity.quiet())
        self._live: RichProgress | None = None

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        """Open a progress bar; one that is opened while another is open goes when it is closed."""
        if not self.console.is_terminal:
            yield _LogBar(self.console, title, total)
            return
        if (live := self._live) is not None:
            task = live.add_task(title, total=total, note="")
            yield _TerminalBar(live, task)
            live.remove_task(task)
            return
        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        with RichProgress(*columns, console=self.console) as live:
            self._live = live
            try:
                yield _TerminalBar(live, live.add_task(title, total=total, note=""))
            finally:
                self._live = None

    def say(self, text: str) -> None:
        """Show a line."""
        self.console.print(f"[bold cyan]*[/] {escape(text)}", highlight=False)


def print_table(title: str, rows: Sequence[dict[str, Any]], *, as_json: bool = False) -> None:
    """Print rows of equal keys as a table, or as JSON on standard output."""
    if as_json:
        print_json(list(rows))
        return
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    columns = list(rows[0]) if rows else []
    for i, name in enumerate(columns):
        numeric = all(isinstance(row[name], int | float) or row[name] in {"", "-"} for row in rows)
        # Names are never cut: where a terminal is narrow, they break between words.
        longest = max((len(word) for row in rows for word in _text(row[name]).split()), default=0)
        table.add_column(
            escape(name), justify="right" if numeric else "left", overflow="fold", min_width=0 if i else longest
        )
    for row in rows:
        table.add_row(*(escape(_text(row[name])) for name in columns))
    console = Console()
    if not console.is_terminal:  # a file has no edge
        console.width = _FILE_WIDTH
    console.print(table)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output; what is no number (NaN, infinity) becomes null, as JSON has none."""
    print(json.dumps(_plain(value), indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
