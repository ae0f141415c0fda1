"""One cocotb bench over named ports, and what runs it in Icarus Verilog."""
