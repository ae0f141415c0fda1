"""What a reader must know about an encoder, as facts and one row per layer."""

from __future__ import annotations

from typing import Any

from econ_ae.ir import codec, weights
from econ_ae.ir.model import Conv2D, EncoderModel, Exact, Stage
from econ_ae.ir.ranges import accumulator_format
from econ_ae.ir.validate import frame_capacity


def model_card(model: EncoderModel) -> dict[str, Any]:
    """Return what a reader must know about an encoder."""
    if model.sends_cells:
        return _cells_card(model)
    kernels = sum(layer.kernel.size for layer in model.layers)
    zeros = sum(int((layer.kernel == 0).sum()) for layer in model.layers)
    return {
        "layers": [_layer_row(stage) for stage in model.stages],
        "name": model.name,
        "input": f"{'x'.join(map(str, model.input.arrangement.shape))} image of {model.input.cells} trigger cells, "
        f"{model.normalise.out}",
        "output": f"{model.latents} latents of {model.latent} ({model.latent.width} bits)",
        "bits_sent": model.pack.bits,
        "elinks": model.pack.elinks,
        "weights": sum(layer.kernel.size + layer.bias.size for layer in model.layers),
        "sparsity": f"{zeros} of {kernels} kernel weights are 0 ({100 * zeros / kernels:.0f} %)",
        "weight_bits": weights.image_bits(model),
        "sha256": codec.sha256(model),
    }


def _cells_card(model: EncoderModel) -> dict[str, Any]:
    code = model.cell_code
    choose = code.choose
    return {
        "layers": [_mode_row(number, model) for number in range(len(choose.modes))],
        "name": model.name,
        "input": f"{model.input.cells} trigger cells, {model.normalise.out}",
        "output": f"pulses of 1 to {choose.modes[-1].cells} cells, or charges without loss",
        "bits_sent": frame_capacity(model.elinks),
        "elinks": model.elinks,
        "merged": "cells that are not sent give their charge to a neighbour" if code.merge else "nothing",
        "pulses_begin_at": f"{code.apportion.offset}/{1 << code.apportion.fraction} of a pulse",
        "classes_of_occupancy": f"{len(choose.bias)}, from {', '.join(map(str, choose.limits)) or 'no'} cells on",
        "weights": sum(map(len, choose.bias)) + len(choose.limits),
        "weight_bits": weights.image_bits(model),
        "sha256": codec.sha256(model),
    }


def _mode_row(number: int, model: EncoderModel) -> dict[str, Any]:
    choose = model.cell_code.choose
    mode = choose.modes[number]
    return {
        "mode": number,
        "cells": mode.cells,
        "pulses": mode.pulses,
        "largest sum without loss": mode.exact_sum or "-",
        "biases by class": ", ".join(str(row[number]) for row in choose.bias),
    }


def _layer_row(stage: Stage) -> dict[str, Any]:
    layer, requantise = stage.layer, stage.requantise
    kind = "dense"
    if isinstance(layer, Conv2D):
        kind = f"conv {layer.kernel.shape[0]}x{layer.kernel.shape[1]}, stride {layer.stride[0]}"
    rule = (
        "exact" if isinstance(layer.accumulate, Exact) else f"each product floored to 2^-{stage.accumulator_fraction}"
    )
    return {
        "layer": layer.name,
        "operation": kind,
        "input": "x".join(map(str, stage.in_shape)),
        "output": "x".join(map(str, stage.out_shape)),
        "weights": layer.kernel.size + layer.bias.size,
        "weights that are 0": int((layer.kernel == 0).sum()),
        "weight format": str(layer.weight),
        "accumulation": rule,
        "accumulator": str(accumulator_format(stage)),
        "activation": f"{'ReLU, ' if requantise.relu else ''}{requantise.out}",
        "rounding": str(requantise.rounding),
    }
