"""What a designer chooses about the generated Verilog: where the pipeline registers are."""

from __future__ import annotations

from dataclasses import dataclass

from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.ir.model import EncoderModel

INPUT_REGISTER = "input"
"""Name of the register stage on the input image."""


@dataclass(frozen=True)
class VerilogOptions:
    """Options of the Verilog generator.

    Parameters
    ----------
    registers : pipeline register stages: ``"input"`` (on the image) and the name of any Requantise (on its output)
    """

    registers: frozenset[str]


def default_options(model: EncoderModel) -> VerilogOptions:
    """Return the default: a register after every Requantise."""
    return VerilogOptions(frozenset(stage.requantise.name for stage in model.stages))


def check_options(model: EncoderModel, options: VerilogOptions) -> VerilogOptions:
    """Return the options unchanged.

    Raises
    ------
    ConfigError
        When a register stage does not exist in the model, or when its name means two stages.
    """
    names = [stage.requantise.name for stage in model.stages]
    known = [INPUT_REGISTER, *names]
    if INPUT_REGISTER in names:
        raise ConfigError(
            f"requantise {INPUT_REGISTER!r} of {model.name} has the name of the input register stage; rename it"
        )
    for name in sorted(options.registers):
        if name not in known:
            raise ConfigError(
                f"register stage {name!r} is unknown; expected one of {', '.join(known)}{did_you_mean(name, known)}"
            )
    return options


def latency(model: EncoderModel, options: VerilogOptions) -> int:
    """Return the clocks from an event's ``in_valid`` to its ``out_valid``; 0 without registers (combinational)."""
    return len(check_options(model, options).registers)
