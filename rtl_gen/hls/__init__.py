"""C++ of an encoder model for high-level synthesis."""

from rtl_gen.hls.generate import TESTBENCH_SOURCES, generate
from rtl_gen.hls.options import (
    CATAPULT,
    IMAGE,
    TYPE,
    VITIS,
    Flavour,
    HalfEven,
    HlsOptions,
    Weights,
    compiler_flags,
    types_directory,
    types_header,
)

__all__ = [
    "CATAPULT",
    "IMAGE",
    "TESTBENCH_SOURCES",
    "TYPE",
    "VITIS",
    "Flavour",
    "HalfEven",
    "HlsOptions",
    "Weights",
    "compiler_flags",
    "generate",
    "types_directory",
    "types_header",
]
