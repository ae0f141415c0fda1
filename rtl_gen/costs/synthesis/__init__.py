"""Synthesis with yosys and abc: Verilog to a hierarchical netlist of library cells."""
