"""Verification of the configuration registers: I2C controller model, benches, upset campaigns."""

from sim.i2c.result import RegisterResult
from sim.i2c.verify import verify_registers

__all__ = ["RegisterResult", "verify_registers"]
