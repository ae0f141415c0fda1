"""Verilog of the operations that send trigger cells as pulses."""
