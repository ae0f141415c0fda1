"""Models in the shapes in which others write them: layers, names and custom classes of public training code."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu

L = keras.layers


class keras_pad(L.Layer):  # noqa: N801  # as it is named there
    def call(self, x: Any) -> Any:
        return tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])


class keras_minimum(L.Layer):  # noqa: N801
    def call(self, x: Any, sat_val: float = 1) -> Any:
        return tf.minimum(x, sat_val)


class keras_floor(L.Layer):  # noqa: N801
    def call(self, x: Any) -> Any:
        return tf.floor(x)


def six() -> Any:
    return quantized_bits(6, 0, keep_negative=1, alpha=1)


def randomised(*models: Any) -> None:
    rng = np.random.default_rng(1)
    for model in models:
        for weight in model.weights:
            weight.assign(rng.normal(0, 0.3, weight.shape))


def conditional(bits: int = 3) -> tuple[Any, Any, Any]:
    """Encoder, decoder and both together, with eight conditions that pass by the encoder."""
    image, known = keras.Input(batch_shape=(10, 8, 8, 1), name="Wafer"), keras.Input(batch_shape=(10, 8), name="Cond")
    x = QActivation(quantized_bits(bits=8, integer=1), name="input_quantization")(image)
    x = keras_pad()(x)
    x = QConv2D(8, 3, strides=2, padding="valid", kernel_quantizer=six(), bias_quantizer=six(), name="conv2d")(x)
    x = QActivation(quantized_bits(bits=8, integer=1), name="act")(x)
    x = L.Flatten()(x)
    x = QDense(16, kernel_quantizer=six(), bias_quantizer=six(), name="dense")(x)
    x = QActivation(quantized_bits(bits=9, integer=1), name="latent_quantization")(x)
    scale = 1 << (bits - 1)
    x = keras_minimum()(keras_floor()(x * scale) / scale, sat_val=2 - 1 / scale)
    encoder = keras.Model([image, known], L.concatenate([x, known], axis=1), name="encoder")
    given = keras.Input(batch_shape=(10, 24))
    y = given
    for units in (24, 64, 128):
        y = L.ReLU()(L.Dense(units)(y))
    y = L.Conv2DTranspose(1, (3, 3), strides=(2, 2), padding="valid")(L.Reshape((4, 4, 8))(y))
    decoder = keras.Model(given, L.ReLU()(y[:, 0:8, 0:8]), name="decoder")
    randomised(encoder, decoder)
    both = keras.Model([image, known], decoder(encoder([image, known])), name="cae")
    both.compile(optimizer="adam", loss="mse")
    return encoder, decoder, both


def sequential() -> tuple[Any, Any]:
    """A Sequential encoder with fused quantizers in strings, zeros all around, no bias; a decoder with batch norm."""
    encoder = keras.Sequential(
        [
            L.InputLayer((4, 4, 3)),
            L.ZeroPadding2D(((1, 0), (2, 1)), name="zeros"),
            QConv2D(
                5,
                2,
                kernel_quantizer="quantized_bits(5,1,1,alpha=1.0)",
                use_bias=False,
                activation="quantized_relu(7,2)",
                name="c0",
            ),
            QConv2D(
                4,
                2,
                strides=2,
                padding="same",
                kernel_quantizer="quantized_bits(6,0,alpha=1)",
                bias_quantizer="quantized_bits(8,1,alpha=1)",
                name="c1",
            ),
            L.Activation("relu"),
            QActivation(quantized_relu(8, 1), name="a1"),
            L.Flatten(),
            L.Dropout(0.1),
            QDense(12, kernel_quantizer=six(), bias_quantizer=six(), name="inner"),
            QActivation("quantized_bits(8,2,alpha=1)"),
            QDense(9, kernel_quantizer=six(), bias_quantizer=six(), activation=quantized_relu(6, 1), name="latent"),
        ],
        name="my_encoder",
    )
    decoder = keras.Sequential(
        [
            L.InputLayer((9,)),
            L.Dense(16, activation="relu"),
            L.BatchNormalization(),
            L.Reshape((2, 2, 4)),
            L.UpSampling2D(),
            L.Conv2D(6, 3, padding="same"),
            L.LeakyReLU(),
            L.Cropping2D(((0, 0), (0, 0))),
            L.Conv2DTranspose(3, 3, padding="same", activation="sigmoid"),
        ]
    )
    randomised(encoder, decoder)
    for layer in decoder.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.moving_variance.assign(np.abs(layer.moving_variance.numpy()) + 0.1)
    return encoder, decoder


def saved(folder: Path) -> Path:
    """Write the models in every form; return the folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older form is what others publish
        _save(folder)
    return folder


def _save(folder: Path) -> None:
    encoder, decoder, both = conditional()
    encoder.save(folder / "encoder.h5")
    decoder.save(folder / "decoder.h5")
    both.save(folder / "both.h5")
    encoder.save(folder / "encoder.keras")
    encoder.save_weights(folder / "encoder_weights.hdf5")
    decoder.save_weights(folder / "decoder_weights.hdf5")
    (folder / "encoder.json").write_text(encoder.to_json())
    (folder / "decoder.json").write_text(decoder.to_json())
    plain, other = sequential()
    plain.save(folder / "sequential.h5")
    other.save(folder / "sequential_decoder.h5")
