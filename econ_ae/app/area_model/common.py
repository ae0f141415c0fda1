"""The pieces that encoders of both families have: front end, normaliser, pipeline and configuration registers."""

from __future__ import annotations

from collections.abc import Iterable

from econ_ae.app.area_model.pieces import Piece
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs.netlist.hierarchy import FRONT_END, NORMALISER, OTHER, PIPELINE
from rtl_gen.registers import AddressMap
from rtl_gen.verilog.front_end import pixel_format, sum_bits
from rtl_gen.verilog.ports import CODE_BITS
from rtl_gen.verilog.regfile_bits import index_width, rows

CONFIGURATION = "configuration registers with voters, read-out, I2C"


def front_end(model: EncoderModel) -> Piece:
    """Return mux, float to fix and calibration of all cells."""
    cells = model.input.cells
    return Piece("front_end", 1, (CODE_BITS * cells * (cells - 1), cells), "front_end", FRONT_END)


def normaliser(model: EncoderModel, pixels: int) -> Piece:
    """Return the normaliser: sum of all charges, and a shifter for every pixel."""
    cells, charge = model.input.cells, model.input.charge.width
    fraction, x = model.normalise.out.fraction, pixel_format(model)
    multiplexed, gated = _window(charge, sum_bits(model), fraction)
    limited = fraction + 1 if x.width < fraction + 1 else 0  # bits that are tested or forced to 1
    features = ((cells - 1) * charge, pixels * multiplexed, pixels * gated, pixels * limited, 1)
    return Piece("normaliser", 1, features, "normalise", NORMALISER)


def _window(charge: int, total: int, fraction: int) -> tuple[int, int]:
    """Return multiplexers, and gates where one side is zero, that pick ``fraction + 1`` bits of a shifted charge."""
    live = [fraction <= place < fraction + charge for place in range(total + fraction)]
    multiplexed = gated = 0
    for level in reversed(range((total + fraction - 1).bit_length())):
        step = 1 << level
        found = []
        for place in range(step + fraction):
            here, there = (at < len(live) and live[at] for at in (place, place + step))
            multiplexed += here and there
            gated += here != there
            found.append(here or there)
        live = found
    return multiplexed, gated


def pipeline(widths: Iterable[int]) -> list[Piece]:
    """Return the pipeline registers of these widths: one flip-flop per bit, one for the valid bit, a clock gate."""
    return [Piece("pipeline", 1, (width, 1), "econ_ae_pipeline_register", PIPELINE) for width in widths]


def configuration(layout: AddressMap) -> Piece:
    """Return I2C target, triplicated registers with voters, read-out and CRC."""
    features = (layout.stored_bits, len(layout.stored), rows(layout), len(layout.segments), index_width(layout), 1)
    return Piece("configuration", 1, features, "config", CONFIGURATION)


def control(stages: int) -> Piece:
    """Return header counter, flag of mixed events, reset synchroniser and what joins them."""
    return Piece("control", 1, (stages, 1), "control", OTHER)
