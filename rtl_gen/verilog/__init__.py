"""Verilog of an encoder model."""

from rtl_gen.verilog.block import block, block_module, block_ports, generate_block
from rtl_gen.verilog.generate import MANIFEST, generate, leaf_files, manifest, top_module, verilog_sha256
from rtl_gen.verilog.options import (
    BLOCKS,
    DATAPATH,
    ENCODER,
    INPUT_REGISTER,
    LOOP,
    NORMALISER,
    STRUCTURAL,
    SUM,
    VerilogOptions,
    default_options,
    latency,
    register_stages,
    triplicated,
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
    "STRUCTURAL",
    "SUM",
    "Port",
    "VerilogOptions",
    "block",
    "block_module",
    "block_ports",
    "default_options",
    "generate",
    "generate_block",
    "latency",
    "leaf_files",
    "manifest",
    "ports",
    "register_stages",
    "top_module",
    "triplicated",
    "verilog_sha256",
]
