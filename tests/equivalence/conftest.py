"""The simulator, or a stated reason why the tests that need it do not run."""

from __future__ import annotations

import pytest

from tests.required import require_program


@pytest.fixture(autouse=True)
def simulator(request: pytest.FixtureRequest) -> None:
    """Skip tests marked ``simulator`` where Icarus Verilog is missing, unless it is required."""
    if request.node.get_closest_marker("simulator"):
        require_program("iverilog")
