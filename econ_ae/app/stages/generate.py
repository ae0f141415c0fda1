"""Generate: the encoder's Verilog, which the next stage verifies: as written-out sums, and as it is costed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.run.context import RTL, Context
from econ_ae.config import RunConfig
from econ_ae.ir import validate
from econ_ae.ir.model import EncoderModel

if TYPE_CHECKING:
    from rtl_gen.verilog import VerilogOptions

SUM, STRUCTURAL = "sum", "structural"
FOLDERS = {SUM: RTL, STRUCTURAL: f"{RTL}_encoder_{STRUCTURAL}"}
"""Where the encoder's Verilog is, by its leaf: written-out sums to read and to simulate, trees of adders to synthesise.

Leaf and hash of each are in its ``manifest.json`` (``leaf``, ``verilog_sha256``).
"""


def run(context: Context) -> list[Path]:
    """Write the encoder's Verilog with each leaf; ModelError when the model is wrong."""
    from rtl_gen.verilog import generate
    from rtl_gen.writer import write_files

    model = validate.check(context.model())
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
    options = default_options(model) if registers is None else VerilogOptions(frozenset(registers))
    return replace(options, leaf=leaf)


def texts(context: Context, leaf: str = SUM) -> dict[str, str]:
    """Return the Verilog that the stage wrote with a leaf, text by relative path."""
    folder = context.path(FOLDERS[leaf])
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.v"))}
