"""A mapped netlist: its hierarchy and parts, and its flat form for simulation and power."""
