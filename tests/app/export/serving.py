"""The environment of the inference server, for the tests that ask one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.inference_server import SCRIPT, Server, ServerError, environment
from tests.required import absent

__all__ = ["SCRIPT", "Server", "ServerError", "required_environment"]


def required_environment() -> Path:
    """Return the environment of server and client; skips with the reason where it cannot be had, if that is allowed."""
    try:
        return environment()
    except ServerError as problem:
        absent(str(problem))
