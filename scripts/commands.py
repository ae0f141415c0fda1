"""Write docs/commands.md, the page of all commands with their arguments and options, from the parser itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from econ_ae.app.cli.main import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
SHARED = {"-v", "-q", "-h"}
"""What every command has; said once, at the head of the page."""

HEAD = """\
# Commands

Every command of `econ-ae` with its arguments and options, as `-h` prints them. `-v` also shows programs started and
files written, `-q` results and errors only. Results are on standard output, all else on standard error; the exit code
is 0, 1 when a verification found a difference, 2 for a mistake, and 130 after Ctrl-C. `econ-ae --version` prints the
version; `--install-completion` sets up the shell and `--show-completion` prints what it would install. This page is
made of the parser by `python scripts/commands.py`.
"""


def page() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    context = root.make_context("econ-ae", [], resilient_parsing=True)
    sections = [section for name, one in _inner(root) for section in _sections(one, name, context)]
    return "\n".join([HEAD, *sections]).rstrip() + "\n"


def _inner(command: Any) -> list[tuple[str, Any]]:
    commands = getattr(command, "commands", {})
    names = command.list_commands(None) if commands else []
    return [(name, commands[name]) for name in names if not commands[name].hidden]


def _sections(command: Any, name: str, parent: Any) -> Iterator[str]:
    """Yield the text of a command, then those of the commands below it."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    path = f"{parent.command_path} {name}"
    level = "##" if parent.parent is None else "###"
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"{level} `{path}`", *_paragraphs(command.help or ""), ""]
    lines += [] if _inner(command) else ["```text", usage, "```", ""]
    rows = [row for row in _records(command, context) if not SHARED & set(row[0].replace(",", " ").split())]
    if rows:
        lines += ["| argument or option | meaning |", "|---|---|"]
        lines += ["| " + " | ".join((f"`{_cell(what)}`", _cell(meaning))) + " |" for what, meaning in rows] + [""]
    yield "\n".join(lines)
    for below, one in _inner(command):
        yield from _sections(one, below, context)


def _records(command: Any, context: Any) -> list[tuple[str, str]]:
    """Return name and meaning of what a command takes, arguments first, as its help has them."""
    arguments = [one for one in command.get_params(context) if one.param_type_name == "argument"]
    options = [one for one in command.get_params(context) if one.param_type_name != "argument"]
    return [record for one in [*arguments, *options] if (record := one.get_help_record(context)) is not None]


def _paragraphs(text: str) -> list[str]:
    return [" ".join(one.split()) for one in text.split("\n\n")]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
