"""Generate: the encoder's Verilog, which the next stage verifies: as written-out sums, and as it is costed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.run.context import Context
from econ_ae.app.run.texts import FOLDERS, SUM
from econ_ae.config import RunConfig
from econ_ae.ir import validate
from econ_ae.ir.model import EncoderModel

if TYPE_CHECKING:
    from rtl_gen.verilog import VerilogOptions


def run(context: Context) -> list[Path]:
    """Write the encoder's Verilog, with each leaf where it has layers; ModelError when the model is wrong."""
    from rtl_gen.verilog import generate
    from rtl_gen.writer import write_files

    model = validate.check(context.model())
    if model.sends_cells:  # the whole path from codes to frames; it has no sums of products to write in two ways
        files = generate(model, verilog_options(context.config, model))
        return write_files(files, context.path(FOLDERS[SUM]), overwrite=True)
    return [
        path
        for leaf, folder in FOLDERS.items()
        for path in write_files(
            generate(model, verilog_options(context.config, model, leaf)), context.path(folder), overwrite=True
        )
    ]


def verilog_options(config: RunConfig, model: EncoderModel, leaf: str = SUM) -> VerilogOptions:
    """Return the Verilog options that a configuration asks for."""
    from rtl_gen.verilog import VerilogOptions, default_options

    registers = config.hardware.registers
    options = default_options(model)
    if registers is not None:
        chosen = frozenset(registers)
        options = replace(options, registers=chosen) if model.sends_cells else VerilogOptions(chosen)
    return replace(options, leaf=leaf)
