"""C++ of an encoder model for high-level synthesis."""

from rtl_gen.hls.generate import TESTBENCH_SOURCES, check_options, generate, outputs
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
    "check_options",
    "compiler_flags",
    "generate",
    "outputs",
    "types_directory",
    "types_header",
]
