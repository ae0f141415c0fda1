"""The C++ project of an encoder model: texts by relative path, and the manifest that describes them."""

from __future__ import annotations

import json
import math
from typing import Any

from econ_ae.errors import ConfigError, ModelError
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.hls import cells
from rtl_gen.hls.layer import layer
from rtl_gen.hls.options import CATAPULT, IMAGE, TYPE, HlsOptions, compiler_flags, types_directory, types_header
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

    ``encoder.h`` and ``encoder.cpp`` (the design; of cells also ``tables.h``), ``testbench.cpp`` (reads ``data/``,
    compares, fails on a difference), ``Makefile`` (g++), ``build_catapult.tcl`` or ``build_vitis.tcl``, and
    ``manifest.json``.

    Parameters
    ----------
    model : a valid encoder; its weights are a port of the design, not part of it
    options : vendor, form of the weight port, reuse factor, clock

    Raises
    ------
    ModelError
        When the model is invalid, or a weight is wider than 57 bits.
    ConfigError
        When a model of cells is given an option that only layers have.
    """
    values = _values(check(model), check_options(model, options))
    own = ("encoder.h", "tables.h", "encoder.cpp") if model.sends_cells else ("encoder.h", "encoder.cpp")
    values["headers"] = [name for name in own if name.endswith(".h")]
    files = {name: render(f"cells_{name}" if model.sends_cells else name, **values) for name in own}
    for name in ("testbench.cpp", "Makefile", f"build_{options.flavour}.tcl"):
        files[name] = render(name, **values)
    return files | {MANIFEST: json.dumps(manifest(model, options, sorted(files)), indent=2) + "\n"}


def manifest(model: EncoderModel, options: HlsOptions, files: list[str]) -> dict[str, Any]:
    """Return what a user of the C++ must know: top function, ports, model hash, options, files."""
    if model.sends_cells:
        sizes = {"cells": model.input.cells, "registers": _registers(model), "frame_words": cells.frame_words(model)}
    else:
        pixels = math.prod(model.input.arrangement.shape)
        sizes = {"pixels": pixels, "registers": _registers(model), "latents": model.latents}
    return {
        "top": top_function(model),
        "model_sha256": codec.sha256(model),
        "flavour": options.flavour,
        "weights": options.weights,
        "initiation_interval": options.reuse_factor,
        "clock_ns": options.clock_ns,
        **sizes,
        "files": files,
    }


def check_options(model: EncoderModel, options: HlsOptions) -> HlsOptions:
    """Return the options; ConfigError for those that only layers have, when the model sends cells."""
    if model.sends_cells and options.reuse_factor != 1:
        raise ConfigError(
            f"HLS reuse factor {options.reuse_factor}: an encoder that sends cells takes an event every clock; "
            "expected 1"
        )
    if model.sends_cells and options.half_even != TYPE:
        raise ConfigError(
            f"HLS rounding to even by {options.half_even!r}: an encoder that sends cells rounds nothing to even; "
            "leave it out"
        )
    return options


def outputs(model: EncoderModel) -> int:
    """Return how many numbers an event gives: latents, or words of a frame."""
    return cells.frame_words(model) if model.sends_cells else model.latents


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
    values = {
        **vars(options),
        "integer": integer,
        "fixed": fixed,
        "catapult": options.flavour == CATAPULT,
        "compiler_flags": compiler_flags(options.flavour),
        "types_header": types_header(options.flavour),
        "types_directory": types_directory(options.flavour),
        "clock_ns": f"{options.clock_ns:g}",
        "model": model.name,
        "top": top_function(model),
        "sha256": codec.sha256(model),
        "byte_type": "ac_int<8, false>" if options.flavour == CATAPULT else "ap_uint<8>",
        "registers": _registers(model),
        "image_bits": weights.image_bits(model),
        "field_bytes": _field_bytes(model),
    }
    found = values | (cells.values(model, options) if model.sends_cells else _of_layers(model, options))
    image = options.weights == IMAGE
    return found | {"weight_ports": ["registers"] if image else [item["name"] for item in found["structs"]]}


def _of_layers(model: EncoderModel, options: HlsOptions) -> dict[str, Any]:
    pixels = model.input.arrangement.cells
    layers = [layer(stage, options) for stage in model.stages]
    fields = weights.fields(model)
    for item, kernel, bias in zip(layers, fields[::2], fields[1::2], strict=True):
        item |= {"kernel_offset": kernel.offset, "bias_offset": bias.offset}
    multiplications = sum(item["multiplications"] for item in layers)
    return {
        "multipliers": -(-multiplications // options.reuse_factor),
        "shape": model.input.arrangement.shape,
        "arrangement": model.input.arrangement.name,
        "pixels": len(pixels),
        "pixel_format": model.normalise.out,
        "has_cell": [int(cell >= 0) for cell in pixels],
        "row_pixels": math.prod(model.input.arrangement.shape[1:]),
        "latents": model.latents,
        "latent_format": model.latent,
        "layers": layers,
        "largest_array": max(_registers(model), len(pixels)),
        "structs": [_struct(item) for item in layers],
        "data_in": "image",
        "data_in_type": "image_t",
        "data_in_size": "PIXELS",
        "data_out": "latents",
        "data_out_type": "latent_t",
        "data_out_size": "LATENTS",
        "scalar": "",
        "event": f"{len(pixels)} pixels",
        "result": f"{model.latents} latents",
    }


def _struct(item: dict[str, Any]) -> dict[str, Any]:
    op = item["op"]
    members = [("kernel", item["kernel_shape"], op.weight.width), ("bias", op.bias.shape, op.bias_format.width)]
    return {"name": f"{op.name}_weights", "type": f"{op.name}_weights_t", "members": members}
