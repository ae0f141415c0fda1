"""Verification of the configuration registers and of the complete block: I2C controller model and benches."""

from sim.i2c.block import BlockResult, verify_block
from sim.i2c.registers import RegisterResult, verify_registers

__all__ = ["BlockResult", "RegisterResult", "verify_block", "verify_registers"]
