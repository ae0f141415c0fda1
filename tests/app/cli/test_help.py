"""Help: whole texts, everywhere, without an error; version, verbosity and completion."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import pytest
import typer

from econ_ae import __version__
from econ_ae.app import cli
from econ_ae.app.cli.main import COMMANDS, app

Run = Callable[..., tuple[int, str, str]]
COMMAND_LINE: Any = typer.main.get_command(app)


def commands(command: Any = COMMAND_LINE, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


EVERY = dict(commands())
GROUPS = [path for path, command in EVERY.items() if hasattr(command, "commands")]


def flat(text: str) -> str:
    """The text without blanks and line ends: help wraps, also after hyphens."""
    return "".join(text.split())


def in_source(function: Callable[..., Any]) -> list[str]:
    """The help strings of a function's options and arguments, as they are in the source."""
    hints = get_type_hints(function, include_extras=True)
    found = [getattr(extra, "help", None) for hint in hints.values() for extra in getattr(hint, "__metadata__", ())]
    return [text for text in found if text]


@pytest.mark.parametrize("path", EVERY, ids="-".join)
def test_help_prints_every_text_as_it_was_written(path: tuple[str, ...], command: Run) -> None:
    code, out, err = command(*path, "--help")
    assert (code, err) == (0, "")
    assert command(*path, "-h") == (code, out, err)
    printed, shown = flat(out), EVERY[path]
    callback = inspect.unwrap(shown.callback) if shown.callback else None
    texts = [shown.help, *(parameter.help for parameter in shown.params if parameter.help)]
    texts += in_source(callback) if callback else []
    texts += [text.help for text in getattr(shown, "commands", {}).values()]
    assert len(texts) > 1
    assert [text for text in texts if flat(text.split("\n\n")[0]) not in printed] == []
    assert [p.name for p in shown.params if not p.help and not p.hidden] == [], "every option says what it does"


def test_texts_in_brackets_are_printed(command: Run) -> None:
    assert flat("TOML file whose [data] and [conditions] say how to read.") in flat(command("data", "convert", "-h")[1])


@pytest.mark.parametrize("path", GROUPS, ids="-".join)
def test_a_group_alone_prints_its_help(path: tuple[str, ...], command: Run) -> None:
    code, out, err = command(*path)
    assert (code, err) == (0, "")
    assert out == command(*path, "--help")[1]
    assert "Commands:" in out


def test_commands_are_listed_in_the_order_of_the_work(command: Run) -> None:
    listed = command("--help")[1].partition("Commands:")[2].splitlines()
    names = [line.split()[0] for line in listed if line[:2] == "  " and line[2:3].strip()]
    assert names == list(COMMANDS)
    assert names[:6] == ["run", "campaign", "data", "train", "freeze", "generate"]


def test_version(command: Run) -> None:
    assert command("--version") == (0, f"econ-ae {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("verifi",), "econ-ae: No such command 'verifi'. Did you mean 'verify'?; see: econ-ae --help\n"),
        (("verify", "r", "--frob"), "econ-ae: No such option: --frob; see: econ-ae verify --help\n"),
        (("train",), "econ-ae: Missing argument 'RUN'; see: econ-ae train --help\n"),
        (
            ("registers", "exprt"),
            "econ-ae: No such command 'exprt'. Did you mean 'export'?; see: econ-ae registers --help\n",
        ),
        (
            ("verify", "r", "--events", "many"),
            "econ-ae: Invalid value for '--events': Input should be a valid integer, unable to parse string as an "
            "integer; see: econ-ae verify --help\n",
        ),
    ],
)
def test_usage_errors_are_one_line(arguments: tuple[str, ...], expected: str, command: Run) -> None:
    assert command(*arguments) == (2, "", expected)


def test_completion_knows_the_commands_and_options() -> None:
    def completed(words: str, number: int) -> list[str]:
        environment = os.environ | {
            "_ECON_AE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        command = [sys.executable, "-m", "econ_ae"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.split()

    assert completed("econ-ae ver", 1) == ["verify"]
    assert completed("econ-ae registers ", 2) == ["export", "map", "import"]
    assert completed("econ-ae verify --ev", 2) == ["--events"]


def test_commands_are_thin() -> None:
    """Importing all of the command line loads no room of the application."""
    for module in pkgutil.iter_modules(cli.__path__):
        importlib.import_module(f"econ_ae.app.cli.{module.name}")
    code = "import sys, econ_ae.app.cli.main; print(sorted(m for m in sys.modules if m.startswith('econ_ae.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "econ_ae.app.run" not in loaded
    assert "rich" not in subprocess.run(
        [sys.executable, "-c", "import sys, econ_ae.app.cli.main; print([m for m in sys.modules if m == 'rich'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip("[]\n'")
