"""The ports of a block: name, direction, width, meaning. Templates, manifest, documentation and benches read this."""

from __future__ import annotations

import math
from dataclasses import dataclass

from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog.options import DATAPATH, ENCODER, VerilogOptions, has_front_end

CODE_BITS = 7
FACTOR_BITS = 12
SUM_CODE_BITS = 9
ELINKS_BITS = 4
FRAME_BITS = 160

CONTROL, EVENT, CONFIGURATION = "control", "event", "configuration"

RESET_MEANING = "asserted at any time, released with clk (econ_ae_reset_sync does that); events before are lost"
"""Of a block inside the complete one, which holds the synchroniser."""


@dataclass(frozen=True)
class Port:
    """One port.

    Parameters
    ----------
    role : ``control`` (clock, reset, valid), ``event`` (changes every clock) or ``configuration`` (hold it still while
        events pass)
    meaning : what the bits are, one line
    """

    name: str
    direction: str
    width: int
    role: str
    meaning: str


def select_bits(model: EncoderModel) -> int:
    """Return the bits of a mux select: 6 for 48 cells."""
    return max(1, (model.input.cells - 1).bit_length())


def ports(model: EncoderModel, options: VerilogOptions) -> tuple[Port, ...]:
    """Return the ports of the block in the order of its declaration."""
    return (
        Port("clk", "input", 1, CONTROL, "one event per rising edge at most"),
        Port("rst_n", "input", 1, CONTROL, RESET_MEANING),
        Port("in_valid", "input", 1, CONTROL, "the event inputs hold an event"),
        *_event_inputs(model, options),
        *_configuration(model, options),
        Port("out_valid", "output", 1, CONTROL, "the outputs hold an event"),
        *_outputs(model, options),
    )


def _event_inputs(model: EncoderModel, options: VerilogOptions) -> list[Port]:
    cells, charge, pixel = model.input.cells, model.input.charge, model.normalise.out
    if options.block == ENCODER:
        pixels = math.prod(model.input.arrangement.shape)
        meaning = f"pixel p in [row][col][channel] order at [{pixel.width}*p +: {pixel.width}], {pixel}"
        return [Port("image", "input", pixels * pixel.width, EVENT, meaning)]
    found = []
    if options.block == DATAPATH:
        found.append(Port("bx0", "input", 1, EVENT, "the event is bunch crossing 0; sampled with in_valid"))
    if has_front_end(options):
        meaning = f"4E3M code of input cell c, before the mux, at [{CODE_BITS}*c +: {CODE_BITS}]"
        return [*found, Port("codes", "input", cells * CODE_BITS, EVENT, meaning)]
    meaning = f"calibrated charge of cell c at [{charge.width}*c +: {charge.width}]"
    return [*found, Port("charges", "input", cells * charge.width, EVENT, meaning)]


def _configuration(model: EncoderModel, options: VerilogOptions) -> list[Port]:
    cells, found = model.input.cells, []
    if has_front_end(options):
        bits = select_bits(model)
        meaning = f"cell c is input cell [{bits}*c +: {bits}]"
        if cells < 1 << bits:
            meaning += f"; a select of {cells} or more reads code 0"
        found.append(Port("mux", "input", cells * bits, CONFIGURATION, meaning))
        if options.calibration:
            meaning = f"factor of cell c, 2048 = 1, at [{FACTOR_BITS}*c +: {FACTOR_BITS}]"
            found.append(Port("calibration", "input", cells * FACTOR_BITS, CONFIGURATION, meaning))
    meaning = "weight image, first number at the least significant bits"
    if model.sends_cells:
        meaning = "limits of the classes, then the biases by class and mode, first number at the least significant bits"
    found.append(Port("weights", "input", weights.image_bits(model), CONFIGURATION, meaning))
    if options.block == DATAPATH and not model.sends_cells:
        width = model.latent.width
        found += [
            Port(
                "keep_mask",
                "input",
                model.latents * width,
                CONFIGURATION,
                f"bit {width}*o + b set: bit b of latent o is sent",
            ),
            Port("elinks", "input", ELINKS_BITS, CONFIGURATION, "eLinks in use; 0: the frame is 0, above 5: as 5"),
        ]
    return found


def _outputs(model: EncoderModel, options: VerilogOptions) -> list[Port]:
    if model.sends_cells:
        meaning = (
            f"header, sum code, mode, loss, fields, on {model.elinks} eLinks; eTX0 sends [159:128], eTX1 [127:96], ... "
            "eTX4 [31:0]; unused words are 0"
        )
        return [
            Port("sum_code", "output", SUM_CODE_BITS, EVENT, "5E4M code of the sum of all charges"),
            Port("frame", "output", FRAME_BITS, EVENT, meaning),
        ]
    width = model.latent.width
    found = [
        Port("latents", "output", model.latents * width, EVENT, f"latent o at [{width}*o +: {width}], {model.latent}")
    ]
    if options.block != ENCODER:
        found.append(Port("sum_code", "output", SUM_CODE_BITS, EVENT, "5E4M code of the sum of all charges"))
    if options.block == DATAPATH:
        meaning = (
            "{header, sum_code, kept bits}; eTX0 sends [159:128], eTX1 [127:96], ... eTX4 [31:0]; unused words are 0"
        )
        found.append(Port("frame", "output", FRAME_BITS, EVENT, meaning))
    return found
