"""A real inference server on loopback, in an environment of its own, for the tests that ask it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_SECONDS_TO_START = 300


def environment() -> Path:
    """Return the environment of server and client; skips with the reason where it cannot be had, if that is allowed."""
    place = Path(os.environ.get("ECON_AE_SERVE", ROOT / ".serve"))
    made = subprocess.run(
        [str(ROOT / "scripts" / "serve-environment"), str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        if os.environ.get("ECON_AE_REQUIRE_REFERENCE"):
            pytest.fail(reason)
        pytest.skip(reason)
    return place


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """Runs the ``start-server`` of an export."""

    def __init__(self, folder: Path, place: Path, log: Path) -> None:
        self._folder, self._place, self._log = folder, place, log
        self.http, self.grpc = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._folder / "start-server"), str(self._place), str(self.http), str(self.grpc)],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + _SECONDS_TO_START
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                pytest.fail(f"the server did not start:\n{self._log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.3)

    def ready(self) -> bool:
        """Ask it whether it is ready, as KServe v2 says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill it and the processes of its models at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def client(self, model: str, given: Path, out: Path, protocol: str, rows: int = 64) -> subprocess.Popen[str]:
        """Start the client of the export."""
        port = self.http if protocol == "http" else self.grpc
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.Popen(
            [str(self._place / "bin" / "python"), str(self._folder / "client.py"), f"127.0.0.1:{port}", model,
             str(given), str(out), protocol, str(rows)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=own,
        )  # fmt: skip
