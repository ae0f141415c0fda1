"""Gate level: a mapped netlist simulated, its triplication checked, its small blocks proven, its power measured."""

from sim.netlist.mapped import NETLIST, VERILOG, MappedNetlist
from sim.netlist.verify import NetlistResult, verify_netlist

__all__ = ["NETLIST", "VERILOG", "MappedNetlist", "NetlistResult", "verify_netlist"]
