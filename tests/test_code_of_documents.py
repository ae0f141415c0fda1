"""Every block of code in the pages runs: Python is executed, commands parsed; where not, the reason is above it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.exceptions import TyperException

from econ_ae.app.cli.main import app
from econ_ae.app.cli.verbosity import Verbosity, set_verbosity
from econ_ae.ir.model import EncoderModel
from scripts.architecture import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"bash", "python", "text", "toml"}
ELSEWHERE = {"python.md": "tests/app/api/test_api.py"}
"""Pages whose Python another test executes, because it needs a trained run."""
GROUPS = {"data": "describe", "explore": "search"}
"""What a group of commands does with an argument that is none of its commands."""
PLACEHOLDERS = {"N": "3", "S": "1", "P": "0.1"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and why it is not executed, where that is said above it."""

    language: str
    text: str
    reason: str

    @property
    def lines(self) -> list[str]:
        """Commands, with the lines that they go on over."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def blocks(text: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(text):
        above = re.search(r"<!-- not executed: (.+) -->\n\Z", text[: match.start()])
        found.append(Block(match[1], match[2], above[1] if above else ""))
    return found


def parse(line: str) -> str:
    """Parse a command line as the shell would give it; return what is wrong with it."""
    text = re.sub(r"[][]|\.\.\.", " ", line.split(" #", maxsplit=1)[0])
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(text.removeprefix("econ-ae "))]
    command: Any = typer.main.get_command(app)
    context = command.make_context("econ-ae", [], resilient_parsing=True)
    while hasattr(command, "commands"):
        name = words.pop(0) if words and words[0] in command.commands else GROUPS.get(context.info_name, "")
        if name not in command.commands:
            return f"no command {' '.join(words[:1])!r} of {context.command_path}"
        command = command.commands[name]
        if hasattr(command, "commands"):
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
    try:
        command.make_context(name, words, parent=context)
    except TyperException as problem:
        return problem.format_message()
    finally:
        set_verbosity(Verbosity.NORMAL)
    return ""


def mistake(line: str) -> str:
    """Return what is wrong with a line of a shell: a command of ours has to parse, make to have the target."""
    line = line.strip().removeprefix(".venv/bin/")
    if line.startswith("econ-ae ") and not re.match(r"econ-ae --[a-z-]+(\s|$)", line):
        return parse(line)
    if match := re.match(r"make( [a-z-]+)?", line):
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return "" if (match[1] or " run").strip() in targets else "no such target"
    if match := re.match(r"python (?:-m )?([\w./]+)", line):
        script = match[1] if match[1].endswith(".py") else f"{match[1].replace('.', '/')}.py"
        return "" if (ROOT / script).exists() else f"no file {script}"
    if match := re.match(r"pip install 'econ-ae\[(\w+)\]'", line):
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
            "optional-dependencies"
        ]
        return "" if match[1] in extras else "no such extra"
    return "" if line.startswith(("econ-ae --", "#")) else "neither econ-ae, make nor one of our scripts"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {block.language for block in blocks(text)} <= LANGUAGES, "```text is what nobody types"
    outside = FENCE.sub("", text)
    indented = re.findall(r"(?<=\n\n) {4,}\S.*", outside)
    assert [line for line in indented if "options:" not in line] == [], "code is fenced, with its language"
    assert outside.count("<!-- not executed") == len([block for block in blocks(text) if block.reason])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_parse(page: Path) -> None:
    shell = [one for one in blocks(page.read_text(encoding="utf-8")) if one.language == "bash" and not one.reason]
    assert {line: wrong for block in shell for line in block.lines if (wrong := mistake(line))} == {}
    typed = [one for one in blocks(page.read_text(encoding="utf-8")) if one.language == "text"]
    assert [line for block in typed for line in block.lines if line.startswith("econ-ae ") and "[" not in line] == []


def test_wrong_commands_are_found() -> None:
    for right in (
        "econ-ae verify RUN --suite all --events N  # all of it",
        "econ-ae data FILE --json",
        "econ-ae explore my.toml --trials 200",
        "econ-ae registers export DIR --format hex",
        "python -m benchmarks.area_model fit",
        "make run DATA=x.csv",
        "econ-ae --version",
    ):
        assert mistake(right) == ""
    assert "No such option" in mistake("econ-ae verify RUN --sweet all")
    assert "Missing argument" in mistake("econ-ae verify --suite all")
    assert "valid integer" in mistake("econ-ae verify RUN --events many")
    assert "unexpected extra argument" in mistake("econ-ae train RUN OTHER")
    assert "no command 'exprot' of econ-ae registers" in mistake("econ-ae registers exprot RUN")
    assert mistake("python benchmarks/nothing.py") == "no file benchmarks/nothing.py"
    assert mistake("make dinner") == "no such target"
    assert mistake("pip install 'econ-ae[nothing]'") == "no such extra"
    assert "neither" in mistake("curl a | sh")
    block = blocks("<!-- not executed: it is long -->\n```bash\nrm \\\n  -r x\n```\n")[0]
    assert (block.reason, block.lines) == ("it is long", ["rm    -r x"])


def _of_hls(model: EncoderModel, folder: Path) -> dict[str, Any]:
    images = np.random.default_rng(1).integers(0, 256, (5, *model.input.arrangement.shape))
    return {"model": model, "directory": folder / "generated", "work_dir": folder / "work", "images": images}


def _of_chip(reference: Path, folder: Path) -> dict[str, Any]:
    vectors = reference / "econt_vectors"
    (folder / "testInput.csv").symlink_to(vectors / "testInput.csv")
    (folder / "init.yaml").symlink_to(next(vectors.glob("AE_*/init.yaml")))
    return {}


@pytest.fixture
def names(
    request: pytest.FixtureRequest, econ_t_model: EncoderModel, tmp_path: Path
) -> Callable[[str], dict[str, Any]]:
    """What the Python of a page finds when it begins, by the name of the page."""

    def of(page: str) -> dict[str, Any]:
        if page == "hls.md":
            return _of_hls(econ_t_model, tmp_path)
        if page == "econt.md":
            return _of_chip(request.getfixturevalue("reference"), tmp_path)
        return {}

    return of


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_runs(
    page: Path, names: Callable[[str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = [one for one in blocks(page.read_text(encoding="utf-8")) if one.language == "python" and not one.reason]
    if page.name in ELSEWHERE:
        assert f'"{page.name}"' in (ROOT / ELSEWHERE[page.name]).read_text(encoding="utf-8")
        return
    if not code:
        return
    monkeypatch.chdir(tmp_path)
    found = names(page.name)
    for block in code:
        exec(compile(block.text, str(page), "exec"), found)
    if page.name == "econt.md":
        assert found["words"].shape == (3564, 13)
    if page.name == "hls.md":
        assert found["result"].mismatches == 0
        assert (found["directory"] / "encoder.cpp").exists()
