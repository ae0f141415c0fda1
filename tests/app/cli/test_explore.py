"""`econ-ae explore` from the command line: mistakes are one line and exit code 2."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae.app.explore import page
from econ_ae.app.explore.directory import SearchDirectory
from tests.app.explore import fake
from tests.app.explore.inline import Inline, begin, go_on

Command = Callable[..., tuple[int, str, str]]
pytestmark = [pytest.mark.filterwarnings("ignore")]


def refused(found: tuple[int, str, str], told: str) -> None:
    code, out, err = found
    assert code == 2
    assert out == ""
    assert err.rstrip().splitlines()[-1].startswith("econ-ae: ")
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "CONFIG is missing; expected a TOML file of a search, or one that comes along"),
        (["cels"], "did you mean 'cells'?"),
        (["nowhere.toml"], "cannot read configuration nowhere.toml"),
        (["cells", "--resume"], "--resume needs --out"),
        (["cells", "--resume", "--overwrite", "--out", "x"], "exclude each other"),
        (["cells", "--workers", "2", "--cluster", "tcp://x:1"], "give one"),
        (["cells", "--liberty", "nowhere.lib"], "cell library nowhere.lib does not exist"),
        (
            ["--resume", "--out", "nowhere"],
            "nowhere does not exist; make one with: econ-ae explore CONFIG --out nowhere",
        ),
        (["cells", "--trials", "0"], "--trials"),
    ],
)
def test_mistakes_are_a_line(command: Command, arguments: list[str], told: str) -> None:
    refused(command("explore", "search", *arguments), told)


def test_config_may_stand_behind_explore(command: Command) -> None:
    refused(command("explore", "cels"), "did you mean 'cells'?")
    code, out, _ = command("explore", "--help")
    assert code == 0
    assert "show" in out


def test_an_unreachable_scheduler_is_a_line_and_leaves_nothing(command: Command, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        path, out = fake.write(tmp_path), tmp_path / "out"
        found = command("explore", str(path), "--cluster", address, "--out", str(out), "--no-verify")
    refused(found, f"no Dask scheduler answers at {address}")
    assert not out.exists()


def test_show_says_where_a_search_is_and_writes_its_page(command: Command, tmp_path: Path) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    code, out, _ = command("explore", "show", str(place.path))
    assert (code, "0 of 24" in out) == (0, True)
    go_on(place, Inline())
    code, out, _ = command("explore", "show", str(place.path))
    assert code == 0
    assert "24 of 24" in out
    assert "The front" in out
    assert "explore-data" in (place.path / "index.html").read_text()
    refused(command("explore", "show", str(tmp_path)), "is no search; make one with: econ-ae explore CONFIG --out")


def test_the_page_may_be_written_by_two_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    replace, other = Path.replace, os.getpid() + 1

    def meanwhile(path: Path, target: Path) -> Path:
        with monkeypatch.context() as now:
            now.setattr(Path, "replace", replace)
            now.setattr(os, "getpid", lambda: other)
            page.write(place, [])
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", meanwhile)
    page.write(place, [])
    assert [path.name for path in place.path.glob("*index.html")] == ["index.html"]


def test_a_longer_search_does_not_count_more_than_all(command: Command, tmp_path: Path) -> None:
    config = fake.search(tmp_path)
    place = begin(tmp_path / "out", config.with_trials(5))
    go_on(SearchDirectory.resume(place.path, config.with_trials(7)), Inline())
    _, out, _ = command("explore", "show", str(place.path))
    assert "7 of 7" in out


def test_a_search_is_continued_only_as_it_was_begun(command: Command, tmp_path: Path) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    other = fake.write(tmp_path, fake.SEARCH.replace("seed = 1", "").replace("keep = 0.5", "keep = 0.4"), "other.toml")
    given = ["--out", str(place.path), "--resume", "--no-verify"]
    refused(command("explore", str(other), *given), "holds a search with other settings")
    url = "postgresql+psycopg://user@127.0.0.1:9/x"
    refused(command("explore", *given, "--storage", url), "the storage of")
    refused(command("explore", str(other), "--out", str(place.path), "--no-verify"), "give --overwrite to replace it")
    refused(command("verify", str(place.path)), "is a search of runs")
    text = fake.SEARCH.replace("[space]", "[synthesis]\n[space]")
    garbage, new = tmp_path / "garbage.lib", ["--out", str(tmp_path / "new"), "--no-verify"]
    garbage.write_text("no library")
    refused(command("explore", str(fake.write(tmp_path, text)), "--liberty", str(garbage), *new), "garbage.lib")
    assert not (tmp_path / "new").exists()
