"""A real PostgreSQL on the loopback interface, in a directory of its own, that can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

USER = "postgres"
"""Who runs it where the tests run as root, which PostgreSQL refuses."""


def programs() -> Path | None:
    """Return where PostgreSQL's programs are; None when it is not installed."""
    on_path = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    for found in (*debian, *([Path(on_path).resolve()] if on_path else [])):
        if all((found.parent / name).is_file() for name in ("initdb", "pg_isready")):
            return found.parent
    return None


class Database:
    """A server.

    Parameters
    ----------
    bin_ : where its programs are
    """

    def __init__(self, bin_: Path) -> None:
        self._bin, self._folder = bin_, Path(tempfile.mkdtemp(prefix="econ-ae-postgres-"))
        self._user = USER if os.geteuid() == 0 else None
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "econ", "--no-sync", "-E", "UTF8", "--locale", "C")
        self.start()

    @property
    def url(self) -> str:
        """Of the database, for SQLAlchemy."""
        return f"postgresql+psycopg://econ@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        arguments = ["-D", str(self._folder / "data"), "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder)]
        self._process = subprocess.Popen(
            [str(self._bin / "postgres"), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self._folder,
            user=self._user,
        )
        end = time.monotonic() + 60
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "econ"]
        while subprocess.run(ready, check=False, cwd=self._folder).returncode:
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)

    def kill(self) -> None:
        """End the server and all its processes as kill -9 does."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        own = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        for pid in (self._process.pid, *own):  # its children have sessions of their own
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()

    def close(self) -> None:
        """End it and remove everything."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
        )
