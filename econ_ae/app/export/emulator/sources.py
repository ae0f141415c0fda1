"""The sources of an emulator library: text by relative path."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from econ_ae.app.export.frames import conditions, fields_of, frame_words
from econ_ae.app.export.interface import meaning
from econ_ae.app.export.networks import BOUND, Networks
from econ_ae.econt.autoencoder import kept_fields
from econ_ae.ir import codec, weights
from econ_ae.ir.cells import RANKED
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.cpp import to_cpp
from econ_ae.texts import renderer
from rtl_gen.hls import VITIS, HlsOptions, types_directory, types_header
from rtl_gen.hls import generate as generate_hls

NETWORK = "DecoderNetwork"
_ENCODER = {"encoder.h", "encoder.cpp", "tables.h"}
_OWN = ("model.h", "frame.h", "frame.cpp", "encoder_model.cpp", "decoder_model.cpp", "registers.h", "test.cpp")
render = renderer(Path(__file__).parent / "templates")
"""Returns the text of ``templates/<template>.j2``; a value that the template misses is an error."""


def sources(networks: Networks, name: str) -> dict[str, str]:
    """Return the files of a library called ``name``: C++17 of both models, a test program, and a Makefile.

    The encoder is the C++ for Vitis HLS that ``econ-ae generate --target vitis`` writes, unchanged.
    """
    model = networks.model
    values = _values(networks, name)
    hls = generate_hls(model, HlsOptions(flavour=VITIS))
    files = {file: text for file, text in hls.items() if file in _ENCODER}
    files |= to_cpp(networks.decoder, NETWORK, name)
    files |= {file: render(file, **values) for file in (*_OWN, "Makefile")}
    return files | {f"{name}.h": render("library.h", **values)}


def _values(networks: Networks, name: str) -> dict[str, Any]:
    model = networks.model
    known = conditions(networks.decoder)
    common = {
        "name": name,
        "space": name,
        "guard": name.upper(),
        "sha256": codec.sha256(model),
        "top": f"{model.name}_encoder",
        "bound": f"{BOUND:g}",
        "sends_cells": model.sends_cells,
        "cells": model.input.cells,
        "charge_bits": model.input.charge.width,
        "words": frame_words(model),
        "registers": list(weights.pack(model)),
        "conditions": [{"name": one, "meaning": meaning(one, model)} for one in known],
        "arguments": [_argument(value.name, value.name in known, value.shape) for value in networks.decoder.inputs],
        "types_header": types_header(VITIS),
        "types_directory": types_directory(VITIS),
    }
    return common | (_of_cells(model) if model.sends_cells else _of_layers(model))


def _argument(name: str, known: bool, shape: tuple[int, ...]) -> str:
    place = f"in_.{name}" if known else f"received.{name}"
    return place if math.prod(shape) > 1 or name in {"latents", "pulses"} else f"&{place}"


def _of_layers(model: EncoderModel) -> dict[str, Any]:
    zeros, fields = kept_fields(model.pack.keep, model.elinks)
    return {
        "zeros": zeros,
        "fields": fields,
        "pixels": model.input.arrangement.cells,
        "fraction": model.normalise.out.fraction,
        "largest": model.normalise.out.max,
        "latents": model.latents,
        "latent_format": str(model.latent),
        "latent_bits": model.latent.width,
        "latent_signed": model.latent.signed,
        "latent_step": f"{2.0**-model.latent.fraction:.17e}f",
    }


def _of_cells(model: EncoderModel) -> dict[str, Any]:
    modes = model.cell_code.choose.modes
    return {
        "fields": [[fields_of(model, one) for one in (mode.shared, mode.exact)] for mode in modes],
        "mode_bits": model.cell_code.choose.mode_bits,
        "ranked": RANKED,
        "most_cells": max(mode.cells for mode in modes),
    }
