"""What compiles the C++, or a stated reason why the tests that need it do not run."""

from __future__ import annotations

from econ_ae.errors import ToolMissingError
from rtl_gen.hls import CATAPULT, VITIS
from sim.hls.toolchain import find_types, require_compiler
from tests.required import absent


def require_toolchain() -> None:
    """Skip where g++ or the vendors' headers are missing, unless they are required."""
    try:
        require_compiler()
        for flavour in (CATAPULT, VITIS):
            find_types(flavour)
    except ToolMissingError as missing:
        absent(str(missing))
