"""What a reader must know about an encoder, as facts and one row per layer."""

from __future__ import annotations

from typing import Any

from econ_ae.ir import codec, weights
from econ_ae.ir.model import Conv2D, EncoderModel, Exact, Stage
from econ_ae.ir.ranges import accumulator_format


def model_card(model: EncoderModel) -> dict[str, Any]:
    """Return what a reader must know about an encoder."""
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
