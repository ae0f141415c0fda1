"""Models that have no integer form: refusals name the layer and the reason."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app.imported import decoder as decoders
from econ_ae.app.imported.layers import Layer, chain
from econ_ae.app.imported.run import Files, configuration, read_decoder, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.app.imported.stored import read
from econ_ae.errors import ConfigError, ModelError


def edited(files: Path, tmp_path: Path, change: Callable[[dict[str, dict[str, Any]]], None]) -> Files:
    raw = json.loads((files / "encoder.json").read_text())
    change({layer["name"]: layer for layer in raw["config"]["layers"]})
    (tmp_path / "model.json").write_text(json.dumps(raw))
    return Files(files / "encoder_weights.hdf5", tmp_path / "model.json")


def settings_of(quantizer: str) -> Callable[..., Any]:
    def change(name: str, **values: Any) -> Callable[[dict[str, dict[str, Any]]], None]:
        return lambda layers: layers[name]["config"][quantizer]["config"].update(values)

    return change


KERNEL, ACTIVATION = settings_of("kernel_quantizer"), settings_of("activation")
REFUSED: dict[str, tuple[Callable[[dict[str, dict[str, Any]]], None], str]] = {
    "scale of the data": (
        KERNEL("conv2d", alpha="auto_po2"),
        r"layer 'conv2d', kernel: quantized_bits has alpha='auto_p",
    ),
    "no scale": (
        KERNEL("dense", alpha=None),
        r"layer 'dense', kernel: quantized_bits has no alpha, of which QKeras mak",
    ),
    "random": (KERNEL("dense", use_stochastic_rounding=True), r"'dense', kernel: quantized_bits rounds at random"),
    "noise": (ACTIVATION("act", qnoise_factor=0.5), r"layer 'act': quantized_bits has qnoise_factor=0\.5"),
    "symmetric": (ACTIVATION("act", symmetric=1), r"layer 'act': a symmetric activation quantizer has no integer form"),
    "no bits": (
        ACTIVATION("act", bits="many"),
        r"layer 'act': quantized_bits has bits='many', integer=1; expected inte",
    ),
    "too wide": (ACTIVATION("act", bits=99), r"layer 'act': width of a signed format must be 2\.\.62, not 99"),
    "another class": (
        lambda layers: layers["act"].update(class_name="Swish"),
        r"layer 'act' of type Swish has no integer form; expected one of Flatten",
    ),
    "another quantizer": (
        lambda layers: layers["act"]["config"].update(activation="ternary(alpha=1)"),
        r"layer 'act': quantizer ternary has no integer form",
    ),
    "code": (
        lambda layers: layers["act"]["config"].update(activation="__import__('os').abort()"),
        r"layer 'act': activation __import__\('os'\)\.abort\(\) has no integer form",
    ),
    "code in a quantizer": (
        lambda layers: layers["act"]["config"].update(activation="quantized_bits(__import__('os').abort())"),
        r"layer 'act': \"quantized_bits\(__import__\('os'\)\.abort\(\)\)\" is no quantizer",
    ),
    "lambda": (
        lambda layers: layers["act"].update(class_name="Lambda"),
        r"layer 'act' of type Lambda has no integer form",
    ),
    "dilated": (
        lambda layers: layers["conv2d"]["config"].update(dilation_rate=[2, 2]),
        r"'conv2d': a dilated convoluti",
    ),
    "channels first": (
        lambda layers: layers["conv2d"]["config"].update(data_format="channels_first"),
        r"layer 'conv2d': expected an ungrouped convolution with channels last",
    ),
    "factor": (
        lambda layers: layers["tf.math.multiply"]["inbound_nodes"][0][3].update(y=3),
        r"layer 'tf\.math\.multiply': a factor of 3 is no power of two",
    ),
    "low minimum": (
        lambda layers: layers["keras_minimum"]["inbound_nodes"][0][0][3].update(sat_val=0.5),
        r"layer 'keras_minimum': a minimum with 0\.5 cuts latents, which reach 1\.75",
    ),
    "a factor alone": (
        lambda layers: layers["tf.math.truediv"]["inbound_nodes"][0][3].update(y=2),
        r"layer 'keras_minimum': a minimum of scaled latents; expected it behind the division",
    ),
    "a factor too early": (
        lambda layers: layers["act"].update(class_name="keras_floor"),
        r"layer 'act' \(keras_floor\) stands before the latents' quantizer",
    ),
    "another image": (
        lambda layers: layers["Wafer"]["config"].update(batch_input_shape=[None, 5, 5, 1]),
        r"its input is 5x5x1; expected an image 8x8x1, 4x4x3",
    ),
    "a branch": (
        lambda layers: layers["act"]["inbound_nodes"][0].append(["keras_pad", 0, 0, {}]),
        r"layer 'act' \(QActivation\) has the inputs conv2d, keras_pad; expected a chain",
    ),
    "a loop": (
        lambda layers: layers["input_quantization"]["inbound_nodes"][0][0].__setitem__(0, "dense"),
        r"layer 'dense' is not there, or feeds itself",
    ),
    "renamed": (
        lambda layers: layers["dense"].update(name="other"),
        r"layer 'dense' is not there|the file has nothing",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_layer_and_the_reason(name: str, files: Path, tmp_path: Path) -> None:
    change, message = REFUSED[name]
    with pytest.raises(ModelError, match=message):
        read_encoder(edited(files, tmp_path, change), "qkeras", Choice())


def test_a_weight_format_reads_what_has_no_fixed_scale(files: Path, tmp_path: Path) -> None:
    given = edited(files, tmp_path, KERNEL("conv2d", alpha="auto_po2"))
    found = read_encoder(given, "qkeras", Choice(weight="s1.4"))
    assert {str(stage.weight) for stage in found.stages if stage.name in {"conv2d", "dense"}} == {"s1.4"}


def test_conditions_must_fit_the_decoder(files: Path) -> None:
    given = Files(files / "encoder.h5", None, files / "decoder.h5")
    found = read_encoder(given, "qkeras", Choice())
    with pytest.raises(ConfigError, match=r"takes 24 values, the encoder sends 16: 8 more than that; expected"):
        configuration(found, read_decoder(given, found), Choice(conditions=("eta", "layer")))


def test_layers_of_a_decoder_that_are_not_known(files: Path) -> None:
    stored = read(files / "decoder.h5")
    layers = chain(stored, "decoder")
    assert [layer.kind for layer in layers[-3:]] == ["Conv2DTranspose", "SlicingOpLambda", "ReLU"]
    with pytest.raises(ModelError, match="decoder, layer 'x' of type LSTM is not known; expected one of Flatten"):
        decoders.translate(stored, [Layer("LSTM", "x", {})], 24)
    with pytest.raises(ModelError, match="decoder, layer 'y': activation swish is not known"):
        decoders.translate(stored, [Layer("Activation", "y", {"activation": "swish"})], 24)
    moved = copy.deepcopy(dict(layers[-2].arguments))
    moved["slice_spec"][1]["start"] = 1
    with pytest.raises(ModelError, match="expected a slice of the first rows and columns"):
        decoders.translate(stored, [*layers[:-2], Layer("SlicingOpLambda", "z", {}, moved)], 24)
