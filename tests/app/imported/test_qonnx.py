"""QONNX of others: what the qonnx package computes, to the bit, or a refusal with the layer's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.imported.encoder import Encoder
from econ_ae.app.imported.run import Files, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.emulator import encode_images
from econ_ae.errors import DataError, ModelError
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.qonnx import to_qonnx
from tests.app.imported.damage import refusals
from tests.app.imported.others_graphs import Maker, computed, onnx, random_graph
from tests.app.imported.test_import import built, images_of

Command = Callable[..., tuple[int, str, str]]


def compared(
    path: Path, tmp_path: Path, layout: Callable[[Any], Any], events: int = 24
) -> tuple[Encoder, EncoderModel]:
    """Import a file, and compare the run's integer model with what the qonnx package computes."""
    choice = Choice()
    found = read_encoder(Files(path), "qonnx", choice)
    _, model, _ = built(found, None, choice, tmp_path / "training")
    images = images_of(model, events)
    ours = encode_images(model, images) * 2.0**-model.latent.fraction
    theirs = computed(path, layout(images / 128))
    assert np.array_equal(ours, theirs), found.stages
    return found, model


def channels_first(images: Any) -> Any:
    return images.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("seed", range(24))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    make, layout = random_graph(seed)
    path = make.save(tmp_path / "theirs.onnx")
    compared(path, tmp_path, channels_first if layout == "first" else np.asarray)


def small(tmp_path: Path, change: Callable[[Maker], None], **settings: Any) -> Path:
    """Write a dense encoder of 64 values, with something between the layer and its quantizer."""
    make = Maker((1, 64), np.random.default_rng(5))
    kernel = np.random.default_rng(6).normal(0, 0.3, (64, 6))
    make.node("MatMul", make.quantized(kernel, 6, 2.0**-5), stem="dense")
    change(make)
    return make.save(tmp_path / "theirs.onnx", **settings)


def test_a_model_as_brevitas_writes_it(tmp_path: Path) -> None:
    """Channels first, every weight quantized behind its initializer, the older domain, kernels that are not square."""
    rng = np.random.default_rng(8)
    make = Maker((1, 3, 4, 4), rng, "onnx.brevitas")
    make.quant(8, 7)
    kernel = rng.normal(0, 0.3, (5, 3, 3, 2))
    make.node("Conv", make.quantized(kernel, 6, 2.0**-4), make.quantized(rng.normal(0, 0.3, 5), 8, 2.0**-8),
              kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[1, 2], dilations=[1, 1], group=1)  # fmt: skip
    make.node("Relu")
    make.quant(6, 4)
    make.node("Reshape", make.constant(np.array([1, -1], np.int64)))
    make.node("Gemm", make.quantized(rng.normal(0, 0.3, (8, 40)), 5, 2.0 ** -rng.integers(3, 6, (8, 1))), transB=1)
    make.quant(9, 5, signed=1, mode="FLOOR")
    found, model = compared(make.save(tmp_path / "theirs.onnx"), tmp_path, channels_first, 60)
    assert (str(model.latent), str(found.stages[-1].rounding)) == ("s3.5", "trn")
    assert model.stages[0].layer.kernel.shape == (3, 2, 3, 5)


def test_our_own_export_comes_back(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    path = tmp_path / "encoder.qonnx"
    path.write_bytes(to_qonnx(econ_t_model, {}))
    found = read_encoder(Files(path), "qonnx", Choice())
    for stage, given in zip(found.stages, econ_t_model.stages, strict=True):
        assert (stage.weight, stage.out) == (given.layer.weight, given.requantise.out)
        assert np.array_equal(stage.kernel * 2.0**stage.weight.fraction, given.layer.kernel)
        assert np.array_equal(stage.bias * 2.0**stage.bias_format.fraction, given.layer.bias)


def test_a_run_that_generates(tmp_path: Path, command: Command) -> None:
    path = small(tmp_path, lambda make: make.quant(8, 4, signed=1))
    out = tmp_path / "run"
    code, text, error = command(
        "import", str(path), "--format", "qonnx", "--events", "300", "--elinks", "3", "--out", str(out)
    )
    assert (code, text) == (0, f"{out}\n"), error
    assert "are read as an image 8x8x1" in error
    code, _, error = command("generate", str(out))
    assert code == 0, error


def normalised(factor: float) -> Callable[[Maker], None]:
    def change(make: Maker) -> None:
        make.node("BatchNormalization", *(make.constant(np.full(6, v, np.float32)) for v in (factor, 0.5, 0.25, 1.0)),
                  stem="norm", epsilon=0.0)  # fmt: skip
        make.quant(8, 4, signed=1)

    return change


@pytest.mark.parametrize(
    "change",
    [
        normalised(0.75),
        lambda make: (
            make.node("Clip", make.constant(np.float32(0)), make.constant(np.float32(3.9375))),
            make.quant(8, 4),
        ),
        lambda make: (make.quant(8, 4, signed=1), make.node("Relu")),
        lambda make: (make.quant(8, 5, signed=1), make.quant(4, 2, signed=1)),
        lambda make: make.quant(4, 3, signed=1, narrow=1, mode="FLOOR"),
        lambda make: make.quant(8, 4, zero=-128, signed=1),
        lambda make: make.node("Mul", make.constant(np.float32(-0.5))),
    ],
)
def test_forms_that_mean_the_same(change: Callable[[Maker], None], tmp_path: Path) -> None:
    compared(small(tmp_path, change), tmp_path, lambda images: images.reshape(len(images), -1), 60)


REFUSED: dict[str, tuple[Callable[[Maker], Any], str]] = {
    "scale": (
        lambda make: make.quant(8, np.log2(3), signed=1),
        r"layer 'act_\d+' \(Quant\) has the scale 0\.333333, which is no power of two",
    ),
    "normalisation": (
        normalised(0.7),
        r"layer 'dense_\d+', with 'norm_\d+' in its weights,: its weights need \d+ bits .* or give --weight-format",
    ),
    "sign": (
        lambda make: make.quant(8, 2, signed=1, mode="DOWN"),
        r"layer 'dense_\d+', quantizer 'act_\d+' rounds to zero, positive and negative values in opposite directions",
    ),
    "bipolar": (
        lambda make: make.node("BipolarQuant", make.constant(np.float32(1)), stem="sign", domain=make.domain),
        r"layer 'sign_\d+' \(BipolarQuant\) gives -1 and 1",
    ),
    "one bit": (lambda make: make.quant(1, 2, signed=1), r"layer 'act_\d+' \(Quant\) has 1 signed bit"),
    "a function": (
        lambda make: make.node("Tanh"),
        r"layer 'tanh_\d+' \(Tanh\) has no integer form; expected",
    ),
    "a branch": (
        lambda make: make.node("Add", make.nodes[-1].input[0], stem="both"),
        r"layer 'both_\d+' \(Add\) has the inputs",
    ),
    "zero point": (
        lambda make: make.quant(8, 4, signed=1, zero=3),
        r"layer 'act_\d+' \(Quant\) has the zero point 3 and rounds to nearest, ties to even",
    ),
    "another domain": (
        lambda make: make.node("Quant", domain="mine", stem="own"),
        r"layer 'own_\d+' \(Quant\) has no integer form",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_layer_and_the_reason(name: str, tmp_path: Path, command: Command) -> None:
    change, message = REFUSED[name]
    path = small(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        read_encoder(Files(path), "qonnx", Choice())
    code, out, error = command("import", str(path), "--format", "qonnx", "--out", str(tmp_path / "run"))
    assert (code, out, len(error.strip().splitlines())) == (2, "", 1)


def test_a_weight_format_rounds_what_has_none(tmp_path: Path) -> None:
    found = read_encoder(Files(small(tmp_path, normalised(0.7))), "qonnx", Choice(weight="s1.4"))
    assert [str(stage.weight) for stage in found.stages] == ["s1.4"]


def test_weights_in_other_files_are_not_followed(tmp_path: Path) -> None:
    path = small(tmp_path, lambda make: make.quant(8, 4, signed=1))
    model = onnx.load(path)
    model.graph.initializer.append(onnx.TensorProto(name="far", data_type=1, dims=[1], data_location=1))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(DataError, match="the numbers of far are in another file"):
        read_encoder(Files(path), "qonnx", Choice())


def test_truncated_and_damaged_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    whole = small(tmp_path, lambda make: make.quant(8, 4, signed=1)).read_bytes()
    refused = refusals(path, whole, 80, lambda: read_encoder(Files(path), "qonnx", Choice()))
    assert len(refused) > 30
    assert [text for text in refused if len(text.splitlines()) != 1] == []
