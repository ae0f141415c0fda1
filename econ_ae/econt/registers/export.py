"""A trained model's weights in the forms that load them into a chip."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from econ_ae.econt import autoencoder
from econ_ae.econt.config import CELLS, Algorithm, EcontConfig, Numbering
from econ_ae.econt.registers import cells_form
from econ_ae.econt.registers.weight_blocks import weight_registers
from econ_ae.econt.registers.write import production_yaml
from econ_ae.errors import RegisterError, did_you_mean
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.weights import flat_kernel, pack

JSON_FORMAT = "econ-ae chip weights"
_BYTES_PER_LINE = 16


def check_chip_shape(model: EncoderModel) -> EncoderModel:
    """Return the model; RegisterError that names the first layer that the chip's block does not have."""
    chip = autoencoder.template()
    if len(model.layers) != len(chip.layers):
        raise RegisterError(f"{model.name} has {len(model.layers)} layers; the ECON-T has {len(chip.layers)}")
    if model.input.arrangement.shape != chip.input.arrangement.shape:
        raise RegisterError(
            f"{model.name} takes images of {model.input.arrangement.shape}; "
            f"the ECON-T takes {chip.input.arrangement.shape}"
        )
    for mine, theirs in zip(model.layers, chip.layers, strict=True):
        if type(mine) is not type(theirs) or mine.kernel.shape != theirs.kernel.shape:
            raise RegisterError(
                f"{model.name}: layer {mine.name} is a {type(mine).__name__} with a kernel of {mine.kernel.shape}; "
                f"the ECON-T has a {type(theirs).__name__} of {theirs.kernel.shape}"
            )
        if getattr(mine, "stride", None) != getattr(theirs, "stride", None):
            raise RegisterError(f"{model.name}: layer {mine.name} must have the ECON-T's stride of (2, 2)")
        if getattr(mine, "padding", None) != getattr(theirs, "padding", None):
            raise RegisterError(f"{model.name}: layer {mine.name} must have zeros at the bottom and right only")
        for what, values, fmt in (("kernel", mine.kernel, mine.weight), ("bias", mine.bias, mine.bias_format)):
            if fmt != theirs.weight:
                raise RegisterError(
                    f"{model.name}: {mine.name} {what} has format {fmt}; the ECON-T has {theirs.weight}"
                )
            _check_range(f"{model.name}: {mine.name} {what}", values.reshape(-1), theirs.weight.min, theirs.weight.max)
    return model


def _check_range(name: str, values: np.ndarray[tuple[int], np.dtype[np.int64]], low: int, high: int) -> None:
    bad = np.flatnonzero((values < low) | (values > high))
    if bad.size:
        raise RegisterError(f"{name} number {bad[0]} is {values[bad[0]]}; expected {low}..{high} (6 bits)")


def chip_mux(model: EncoderModel) -> tuple[int, ...] | None:
    """Return the mux, in production numbering, that brings each trigger cell to its pixel of the chip's image.

    None when the model's cells are the chip's own inputs (arrangement ``econt-8x8``), which any mux may feed.
    RegisterError when a pixel that the chip feeds has no cell, or the reverse.
    """
    arrangement = model.input.arrangement
    if arrangement.name == autoencoder.ARRANGEMENT.name:
        return None
    mux = [0] * CELLS
    for pixel, (x, cell) in enumerate(zip(autoencoder.ARRANGEMENT.cells, arrangement.cells, strict=True)):
        if (x < 0) != (cell < 0):
            raise RegisterError(
                f"arrangement {arrangement.name} has {'a' if cell >= 0 else 'no'} cell at pixel {pixel}; "
                "the ECON-T feeds rows 0..3 "
                "and the left half of rows 4..7 of its 8x8 image"
            )
        if x >= 0:
            mux[x] = int(LOW_DENSITY.premux[cell])
    return tuple(mux)


def chip_config(model: EncoderModel, base: EcontConfig | None = None) -> EcontConfig:
    """Return the registers that run ``model`` on the chip: weights, mux, keep mask, eLinks; the rest from ``base``.

    ``base`` defaults to the chip's defaults in production numbering with a low-density front end.
    """
    check_chip_shape(model)
    start = base if base is not None else EcontConfig(numbering=Numbering.PRODUCTION)
    mux = chip_mux(model)
    values = start.renumbered(Numbering.PRODUCTION).registers()
    values |= {
        "algorithm": Algorithm.AUTOENCODER,
        "elinks": model.pack.elinks,
        "keep_mask": autoencoder.joined_mask(model.pack.keep),
        "weights": pack(model),
    }
    if mux is not None:
        values["mux"] = mux
    return EcontConfig(**values)


def export(model: EncoderModel, form: str | None = None, base: EcontConfig | None = None) -> str:
    """Return the text that loads ``model`` into a chip.

    Parameters
    ----------
    model : an encoder of the chip's shape; the dense kernel is written output-major, as the block reads it. Or one that
        sends cells
    form : ``econt-yaml`` (all registers, production form), or the weights alone: ``i2c-script`` (one register per
        line: address, bytes), ``c-header``, ``hex`` (``$readmemh`` bytes of the image), ``json`` (numbers); of an
        encoder that sends cells ``cells-yaml``
    base : registers that the model does not decide, for ``econt-yaml``

    Raises
    ------
    RegisterError
        When the form is unknown, the model has another shape, or a weight does not fit 6 bits.
    """
    form = form or (cells_form.FORM if model.sends_cells else "econt-yaml")
    known = (*FORMS, cells_form.FORM)
    if form not in known:
        raise RegisterError(f"form {form!r} is unknown; expected one of {', '.join(known)}{did_you_mean(form, known)}")
    if model.sends_cells:
        if form != cells_form.FORM:
            raise cells_form.wrong_form(form)
        return cells_form.write_cells(cells_form.CellRegisters.of_model(model))
    if form == cells_form.FORM:
        raise RegisterError(f"{model.name} sends latents, not cells; expected one of {', '.join(FORMS)}")
    check_chip_shape(model)
    return production_yaml(chip_config(model, base)) if form == "econt-yaml" else _WRITERS[form](model)


def _i2c_script(model: EncoderModel) -> str:
    image = pack(model)
    head = "# ECON-T autoencoder weights: address, then the bytes of one register, lowest address first"
    rows = (f"w 0x{r.address:04x} {r.of(image).hex(' ')}" for r in weight_registers())
    return "\n".join([head, *rows, ""])


def _c_header(model: EncoderModel) -> str:
    image = pack(model)
    registers = list(weight_registers())
    rows = [
        f"    {{0x{r.address:04x}, {r.size}, {{{', '.join(f'0x{byte:02x}' for byte in r.of(image))}}}}},"
        for r in registers
    ]
    return "\n".join(
        [
            "/* ECON-T autoencoder weights: I2C address, size and bytes of every register. */",
            "#ifndef ECONT_AE_WEIGHTS_H",
            "#define ECONT_AE_WEIGHTS_H",
            "#include <stdint.h>",
            f"#define ECONT_AE_WEIGHT_REGISTERS {len(registers)}",
            "typedef struct { uint16_t address; uint8_t size; uint8_t bytes[16]; } econt_ae_register_t;",
            f"static const econt_ae_register_t econt_ae_weights[{len(registers)}] = {{",
            *rows,
            "};",
            "#endif",
            "",
        ]
    )


def _hex(model: EncoderModel) -> str:
    image = pack(model)
    lines = [f"@{at:04x} {image[at : at + _BYTES_PER_LINE].hex(' ')}" for at in range(0, len(image), _BYTES_PER_LINE)]
    return "\n".join(lines) + "\n"


def _json(model: EncoderModel) -> str:
    conv, dense = model.layers
    numbers = {
        "format": JSON_FORMAT,
        "order": "conv [row][col][channel][filter], dense [output][input], units of 1/32",
        "conv_kernel": flat_kernel(conv).tolist(),
        "conv_bias": conv.bias.tolist(),
        "dense_kernel": flat_kernel(dense).tolist(),
        "dense_bias": dense.bias.tolist(),
    }
    return json.dumps(numbers, indent=1) + "\n"


_WRITERS: dict[str, Callable[[EncoderModel], str]] = {
    "i2c-script": _i2c_script,
    "c-header": _c_header,
    "hex": _hex,
    "json": _json,
}
FORMS = ("econt-yaml", *_WRITERS)
"""Forms that ``export`` writes and ``import_weights`` reads."""
