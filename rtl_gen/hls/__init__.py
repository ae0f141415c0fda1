"""C++ of an encoder model for high-level synthesis."""

from rtl_gen.hls.generate import MANIFEST, TESTBENCH_SOURCES, generate, manifest, top_function
from rtl_gen.hls.options import (
    CATAPULT,
    IMAGE,
    STRUCT,
    VITIS,
    Flavour,
    HlsOptions,
    Weights,
    compiler_flags,
    types_directory,
    types_header,
)

__all__ = [
    "CATAPULT",
    "IMAGE",
    "MANIFEST",
    "STRUCT",
    "TESTBENCH_SOURCES",
    "VITIS",
    "Weights",
    "compiler_flags",
    "Flavour",
    "HlsOptions",
    "generate",
    "manifest",
    "top_function",
    "types_directory",
    "types_header",
]
