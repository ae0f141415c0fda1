"""The modules in front of the encoder: mux and calibrated charges, sum code and normalised pixels."""

from __future__ import annotations

from collections.abc import Sequence

from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog.options import VerilogOptions, largest_charge
from rtl_gen.verilog.ports import select_bits
from rtl_gen.verilog.render import render


def charge_cell(options: VerilogOptions) -> str:
    """Return the primitive that makes one charge."""
    return "econ_ae_calibrated_charge" if options.calibration else "econ_ae_float_to_fix"


def front_end(module: str, model: EncoderModel, options: VerilogOptions) -> str:
    """Return the front end: codes and mux selects (and calibration factors) to charges."""
    return render(
        "front_end",
        module=module,
        cells=model.input.cells,
        select_width=select_bits(model),
        charge_width=model.input.charge.width,
        calibration=options.calibration,
        density=options.density,
        cell=charge_cell(options),
        largest=largest_charge(options),
    )


def sum_bits(model: EncoderModel) -> int:
    """Return the bits of the sum of all charges in the normaliser."""
    charge = model.input.charge
    # A bit more than a charge, and so wide that its logarithm has the 5 bits of a sum code's exponent.
    return max((model.input.cells * charge.max).bit_length(), charge.width + 1, 17)


def pixel_format(model: EncoderModel) -> FixedFormat:
    """Return the format of a normalised charge: of a model of cells no wider than the largest one."""
    out = model.normalise.out
    return FixedFormat(False, min(out.width, out.fraction + 1), out.fraction) if model.sends_cells else out


def normaliser(module: str, model: EncoderModel, cells_used: Sequence[int], *, total: bool = False) -> str:
    """Return the normaliser: all charges to the sum code and to the pixels that the first operation reads.

    Parameters
    ----------
    cells_used : trigger cell of every such pixel
    total : the sum itself is an output too
    """
    cells, width = model.input.cells, model.input.charge.width
    sum_width = sum_bits(model)
    return render(
        "normaliser",
        module=module,
        name=model.normalise.name,
        cells=cells,
        charge_width=width,
        sum_width=sum_width,
        log_width=(sum_width - 1).bit_length(),
        index_width=(sum_width + model.normalise.out.fraction - 1).bit_length(),
        fraction=model.normalise.out.fraction,
        x_format=pixel_format(model),
        pixels=cells_used,
        total=total,
    )
