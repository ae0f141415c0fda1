"""The integer model equals QKeras on every image, and refuses what has no exact integer form."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu

from econ_ae.config import EncoderConfig
from econ_ae.emulator import encode_images, input_images
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.training.artifact import compare_with_keras
from econ_ae.training.freeze import freeze
from econ_ae.training.network import build_encoder
from tests.training.conftest import GEOMETRY, randomise

U17 = FixedFormat.parse("u1.7")


def extremes(shape: tuple[int, ...], largest: int, n: int, seed: int) -> np.ndarray:
    """Random images with all-zero, all-maximum, single-pixel and two-valued ones among them."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, largest + 1, (n, *shape))
    flat = images.reshape(n, -1)
    pixels = flat.shape[1]
    flat[0], flat[1] = 0, largest
    flat[2 : 2 + pixels] = np.eye(pixels, dtype=np.int64) * largest
    flat[2 + pixels : 200 + pixels] = rng.integers(0, 2, (198, pixels)) * largest
    return images


def test_frozen_model_equals_predict(shape: EncoderConfig) -> None:
    encoder = build_encoder(shape, GEOMETRY, seed=3)
    randomise(encoder, seed=4)
    arrangement = GEOMETRY.arrangement(shape.arrangement)
    fmt = FixedFormat.parse(shape.input)
    model = freeze(encoder, arrangement, fmt)
    images = extremes(arrangement.shape, fmt.max, 10_000, seed=5)
    expected = encoder.predict((images * 2.0**-fmt.fraction).astype(np.float32), verbose=0) * 2.0**model.latent.fraction
    latents = encode_images(model, images)
    assert np.array_equal(latents, expected)
    assert len(np.unique(latents)) > 3, "a model whose outputs hardly differ proves nothing"
    charges = np.random.default_rng(6).integers(0, 4000, (500, 48)) * np.random.default_rng(7).integers(0, 2, (500, 48))
    assert compare_with_keras(model, encoder, input_images(model.input, model.normalise, charges)) == 500
    assert codec.sha256(codec.loads(codec.dumps(model))) == codec.sha256(model)


def test_a_changed_weight_is_noticed() -> None:
    encoder = build_encoder(EncoderConfig(), LOW_DENSITY, seed=3)
    model = freeze(encoder, LOW_DENSITY.arrangement("8x8x1"), U17)
    kernel = encoder.get_layer("conv0").kernel
    kernel.assign(kernel + 1 / 32)
    images = extremes((8, 8, 1), 255, 300, seed=1)
    with pytest.raises(ModelError, match=r"differs from QKeras on \d+ of 300 images"):
        compare_with_keras(model, encoder, images)


def _dense(activation: object, **changes: object) -> keras.Model:
    arguments = {
        "kernel_quantizer": quantized_bits(6, 0, alpha=1),
        "bias_quantizer": quantized_bits(6, 0, alpha=1),
    } | changes
    layers = [keras.layers.Flatten(input_shape=(8, 8, 1)), QDense(4, name="dense", **arguments)]
    if activation is not None:
        layers.append(QActivation(activation, name="act"))
    return keras.Sequential(layers)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: _dense(quantized_relu(8, 1), kernel_quantizer=quantized_bits(6, 0)), "alpha='auto_po2'"),
        (lambda: _dense(None), "last layer must be a quantized activation"),
        (lambda: _dense(quantized_relu(8, 1, negative_slope=0.25)), "slope"),
        (lambda: _dense(quantized_relu(8, 1, use_stochastic_rounding=True)), "stochastic rounding"),
        (lambda: _dense(quantized_bits(8, 1, symmetric=1, alpha=1)), "symmetric=0"),
        (lambda: _dense(quantized_relu(8, 1), kernel_quantizer=quantized_bits(20, 0, alpha=1)), "float32"),
        (
            lambda: keras.Sequential([QConv2D(2, 3, dilation_rate=2, input_shape=(8, 8, 1), name="conv")]),
            "undilated",
        ),
        (lambda: keras.Sequential([keras.layers.Dense(4, input_shape=(8, 8, 1), name="plain")]), "no integer form"),
    ],
)
def test_refuses_what_has_no_exact_integer_form(model: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        freeze(model(), LOW_DENSITY.arrangement("8x8x1"), U17)  # type: ignore[operator]


def test_weights_that_float32_cannot_quantize_are_refused() -> None:
    encoder = _dense(quantized_relu(8, 1))
    kernel = encoder.get_layer("dense").kernel
    # Straight-through quantization computes x + (q - x), which is 1.0 instead of q = 31/32 for this x.
    kernel.assign(np.full(kernel.shape, 3e6, np.float32))
    with pytest.raises(ModelError, match=r"do not fit s0\.5"):
        freeze(encoder, LOW_DENSITY.arrangement("8x8x1"), U17)


def test_half_quantized_weights_are_refused() -> None:
    half = quantized_bits(6, 0, alpha=1, qnoise_factor=0.5)
    with pytest.raises(ModelError, match=r"off the grid of s0\.5"):
        freeze(_dense(quantized_relu(8, 1), kernel_quantizer=half), LOW_DENSITY.arrangement("8x8x1"), U17)


def test_floored_weights_are_the_published_rule() -> None:
    encoder = build_encoder(EncoderConfig(), LOW_DENSITY, seed=3)
    randomise(encoder, seed=8)
    nearest, floored = (
        freeze(encoder, LOW_DENSITY.arrangement("8x8x1"), U17, weights=rule) for rule in ("nearest", "floor")
    )
    kernel = np.asarray(encoder.get_layer("dense0").kernel, np.float64)
    assert np.array_equal(floored.layers[1].kernel, np.clip(np.floor(kernel * 32), -32, 31))
    assert not np.array_equal(floored.layers[1].kernel, nearest.layers[1].kernel)
