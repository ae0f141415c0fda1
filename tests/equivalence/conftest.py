"""The simulator, or a stated reason why the tests that need it do not run."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(autouse=True)
def simulator(request: pytest.FixtureRequest) -> None:
    """Skip tests marked ``simulator`` where Icarus Verilog is missing, unless it is required."""
    if request.node.get_closest_marker("simulator") is None or shutil.which("iverilog"):
        return
    message = "Icarus Verilog is not on the PATH"
    if os.environ.get("ECON_AE_REQUIRE_REFERENCE"):
        pytest.fail(message)
    pytest.skip(message)
