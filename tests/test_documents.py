"""What the pages name exists: commands with their options, keys, make targets, files, modules and what is in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from econ_ae import config
from econ_ae.app.cli.main import COMMANDS, app
from econ_ae.config.explore import ExploreFile
from econ_ae.config.family import families
from econ_ae.config.keys import names_at
from econ_ae.config.load import parse_as
from econ_ae.config.run import FamilyFile
from econ_ae.errors import ConfigError
from scripts.architecture import PACKAGES, ROOT, modules

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TREE = re.compile(r"(?:econ_ae|rtl_gen|sim|metrics|tests|benchmarks|docs|scripts|\.ci)(?:/[\w.*-]+)+/?")
SUFFIXES = {"json", "csv", "html", "npz", "txt", "cpp", "h", "py", "yaml", "xml", "tcl", "rpt", "v", "svg", "md", "h5"}
SUFFIXES |= {"onnx", "qonnx"}
COMMAND_LINE: Any = typer.main.get_command(app)


def blocks(text: str, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def codes(text: str) -> Iterator[str]:
    """Inline code, and the lines of code blocks, fenced or indented."""
    yield from (line for block in blocks(text, r"\w*") for line in block.splitlines())
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"^ {4,}(\S.*)$", prose, re.MULTILINE)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose))


def options_of(command: Any) -> set[str]:
    inner = [option for sub in getattr(command, "commands", {}).values() for option in options_of(sub)]
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own | {*inner, "-h", "--help"}


def mistakes(line: str) -> list[str]:
    """What is wrong with a command line of a page."""
    words = re.sub(r"[][]", " ", line.split("#", maxsplit=1)[0]).split()
    command, name = COMMAND_LINE, ""
    while words and words[0] in getattr(command, "commands", {}):
        name = words.pop(0)
        command = command.commands[name]
    if name == "data":  # econ-ae data FILE describes it
        command = command.commands["describe"]
    if name == "explore":  # econ-ae explore CONFIG searches
        command = command.commands["search"]
    if hasattr(command, "commands") and words and not words[0].startswith("-"):
        return [f"no command {words[0]!r}"]
    known = options_of(command)
    given = [word.split("=")[0].rstrip(",;.") for word in words if re.match(r"--?[a-z]", word)]
    return [f"no option {option} of {name or 'econ-ae'}" for option in given if option not in known]


def named_commands(text: str) -> Iterator[str]:
    for code in codes(text):
        if match := re.match(r"(?:\.venv/bin/)?econ-ae (.*)", code):
            yield match[1]
        elif code.split()[:1] and code.split()[0] in COMMANDS and " -" in code:
            yield code


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {line: found for line in named_commands(text) if (found := mistakes(line))}
    everything = options_of(COMMAND_LINE)
    alone = {code: code.split()[0] for code in codes(text) if re.match(r"--[a-z]", code)}
    wrong |= {code: ["no command has it"] for code, option in alone.items() if option not in everything}
    assert wrong == {}


def test_unknown_commands_and_options_are_found() -> None:
    assert mistakes("verify RUN --suite all") == mistakes("data FILE --json") == mistakes("--version") == []
    assert mistakes("data convert FILE.root --out set.h5 [--wafer 3,2]") == []
    assert mistakes("verifi RUN") == ["no command 'verifi'"]
    assert mistakes("registers exprot RUN") == ["no command 'exprot'"]
    assert mistakes("verify RUN [--sweet all] --events 3") == ["no option --sweet of verify"]
    assert mistakes("registers map RUN --dense-order x  # --wrong") == ["no option --dense-order of map"]
    assert list(named_commands("a `econ-ae run\n--x` and\n\n    econ-ae data F\n\n`verify --events N` `run`")) == [
        "data F",
        "run --x",
        "verify --events N",
    ]


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {line.split()[0] for line in named_commands(text)} | set(re.findall(r"`(\w+)`", text))
    assert set(COMMANDS) <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {m[1] for code in codes(page.read_text(encoding="utf-8")) if (m := re.match(r"make ([a-z-]+)", code))}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_and_links_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path for code in codes(text) for path in TREE.findall(code) if not path.startswith("docs/generated")}
    assert [path for path in sorted(named) if not list(ROOT.glob(path.rstrip("/.")))] == []
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_modules_and_what_is_in_them_exist(page: Path) -> None:
    known = modules()
    wrong = []
    for code in codes(page.read_text(encoding="utf-8")):
        for name in re.findall(rf"(?<![\w./])(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+", code):
            module, inner = name, ""
            while module not in known:
                module, _, inner = module.rpartition(".")
            if inner and not re.search(rf"\b{inner}\b", known[module].read_text(encoding="utf-8")):
                wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_configuration_keys_exist(page: Path) -> None:
    sections = "|".join(name for name in names_at(()) if name not in {"name", "seed"})
    wrong = []
    for code in codes(page.read_text(encoding="utf-8")):
        if (match := re.fullmatch(rf"({sections})((?:\.[a-z_]+)+)(?: = .*)?", code)) and not (
            match[2][1:] in SUFFIXES or (ROOT / "econ_ae" / match[1] / f"{match[2][1:]}.py").exists()
        ):
            *path, key = (match[1] + match[2]).split(".")
            try:
                exists = key in names_at(path)
            except KeyError:
                exists = False
            wrong += [] if exists else [code]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_of_configurations_are_taken(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "toml"):
        told = tomllib.loads(block)
        parse_as(ExploreFile if "space" in told else FamilyFile, told, page.name)
    with pytest.raises(ConfigError):
        config.parse(tomllib.loads("[training]\nepoch = 3"), page.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_presets_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"(?:--preset|PRESET=)[ =]?([a-z][\w-]*)", page.read_text(encoding="utf-8"))
    assert set(named) <= {*config.presets(), *families()}


def test_tests_mirror_the_sources() -> None:
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in modules().values()}
    folders = {p.parent.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    alone = [f for f in folders - {"."} if not any(room == f or room.endswith(f"/{f}") for room in rooms)]
    assert alone == ["equivalence"]
    of_all = {"architecture", "code_of_documents", "documents", "floors", "notebooks", "packaging", "required", "site"}
    top = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")} - of_all
    assert top <= {path.stem for path in (ROOT / "econ_ae").glob("*.py")}


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    tutorials = {f"notebooks/{path.stem}.md" for path in (ROOT / "docs" / "notebooks").glob("*.ipynb")}
    assert named == {page.name for page in PAGES if page.parent.name == "docs"} | tutorials
