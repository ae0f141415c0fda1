"""Leaves of the arithmetic verified on their own: Verilog without clocks as yosys understands it."""

from sim.leaves.verify import LeafResult, verify_leaf

__all__ = ["LeafResult", "verify_leaf"]
