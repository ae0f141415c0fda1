"""C++ of an encoder model for high-level synthesis."""

from rtl_gen.hls.generate import MANIFEST, TESTBENCH_SOURCES, generate, manifest, top_function
from rtl_gen.hls.options import (
    CATAPULT,
    IMAGE,
    INCREMENT,
    STRUCT,
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
    "INCREMENT",
    "MANIFEST",
    "STRUCT",
    "TESTBENCH_SOURCES",
    "TYPE",
    "VITIS",
    "Flavour",
    "HalfEven",
    "HlsOptions",
    "Weights",
    "compiler_flags",
    "generate",
    "manifest",
    "top_function",
    "types_directory",
    "types_header",
]
