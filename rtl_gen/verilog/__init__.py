"""Verilog of an encoder model."""

from rtl_gen.verilog.generate import MANIFEST, generate, manifest, top_module
from rtl_gen.verilog.options import INPUT_REGISTER, VerilogOptions, default_options, latency

__all__ = [
    "INPUT_REGISTER",
    "MANIFEST",
    "VerilogOptions",
    "default_options",
    "generate",
    "latency",
    "manifest",
    "top_module",
]
