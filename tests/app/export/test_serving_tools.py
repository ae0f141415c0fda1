"""The server of tests and benchmark leaves no process behind; the load hides no failure of a client."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import serving_load
from benchmarks.inference_server import Server, ServerError

READY = """#!{python}
import http.server, pathlib, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
pathlib.Path(__file__).with_name("process").write_text(str(__import__("os").getpid()))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Ready).serve_forever()
"""
SLEEPS = "#!/bin/sh\necho $$ > {folder}/process\nexec sleep 600\n"
ENDS = "#!/bin/sh\necho 'the models are damaged'\nexit 3\n"


def server(folder: Path, program: str, seconds: float = 30) -> Server:
    start = folder / "start-server"
    start.write_text(program.format(python=sys.executable, folder=folder))
    start.chmod(0o755)
    return Server(folder, folder, folder / "log", seconds)


def gone(folder: Path) -> bool:
    try:
        os.kill(int((folder / "process").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_a_failure_beside_a_server_leaves_none(tmp_path: Path) -> None:
    def failing() -> None:
        with server(tmp_path, READY) as found:
            assert found.ready()
            assert not gone(tmp_path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert gone(tmp_path)


def test_a_server_that_is_never_ready_is_killed(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="the server did not start"):
        server(tmp_path, SLEEPS, seconds=1).start()
    assert gone(tmp_path)


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="the models are damaged"):
        server(tmp_path, ENDS).start()


def test_the_load_is_that_of_all_clients() -> None:
    threads: set[int] = set()
    together = threading.Barrier(3)

    def make() -> Callable[[], None]:
        together.wait(timeout=30)

        def ask() -> None:
            threads.add(threading.get_ident())
            time.sleep(0.01)

        return ask

    rate, seconds = serving_load.load(make, 3, 1)
    assert len(threads) == 3
    assert len(seconds) > 3
    assert 0 < rate < 300
    assert seconds.min() >= 0.01


@pytest.mark.parametrize("at", ["connecting", "asking"])
def test_a_client_that_fails_ends_the_load(at: str) -> None:
    made: list[int] = []

    def make() -> Callable[[], None]:
        made.append(1)
        last = len(made) == 3
        if last and at == "connecting":
            raise ConnectionError("no server")

        def ask() -> None:
            if last:
                raise ConnectionError("no server")
            time.sleep(0.01)

        return ask

    start = time.monotonic()
    with pytest.raises(ConnectionError, match="no server"):
        serving_load.load(make, 3, 60)
    assert time.monotonic() - start < 20
