"""The simulator that many tests need."""

from __future__ import annotations

import os
import shutil

import pytest

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None and not os.environ.get("ECON_AE_REQUIRE_REFERENCE"),
    reason="Icarus Verilog is not installed",
)
"""Skips where Icarus is missing; a run that must not skip runs the test, which fails."""
