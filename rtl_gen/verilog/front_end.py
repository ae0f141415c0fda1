"""The modules in front of the encoder: mux and calibrated charges, sum code and normalised pixels."""

from __future__ import annotations

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


def normaliser(module: str, model: EncoderModel, used: tuple[int, ...]) -> str:
    """Return the normaliser: all charges to the sum code and to the pixels ``used`` by the first layer."""
    cells, width = model.input.cells, model.input.charge.width
    # A bit more than a charge, and so wide that its logarithm has the 5 bits of a sum code's exponent.
    sum_width = max((cells * model.input.charge.max).bit_length(), width + 1, 17)
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
        x_format=model.normalise.out,
        pixels=[model.input.arrangement.cells[pixel] for pixel in used],
    )
