"""A real inference server on loopback, in an environment of its own: for the benchmark and the tests that ask it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "serve-environment"
_SECONDS_TO_START = 300
_TOLD = 3000  # characters of the server's log in a message


class ServerError(RuntimeError):
    """The environment of the server cannot be had, or the server does not start."""


def environment() -> Path:
    """Return the environment of server and client, which is made where it is not there.

    Raises
    ------
    ServerError
        The reason of scripts/serve-environment.
    """
    place = Path(os.environ.get("ECON_AE_SERVE", ROOT / ".serve"))
    made = subprocess.run([str(SCRIPT), str(place)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise ServerError((made.stderr.strip().splitlines() or ["serve-environment gave no reason"])[-1])
    return place


def own_variables() -> dict[str, str]:
    """Return the variables of a program of that environment: none that lead it to packages elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """Runs the ``start-server`` of an export; leaves no process behind where it is used with ``with``."""

    def __init__(self, folder: Path, place: Path, log: Path, seconds: float = _SECONDS_TO_START) -> None:
        self._folder, self._place, self._log, self._seconds = folder, place, log, seconds
        self.http, self.grpc = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises
        ------
        ServerError
            With the end of its log, when it ends or is not ready in time; it is killed then.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._folder / "start-server"), str(self._place), str(self.http), str(self.grpc)],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until = time.monotonic() + self._seconds
            while not self.ready():
                if self._process.poll() is not None or time.monotonic() > until:
                    log_end = self._log.read_text(errors="replace")[-_TOLD:]
                    raise ServerError(f"the server did not start:\n{log_end}")
                time.sleep(0.3)
        except BaseException:  # an interrupt while waiting, too
            self.kill()
            raise

    def ready(self) -> bool:
        """Ask it whether it is ready, as KServe v2 says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def answered(self, model: str) -> int:
        """Return how many rows of requests for a model it has answered since it was started."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/models/{model}/stats", timeout=5) as answer:
            (stats,) = json.load(answer)["model_stats"]
        return int(stats["inference_stats"]["success"]["count"])

    def kill(self) -> None:
        """Kill it and the processes of its models at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def address(self, protocol: str) -> str:
        """Return host and port of a protocol, http or grpc."""
        return f"127.0.0.1:{self.http if protocol == 'http' else self.grpc}"

    def client(self, model: str, given: Path, out: Path, protocol: str, rows: int = 64) -> subprocess.Popen[str]:
        """Start the client of the export."""
        return subprocess.Popen(
            [str(self._place / "bin" / "python"), str(self._folder / "client.py"), self.address(protocol), model,
             str(given), str(out), protocol, str(rows)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=own_variables(),
        )  # fmt: skip
