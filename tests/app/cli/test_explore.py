"""`econ-ae explore` from the command line: mistakes are one line and exit code 2."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_a_search_is_continued_only_as_it_was_begun(command: Command, tmp_path: Path) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    other = fake.write(tmp_path, fake.SEARCH.replace("seed = 1", "").replace("keep = 0.5", "keep = 0.4"), "other.toml")
    given = ["--out", str(place.path), "--resume", "--no-verify"]
    refused(command("explore", str(other), *given), "holds a search with other settings")
    url = "postgresql+psycopg://user@127.0.0.1:9/x"
    refused(command("explore", *given, "--storage", url), "the storage of")
    refused(command("explore", str(other), "--out", str(place.path), "--no-verify"), "give --overwrite to replace it")
    refused(command("verify", str(place.path)), "is a search of runs")
