"""Verification of the configuration registers and of the complete block: I2C controller model, benches, upsets."""

from sim.i2c.block_verify import verify_block
from sim.i2c.result import BlockResult, RegisterResult
from sim.i2c.verify import verify_registers

__all__ = ["BlockResult", "RegisterResult", "verify_block", "verify_registers"]
