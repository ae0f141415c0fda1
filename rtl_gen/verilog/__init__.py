"""Verilog of an encoder model."""

from rtl_gen.verilog.generate import MANIFEST, generate, manifest, top_module
from rtl_gen.verilog.options import (
    BLOCKS,
    DATAPATH,
    ENCODER,
    INPUT_REGISTER,
    LOOP,
    NORMALISER,
    SUM,
    VerilogOptions,
    default_options,
    latency,
    register_stages,
)
from rtl_gen.verilog.ports import Port, ports

__all__ = [
    "BLOCKS",
    "DATAPATH",
    "ENCODER",
    "INPUT_REGISTER",
    "LOOP",
    "MANIFEST",
    "NORMALISER",
    "SUM",
    "Port",
    "VerilogOptions",
    "default_options",
    "generate",
    "latency",
    "manifest",
    "ports",
    "register_stages",
    "top_module",
]
