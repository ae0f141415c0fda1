"""What compiles the C++, or a stated reason why the tests that need it do not run."""

from __future__ import annotations

import os

import pytest

from econ_ae.errors import ToolMissingError
from rtl_gen.hls import CATAPULT, VITIS
from sim.hls.toolchain import find_types, require_compiler


def require_toolchain() -> None:
    """Skip where g++ or the vendors' headers are missing, unless they are required."""
    try:
        require_compiler()
        for flavour in (CATAPULT, VITIS):
            find_types(flavour)
    except ToolMissingError as missing:
        if os.environ.get("ECON_AE_REQUIRE_REFERENCE"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
