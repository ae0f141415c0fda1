"""The Verilog whose costs are asked for, and what is known about its registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from econ_ae.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from econ_ae.config import RunConfig
    from econ_ae.ir.model import EncoderModel
    from rtl_gen.costs import Operands
    from rtl_gen.verilog import VerilogOptions

ENCODER, DATAPATH, BLOCK = "encoder", "datapath", "block"
BLOCKS = (ENCODER, DATAPATH, BLOCK)

_BEHIND = {
    "input": "",
    "front_end": "front_end",
    "normaliser": "op_exact",
    "order": "op_dropped",
    "choose": "op_send",
    "merge": "op_compact",
    "multiply": "op_missing",
    "apportion": "op_parts",
    "frame": "op_enumerate",
}
"""Of the Verilog of cells: the instance in front of each place for a register."""


@dataclass(frozen=True)
class Design:
    """What is synthesised.

    Parameters
    ----------
    model, options : what it was generated from
    block : ``encoder``, ``datapath`` or ``block``, all with the registers behind I2C
    files : text by relative path
    top : name of the top module
    """

    model: EncoderModel
    options: VerilogOptions
    block: str
    files: Mapping[str, str]
    top: str

    @property
    def verilog_sha256(self) -> str:
        """Hash of the Verilog."""
        from rtl_gen.verilog import verilog_sha256

        return verilog_sha256(self.files)

    @property
    def latency(self) -> int:
        """Clocks from input to output."""
        from rtl_gen.verilog import latency

        return latency(self.model, self.options)

    @property
    def quasi_static(self) -> list[str]:
        """The configuration ports, from which nothing is timed."""
        from rtl_gen.verilog import ports

        return [port.name for port in ports(self.model, self.options) if port.role == "configuration"]

    def operands(self) -> dict[str, Operands]:
        """Return what the bits of the pipeline registers mean: numbers above the datapath's sum code."""
        from rtl_gen.costs import Operands
        from rtl_gen.verilog.plan import plan

        codes = Operands("cell's code", 0, 7, self.model.input.cells)
        if self.model.sends_cells:
            return {"input": codes}
        first = 0 if self.block == ENCODER else 9  # the sum code
        plans = plan(self.model)
        found = {
            p.stage.requantise.name: Operands(
                f"output of {p.stage.layer.name}", first, p.stage.requantise.out.width, len(p.outputs)
            )
            for p in plans
        }
        found["normaliser"] = Operands("pixel", first, self.model.normalise.out.width, len(plans[0].inputs))
        found["input"] = codes
        return found

    def free(self) -> dict[str, str]:
        """Return the places without a register, and the instance that each stands behind."""
        from rtl_gen.verilog import register_stages

        if self.model.sends_cells:
            behind = _BEHIND
        else:
            behind = {"input": "", "front_end": "front_end", "normaliser": "normaliser", "frame": "formatter"}
            behind |= {stage.requantise.name: f"layer_{stage.layer.name}" for stage in self.model.stages}
        places = register_stages(self.model, self.options)
        return {place: behind[place] for place in places if place not in self.options.registers}


def design(config: RunConfig, model: EncoderModel, block: str) -> Design:
    """Return what is synthesised: structural arithmetic, the run's registers; ConfigError without such a block."""
    from rtl_gen.verilog import block_module, generate, generate_block, top_module

    if block not in BLOCKS:
        raise ConfigError(
            f"block {block!r} is unknown; expected one of {', '.join(BLOCKS)}{did_you_mean(block, BLOCKS)}"
        )
    options = options_of(config, model, block)
    if block == BLOCK:
        return Design(model, options, block, generate_block(model, options), block_module(model))
    return Design(model, options, block, generate(model, options), top_module(model, options))


def options_of(config: RunConfig, model: EncoderModel, block: str) -> VerilogOptions:
    """Return the options of the Verilog that is synthesised; ConfigError without such a block of this encoder."""
    return (_cells if model.sends_cells else _layers)(config, model, block)


def _layers(config: RunConfig, model: EncoderModel, block: str) -> VerilogOptions:
    from rtl_gen.verilog import STRUCTURAL, default_options

    options = replace(default_options(model, ENCODER if block == ENCODER else DATAPATH), leaf=STRUCTURAL)
    if config.hardware.registers is None:
        return options
    outside = options.registers - {stage.requantise.name for stage in model.stages}
    return replace(options, registers=outside | set(config.hardware.registers))


def _cells(config: RunConfig, model: EncoderModel, block: str) -> VerilogOptions:
    from rtl_gen.verilog import default_options

    if block == ENCODER:
        raise ConfigError(
            f"block {block!r} is not made of encoders that send cells, which are one path from codes to frames; "
            f"expected {DATAPATH} or {BLOCK}"
        )
    options = default_options(model)
    registers = config.hardware.registers
    return options if registers is None else replace(options, registers=frozenset(registers))
