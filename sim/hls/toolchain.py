"""What compiles the C++: g++, and the vendors' open fixed-point headers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from econ_ae import process
from econ_ae.errors import ToolMissingError
from rtl_gen.hls import Flavour, types_directory, types_header

_VERSION = {
    "ac_fixed.h": "https://github.com/hlslibs/ac_types",
    "ap_fixed.h": "https://github.com/Xilinx/HLS_arbitrary_Precision_Types",
}


def require_compiler() -> str:
    """Return the compiler's name and version; ToolMissingError when it is not on the PATH."""
    return process.version(process.GXX)


def find_types(flavour: Flavour, directory: Path | None = None) -> Path:
    """Return the directory that holds the vendor's fixed-point header.

    Parameters
    ----------
    directory : where to look, or where its ``include`` is; by default the installed hls4ml package, which ships them

    Raises
    ------
    ToolMissingError
        When the header is not there.
    """
    header = types_header(flavour)
    if directory is not None:
        for candidate in (directory, directory / "include"):
            if (candidate / header).is_file():
                return candidate.resolve()
        raise ToolMissingError(f"{header} is not in {directory} or its include directory; see {_VERSION[header]}")
    package = importlib.util.find_spec("hls4ml")
    found = [Path(place) / types_directory(flavour) for place in (package and package.submodule_search_locations) or ()]
    for candidate in found:
        if (candidate / header).is_file():
            return candidate
    why = f"the installed hls4ml has no {types_directory(flavour)}" if found else "hls4ml is not installed"
    raise ToolMissingError(f"{header} not found: {why}; pip install hls4ml==1.3.0, or name its directory (--ac-types)")
