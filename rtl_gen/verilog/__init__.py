"""Verilog of an encoder model."""
