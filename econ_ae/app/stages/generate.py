"""Generate: the encoder's Verilog, which the next stage verifies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.run.context import RTL, Context
from econ_ae.config import RunConfig
from econ_ae.ir import validate
from econ_ae.ir.model import EncoderModel

if TYPE_CHECKING:
    from rtl_gen.verilog import VerilogOptions


def run(context: Context) -> list[Path]:
    """Write the encoder's Verilog into ``rtl/``; ModelError when the model is wrong."""
    from rtl_gen.verilog import generate
    from rtl_gen.writer import write_files

    model = validate.check(context.model())
    return write_files(generate(model, verilog_options(context.config, model)), context.path(RTL), overwrite=True)


def verilog_options(config: RunConfig, model: EncoderModel) -> VerilogOptions:
    """Return the Verilog options that a configuration asks for."""
    from rtl_gen.verilog import VerilogOptions, default_options

    registers = config.hardware.registers
    return default_options(model) if registers is None else VerilogOptions(frozenset(registers))
