"""What a designer chooses about the generated Verilog: which block, where the registers are, which arithmetic leaf."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers.model import CLASSES

ENCODER, NORMALISER, DATAPATH = "encoder", "normaliser", "datapath"
BLOCKS = (ENCODER, NORMALISER, DATAPATH)
"""Image to latents; charges to latents and sum code; trigger-cell codes to the frame of the eLinks."""

INPUT_REGISTER = "input"
"""Name of the register stage on the events as they come in."""

FRONT_END_REGISTER = "front_end"
"""Name of the register stage on the calibrated charges (datapath with front end)."""

NORMALISER_REGISTER = "normaliser"
"""Name of the register stage on the normalised pixels and the sum code (normaliser and datapath)."""

FRAME_REGISTER = "frame"
"""Name of the register stage on the outputs of the datapath."""

CELL_STAGES = (NORMALISER_REGISTER, "order", "choose", "merge", "multiply", "apportion")
"""Register stages of a model of cells in front of the last: after the normalised charges, the ranks, the choice of the
mode, the merged charges in slots, the shares, the pulses."""

SUM, LOOP, STRUCTURAL = "sum", "loop", "structural"
LEAVES = (SUM, LOOP, STRUCTURAL)
"""Multiply-accumulate as written-out sums (Icarus, commercial synthesis), as loops over arrays (Verilator), or as trees
of full adders (open synthesis)."""

DENSITIES = (1, 3)

MOST_REMAINDER_BITS = 6
"""Of the pulses of a model of cells."""

_CODE_LARGEST = 31 << 14  # 4E3M code 127 in the middle of its bin, before the bits that the density adds
_FACTOR_LARGEST, _FACTOR_FRACTION = 4095, 11


@dataclass(frozen=True)
class VerilogOptions:
    """Options of the Verilog generator.

    Parameters
    ----------
    registers : pipeline register stages: ``input``, ``front_end``, ``normaliser``, ``frame`` (as far as the block has
        them) and the name of any Requantise (on its output); of a model of cells ``CELL_STAGES``
    block : ``encoder``, ``normaliser`` or ``datapath``
    front_end : the datapath takes trigger-cell codes; without it calibrated charges
    calibration : the front end multiplies every charge by its factor; without it there is no multiplier and no port
    density : bits that the detector's front end dropped from each charge, 1 (low density) or 3 (high density)
    leaf : ``sum``, ``loop`` or ``structural``, how the multiply-accumulate modules are written; all compute the same
    tmr : classes of configuration registers that the complete block has in triplicate, of ``registers.model.CLASSES``
    """

    registers: frozenset[str]
    block: str = ENCODER
    front_end: bool = True
    calibration: bool = True
    density: int = 1
    leaf: str = SUM
    tmr: frozenset[str] = frozenset(CLASSES)


def triplicated(but: Iterable[str] = ()) -> frozenset[str]:
    """Return all classes of configuration registers but some.

    Raises
    ------
    ConfigError
        When there is no such class.
    """
    return frozenset(CLASSES) - check_classes(but)


def check_classes(names: Iterable[str]) -> frozenset[str]:
    """Return the classes of configuration registers as a set; ConfigError when there is no such class."""
    for name in names:
        if name not in CLASSES:
            raise ConfigError(
                f"class of registers {name!r} is unknown; expected one of {', '.join(CLASSES)}"
                f"{did_you_mean(name, CLASSES)}"
            )
    return frozenset(names)


def default_options(model: EncoderModel, block: str | None = None) -> VerilogOptions:
    """Return the default: a register after every Requantise, and at input, normaliser and frame where there is one.

    The encoder alone, which is the default block of a model of layers, has none at its input. A model of cells is
    always a datapath, with all its registers but that between front end and normaliser.
    """
    if model.sends_cells:
        return VerilogOptions(frozenset({INPUT_REGISTER, *CELL_STAGES, FRAME_REGISTER}), block or DATAPATH)
    block = block or ENCODER
    registers = {stage.requantise.name for stage in model.stages}
    if block != ENCODER:
        registers |= {INPUT_REGISTER, NORMALISER_REGISTER}
    if block == DATAPATH:
        registers.add(FRAME_REGISTER)
    return VerilogOptions(frozenset(registers), block)


def register_stages(model: EncoderModel, options: VerilogOptions) -> list[str]:
    """Return the names of the places where the block can have pipeline registers, from input to output."""
    places = [INPUT_REGISTER]
    if has_front_end(options):
        places.append(FRONT_END_REGISTER)
    if model.sends_cells:
        return [*places, *CELL_STAGES, FRAME_REGISTER]
    if options.block != ENCODER:
        places.append(NORMALISER_REGISTER)
    places += [stage.requantise.name for stage in model.stages]
    return [*places, FRAME_REGISTER] if options.block == DATAPATH else places


def has_front_end(options: VerilogOptions) -> bool:
    """Tell whether the block takes trigger-cell codes."""
    return options.block == DATAPATH and options.front_end


def check_options(model: EncoderModel, options: VerilogOptions) -> VerilogOptions:
    """Return the options unchanged.

    Raises
    ------
    ConfigError
        When block, leaf, density or a class of registers is unknown, a register stage does not exist in the block,
        its name means two stages, or the front end's charges do not fit the model's.
    """
    for what, value, known in (("block", options.block, BLOCKS), ("leaf", options.leaf, LEAVES)):
        if value not in known:
            raise ConfigError(
                f"{what} {value!r} is unknown; expected one of {', '.join(known)}{did_you_mean(value, known)}"
            )
    check_classes(options.tmr)
    if model.sends_cells:
        _check_cells(model, options)
    if options.density not in DENSITIES:
        raise ConfigError(f"density is {options.density}; expected 1 (low density) or 3 (high density)")
    stages = register_stages(model, options)
    for name in sorted({name for name in stages if stages.count(name) > 1}):
        raise ConfigError(f"requantise {name!r} of {model.name} has the name of the {name} register stage; rename it")
    for name in sorted(options.registers):
        if name not in stages:
            raise ConfigError(
                f"register stage {name!r} is unknown; expected one of {', '.join(stages)}{did_you_mean(name, stages)}"
            )
    if has_front_end(options) and largest_charge(options) > model.input.charge.max:
        raise ConfigError(
            f"the front end gives charges up to {largest_charge(options)}, the model takes {model.input.charge} "
            f"(up to {model.input.charge.max}); widen the model's charge or choose front_end=False"
        )
    return options


def _check_cells(model: EncoderModel, options: VerilogOptions) -> None:
    if options.block != DATAPATH:
        raise ConfigError(f"block is {options.block!r}; a model of cells has one block: set block={DATAPATH!r}")
    if options.leaf != SUM:
        raise ConfigError(f"leaf is {options.leaf!r}; a model of cells has no weights to multiply: set leaf={SUM!r}")
    fraction = model.cell_code.apportion.fraction
    if fraction > MOST_REMAINDER_BITS:
        raise ConfigError(
            f"{model.cell_code.apportion.name}: remainders of {fraction} bits; the Verilog counts the cells of every "
            f"remainder, at most {MOST_REMAINDER_BITS} bits"
        )


def largest_charge(options: VerilogOptions) -> int:
    """Return the largest charge that the front end can give."""
    charge = _CODE_LARGEST << (options.density - 1)
    return charge * _FACTOR_LARGEST >> _FACTOR_FRACTION if options.calibration else charge


def latency(model: EncoderModel, options: VerilogOptions) -> int:
    """Return the clocks from an event's ``in_valid`` to its ``out_valid``; 0 without registers (combinational)."""
    return len(check_options(model, options).registers)
