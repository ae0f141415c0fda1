"""The client of the inference server: what a user does wrong is one line; a server that does not answer, too."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.inference_server import own_variables
from econ_ae.app.export.triton.server import client
from tests.app.export.serving import required_environment

SERVER = "127.0.0.1:1"
TAKES = {"frame": ("UINT32", (3,)), "eta": ("FP32", (1,))}
FITS = {"frame": np.zeros((5, 3), np.uint32), "eta": np.zeros((5, 1), np.float32)}


def said(*arguments: str, python: str = sys.executable) -> str:
    """Return the one line of a run that goes wrong."""
    ended = subprocess.run(
        [python, client.__file__, *arguments], capture_output=True, text=True, check=False, env=own_variables()
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended.stderr
    assert ended.stderr.startswith("client: ")
    return ended.stderr


@pytest.fixture
def events(tmp_path: Path) -> Path:
    np.savez(tmp_path / "events.npz", **FITS)
    return tmp_path / "events.npz"


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def _text(path: Path) -> None:
    path.write_text("frame,eta\n1,2\n")


def _alone(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _objects(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, frame=np.array([None, {}], object))


def _gone(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [_empty, _cut, _text, _alone, _objects, _gone, _folder])
def test_files_that_are_none(change: Any, events: Path, tmp_path: Path) -> None:
    change(events)
    line = said(SERVER, "m", str(events), str(tmp_path / "out.npz"))
    assert f"client: {events} " in line
    assert "expected " in line
    assert not (tmp_path / "out.npz").exists()


def test_arguments_of_another_form(events: Path, tmp_path: Path) -> None:
    out, given = str(tmp_path / "out.npz"), str(events)
    assert "3 arguments were given; expected client.py HOST:PORT MODEL EVENTS.npz" in said(SERVER, "m", given)
    assert "7 arguments were given" in said(SERVER, "m", given, out, "http", "1", "x")
    assert "protocol 'htp' is unknown; expected http or grpc" in said(SERVER, "m", given, out, "htp")
    for rows in ("many", "0", "-1", "1.5", ""):
        assert f"rows a request are {rows!r}; expected a whole number from 1" in said(
            SERVER, "m", given, out, "http", rows
        )
    for address in ("localhost", "http://127.0.0.1:8000", "127.0.0.1:99999", "127.0.0.1:http", ":8000"):
        assert f"{address!r} is no address of a server; expected HOST:PORT" in said(address, "m", given, out)
    assert "cannot be written; expected a file in a directory that is there" in said(SERVER, "m", given, str(tmp_path))
    assert "cannot be written" in said(SERVER, "m", given, str(tmp_path / "no" / "out.npz"))
    assert "is the file that is read" in said(SERVER, "m", given, given)


def test_without_its_packages(events: Path, tmp_path: Path) -> None:
    line = said(SERVER, "m", str(events), str(tmp_path / "out.npz"))
    assert "No module named 'tritonclient'; use the python of an environment with serve-requirements.txt" in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": None}, r"e\.npz has no eta, only frame; m takes frame uint32 \(n, 3\), eta float32 \(n, 1\)"),
        ({"eta": np.zeros((5, 1))}, r"e\.npz: eta is float64 of shape \(5, 1\); m takes float32 \(n, 1\)"),
        ({"frame": np.zeros((5, 2), np.uint32)}, r"frame is uint32 of shape \(5, 2\); m takes uint32 \(n, 3\)"),
        ({"frame": np.uint32(0)}, r"frame is uint32 of shape \(\); m takes"),
        ({"eta": np.zeros((4, 1), np.float32)}, r"rows are frame 5, eta 4; expected the same number of each"),
        ({"eta": FITS["eta"][:0], "frame": FITS["frame"][:0]}, r"rows are frame 0, eta 0; .*, at least one"),
    ],
)
def test_arrays_that_the_model_does_not_take(change: dict[str, Any], message: str) -> None:
    given = {name: values for name, values in (FITS | change).items() if values is not None}
    with pytest.raises(client.ClientError, match=message):
        client.fitting(given, TAKES, "m", "e.npz")


def test_what_the_model_does_not_take_stays_here() -> None:
    found = client.fitting(FITS | {"energy": np.zeros(9)}, TAKES, "m", "e.npz")
    assert {name: kind for name, (kind, _) in found.items()} == {"frame": "UINT32", "eta": "FP32"}


def test_charges_are_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(file: Any, **_: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="No space"):
        client.write(tmp_path / "out.npz", FITS)
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """Give the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def python() -> str:
    return str(required_environment() / "bin" / "python")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_server_that_is_not_there_or_says_nothing(protocol: str, python: str, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    line = said(SERVER, "m", str(events), str(out), protocol, python=python)
    assert f"client: m on {SERVER} ({protocol}) cannot be asked: " in line
    assert line.endswith("start the server, or give its address\n")
    code = "import client, sys; client._SECONDS = 1; sys.exit(client._run(sys.argv[1:]))"
    with silent() as address:
        ended = subprocess.run(
            [python, "-c", code, address, "m", str(events), str(out), protocol],
            capture_output=True, text=True, check=False, timeout=60, cwd=Path(client.__file__).parent,
            env=own_variables(),
        )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert f"m on {address} ({protocol}) cannot be asked: " in ended.stderr
    assert not out.exists()
