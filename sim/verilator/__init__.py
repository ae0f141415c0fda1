"""A million events through the Verilog in Verilator."""

from sim.verilator.verify import MillionResult, require_verilator, verify_million

__all__ = ["MillionResult", "require_verilator", "verify_million"]
