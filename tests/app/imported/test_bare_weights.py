"""Files with weights alone, in the older and the newest form of Keras: read as they are, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense, quantized_relu

from econ_ae.app.imported import decoder
from econ_ae.app.imported.run import Files, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.app.imported.stored import read
from econ_ae.errors import ModelError
from econ_ae.geometry import LOW_DENSITY
from tests.app.imported.collaboration import randomised, six

L = keras.layers
FORMS = ["w.hdf5", "m.weights.h5"]


def saved(model: Any, folder: Path, form: str) -> Path:
    randomised(model)
    model.save_weights(folder / form)
    return folder / form


def conv(filters: int = 8, **settings: Any) -> Any:
    return QConv2D(filters, 3, padding="same", kernel_quantizer=six(), bias_quantizer=six(), **settings)


def dense(units: int, **settings: Any) -> Any:
    return QDense(units, kernel_quantizer=six(), bias_quantizer=six(), **settings)


@pytest.mark.parametrize("form", FORMS)
def test_layers_come_in_their_order(form: str, tmp_path: Path) -> None:
    layers = [conv(2, strides=2), *(conv(2) for _ in range(10)), L.Flatten(), dense(20), dense(16)]
    model = keras.Sequential([L.InputLayer((8, 8, 1)), *layers])
    found = read_encoder(Files(saved(model, tmp_path, form)), "qkeras", Choice())
    weights = [layer.get_weights() for layer in model.layers if layer.get_weights()]
    assert len(found.stages) == len(weights) == 13
    for stage, (kernel, bias) in zip(found.stages, weights, strict=True):
        assert np.array_equal(stage.kernel, np.clip(kernel, -1, 31 / 32))
        assert np.array_equal(stage.bias, np.clip(bias, -1, 31 / 32))
    assert [stage.name for stage in found.stages].count("vars") == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_decoder_begins_with_its_dense_layers(form: str, tmp_path: Path) -> None:
    layers = [L.Dense(32), L.Dense(128), L.Reshape((4, 4, 8)), L.Conv2DTranspose(8, 3, strides=2, padding="same")]
    model = keras.Sequential([L.InputLayer((16,)), *layers, L.Conv2DTranspose(1, 3, padding="same")])
    found = decoder.bare(read(saved(model, tmp_path, form)), LOW_DENSITY.arrangement("8x8x1"))
    assert [one["layer"] for one in found.chain if one["layer"] != "activation"] == [
        "dense", "dense", "reshape", "conv-transpose", "conv-transpose"
    ]  # fmt: skip
    own = [array for layer in model.layers for array in layer.get_weights()]
    read_back = [array for arrays in found.weights for array in arrays]
    assert all(np.array_equal(a, b) for a, b in zip(own, read_back, strict=True))


UNKNOWN: dict[str, list[Any]] = {
    "batch_normalization": [conv(strides=2), L.BatchNormalization(), L.Flatten(), dense(16)],
    "lstm": [L.Reshape((8, 8)), L.LSTM(16)],
    "separable": [L.SeparableConv2D(8, 3, strides=2, padding="same"), L.Flatten(), L.Dense(16)],
    "p_re_lu": [conv(strides=2), L.PReLU(), L.Flatten(), dense(16)],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", UNKNOWN)
def test_weights_that_are_no_kernel_are_not_left_out(name: str, form: str, tmp_path: Path) -> None:
    """They change the latents, and nothing in the file says how."""
    model = keras.Sequential([L.InputLayer((8, 8, 1)), *UNKNOWN[name], QActivation(quantized_relu(9, 1))])
    path = saved(model, tmp_path, form)
    with pytest.raises(ModelError, match=r"give --architecture|expected convolutions, then dense layers"):
        read_encoder(Files(path), "qkeras", Choice())


def test_the_same_for_decoders(tmp_path: Path) -> None:
    model = keras.Sequential([L.InputLayer((16,)), L.Dense(32), L.BatchNormalization(), L.Dense(48)])
    stored = read(saved(model, tmp_path, "w.hdf5"))
    with pytest.raises(
        ModelError, match=r"layer 'batch_normalization\w*' has the weights .*give --decoder-architecture"
    ):
        decoder.bare(stored, LOW_DENSITY.arrangement("4x4x3"))


def test_very_deep_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        for i in range(2000):
            file.create_dataset(f"conv_{i}/kernel:0", (1, 1, 1, 1))
        file.create_dataset("dense/kernel:0", (64, 16))
    with pytest.raises(ModelError, match="has 2000 convolutions; expected at most 64"):
        read_encoder(Files(tmp_path / "deep.h5"), "qkeras", Choice())
