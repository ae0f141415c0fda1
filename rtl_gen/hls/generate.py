"""The C++ project of an encoder model: texts by relative path, and the manifest that describes them."""

from __future__ import annotations

import json
import math
from typing import Any

from econ_ae.errors import ModelError
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.hls.layer import layer
from rtl_gen.hls.options import CATAPULT, HlsOptions, compiler_flags, types_directory, types_header
from rtl_gen.hls.render import render
from rtl_gen.hls.types import fixed, integer

_WIDEST_FIELD = 57  # with the bits before it in its first byte, a number of the weight image is read as 64 bits
MANIFEST = "manifest.json"
TESTBENCH_SOURCES = ("encoder.cpp", "testbench.cpp")
"""What is compiled into the self-checking testbench."""


def top_function(model: EncoderModel) -> str:
    """Return the name of the top function, ``<model name>_encoder``."""
    return f"{model.name}_encoder"


def generate(model: EncoderModel, options: HlsOptions) -> dict[str, str]:
    """Return the files of a high-level synthesis project, text by relative path.

    ``encoder.h`` and ``encoder.cpp`` (the design), ``testbench.cpp`` (reads ``data/``, compares, fails on a
    difference), ``Makefile`` (g++), ``build_catapult.tcl`` or ``build_vitis.tcl``, and ``manifest.json``.

    Parameters
    ----------
    model : a valid encoder; its weights are a port of the design, not part of it
    options : vendor, form of the weight port, reuse factor, clock

    Raises
    ------
    ModelError
        When the model is invalid, or a weight is wider than 57 bits.
    """
    values = _values(check(model), options)
    script = f"build_{options.flavour}.tcl"
    files = {name: render(name, **values) for name in ("encoder.h", *TESTBENCH_SOURCES, "Makefile", script)}
    return files | {MANIFEST: json.dumps(manifest(model, options, sorted(files)), indent=2) + "\n"}


def manifest(model: EncoderModel, options: HlsOptions, files: list[str]) -> dict[str, Any]:
    """Return what a user of the C++ must know: top function, ports, model hash, options, files."""
    return {
        "top": top_function(model),
        "model_sha256": codec.sha256(model),
        "flavour": options.flavour,
        "weights": options.weights,
        "initiation_interval": options.reuse_factor,
        "clock_ns": options.clock_ns,
        "pixels": math.prod(model.input.arrangement.shape),
        "registers": _registers(model),
        "latents": model.latents,
        "files": files,
    }


def _registers(model: EncoderModel) -> int:
    """Bytes of the weight image."""
    return -(-weights.image_bits(model) // 8)


def _field_bytes(model: EncoderModel) -> int:
    """Bytes that the widest number of the weight image can touch."""
    widest = max(weights.fields(model), key=lambda f: f.format.width)
    if widest.format.width > _WIDEST_FIELD:
        raise ModelError(
            f"{widest.layer}: {widest.kind} of {widest.format.width} bits; C++ of at most {_WIDEST_FIELD} can be made"
        )
    return (widest.format.width + 14) // 8


def _values(model: EncoderModel, options: HlsOptions) -> dict[str, Any]:
    cells = model.input.arrangement.cells
    layers = [layer(stage, options) for stage in model.stages]
    fields = weights.fields(model)
    for item, kernel, bias in zip(layers, fields[::2], fields[1::2], strict=True):
        item |= {"kernel_offset": kernel.offset, "bias_offset": bias.offset}
    multiplications = sum(item["multiplications"] for item in layers)
    return {
        **vars(options),
        "integer": integer,
        "fixed": fixed,
        "catapult": options.flavour == CATAPULT,
        "compiler_flags": compiler_flags(options.flavour),
        "types_header": types_header(options.flavour),
        "types_directory": types_directory(options.flavour),
        "clock_ns": f"{options.clock_ns:g}",
        "multipliers": -(-multiplications // options.reuse_factor),
        "model": model.name,
        "top": top_function(model),
        "sha256": codec.sha256(model),
        "shape": model.input.arrangement.shape,
        "arrangement": model.input.arrangement.name,
        "pixels": len(cells),
        "pixel_format": model.normalise.out,
        "byte_type": "ac_int<8, false>" if options.flavour == CATAPULT else "ap_uint<8>",
        "has_cell": [int(cell >= 0) for cell in cells],
        "row_pixels": math.prod(model.input.arrangement.shape[1:]),
        "registers": _registers(model),
        "image_bits": weights.image_bits(model),
        "field_bytes": _field_bytes(model),
        "latents": model.latents,
        "latent_format": model.latent,
        "layers": layers,
    }
