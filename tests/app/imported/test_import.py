"""Models of others: the same integers as their own `predict`, whatever the file's form, and clear refusals."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.imported import decoder as decoders
from econ_ae.app.imported.encoder import Encoder
from econ_ae.app.imported.layers import Layer, chain
from econ_ae.app.imported.run import Files, configuration, read_decoder, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.app.imported.stored import read
from econ_ae.app.run.context import open_run
from econ_ae.config import RunConfig
from econ_ae.econt import autoencoder, chip
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.emulator import encode_images, input_images
from econ_ae.errors import ConfigError, DataError, EconAeError, ModelError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.export_encoder import encoder_graph
from econ_ae.training.export_graph import FrozenGraph
from econ_ae.training.imported import store
from tests.app.imported import collaboration

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collaboration.saved(tmp_path_factory.mktemp("theirs"))


def built(
    found: Encoder, decoded: decoders.Decoder | None, choice: Choice, folder: Path
) -> tuple[RunConfig, EncoderModel, artifact.Networks]:
    config = configuration(found, decoded, choice)
    weights = {}
    for conv, name in ((True, "conv"), (False, "dense")):
        for i, stage in enumerate(stage for stage in found.stages if stage.conv == conv):
            weights[f"{name}{i}"] = (stage.kernel, stage.bias)
    store(config, LOW_DENSITY, weights, [] if decoded is None else decoded.weights, folder)
    networks = artifact.load(config, LOW_DENSITY, folder)
    return config, artifact.chip_model(config, LOW_DENSITY, networks), networks


def images_of(model: EncoderModel, events: int = 600) -> Any:
    rng = np.random.default_rng(9)
    images = rng.integers(0, 256, (events, *model.input.arrangement.shape))
    images[events // 2 :] = images[events // 2 :] * (rng.random(images[events // 2 :].shape) < 0.2) // 4
    images[0], images[1] = 0, 255
    return images


FORMS = {
    "whole model": Files(Path("encoder.h5"), None, Path("decoder.h5")),
    "both in one file": Files(Path("both.h5"), None, Path("both.h5")),
    "archive": Files(Path("encoder.keras"), None, Path("decoder.h5")),
    "weights and JSON": Files(
        Path("encoder_weights.hdf5"), Path("encoder.json"), Path("decoder_weights.hdf5"), Path("decoder.json")
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_conditional_models_in_every_form(form: str, files: Path, tmp_path: Path) -> None:
    """Custom classes, zeros below and right, a quantized input, latents floored behind their quantizer."""
    names = FORMS[form]
    given = Files(*(None if name is None else files / name for name in vars(names).values()))  # type: ignore[arg-type]
    found = read_encoder(given, "qkeras", Choice())
    decoded = read_decoder(given, found)
    assert decoded is not None
    config, model, networks = built(found, decoded, Choice(), tmp_path / "training")
    assert config.decoder.conditions == ("eta", "v", "u", "thickness", "log_sum", "layer")
    assert (str(model.latent), model.pack.elinks, {mask.bit_count() for mask in model.pack.keep}) == ("s1.7", 3, {4})
    encoder, decoder, _ = collaboration.conditional()
    images = images_of(model)
    masks = np.array([-1 << (model.latent.width - mask.bit_count()) for mask in model.pack.keep])
    ours = (encode_images(model, images) & masks) * 2.0**-model.latent.fraction
    theirs = encoder.predict([(images / 128).astype(np.float32), np.zeros((len(images), 8))], batch_size=10, verbose=0)
    assert np.array_equal(ours, theirs[:, :16])
    assert theirs.min() < 0 < theirs.max()
    received = np.random.default_rng(2).random((50, 24)).astype(np.float32)
    cells = LOW_DENSITY.arrangement("8x8x1").cells
    drawn = decoder.predict(received, batch_size=10, verbose=0).reshape(50, 64)
    wanted = drawn[:, [cells.index(cell) for cell in range(48)]]
    assert np.allclose(networks.decoder.predict(received, verbose=0), wanted, rtol=0, atol=1e-5)
    assert wanted.max() > 0.1


def test_sequential_models_with_other_conventions(files: Path, tmp_path: Path) -> None:
    given = Files(files / "sequential.h5", None, files / "sequential_decoder.h5")
    found = read_encoder(given, "qkeras", Choice())
    decoded = read_decoder(given, found)
    config, model, networks = built(found, decoded, Choice(), tmp_path / "training")
    assert config.encoder.conv[0].padding == ((1, 0), (2, 1))
    assert (config.encoder.conv[1].bias, config.encoder.dense[0].bias) == ("s1.6", None)
    encoder, decoder = collaboration.sequential()
    images = images_of(model)
    ours = encode_images(model, images) * 2.0**-model.latent.fraction
    assert np.array_equal(ours, encoder.predict((images / 128).astype(np.float32), verbose=0))
    assert len(np.unique(ours)) > 20
    received = np.random.default_rng(2).random((50, 9)).astype(np.float32)
    cells = LOW_DENSITY.arrangement("4x4x3").cells
    wanted = decoder.predict(received, verbose=0).reshape(50, 48)[:, [cells.index(cell) for cell in range(48)]]
    assert np.allclose(networks.decoder.predict(received, verbose=0), wanted, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def published(reference: Path) -> Path:
    return reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras"


@pytest.mark.parametrize("dense_order", ["in-out", "out-in"])
def test_the_published_model_is_the_chips(dense_order: str, published: Path, tmp_path: Path) -> None:
    """All 3564 published crossings, from the published training: with the kernel scrambled as it was, and not without.

    The same latents come out of the graph for CMSSW.
    """
    choice = Choice(arithmetic="chip", elinks=2, dense_order=dense_order, keep=9)
    given = Files(published / "encoder.hdf5", None, published / "decoder.hdf5")
    found = read_encoder(given, "qkeras", choice)
    assert any("weights alone" in message for message in found.messages)
    wide = Choice(arithmetic="chip", elinks=5, dense_order=dense_order)
    _, model, networks = built(found, read_decoder(given, found), wide, tmp_path / "training")
    config = read_config(published / "init.yaml")
    words = read_input(published.parent / "testInput.csv")
    charges = calibrated_charges(config, words)
    block = autoencoder.template()
    images = input_images(block.input, block.normalise, charges)
    latents = encode_images(model, images)
    chips = encode_images(autoencoder.encoder_model(config), images)
    same = float(np.mean(latents == chips))
    if dense_order == "out-in":
        assert same < 0.5, "trained latents are not those of the scrambled registers"
        return
    assert same == 1.0
    sums = autoencoder.sum_code(charges)
    crossing = np.arange(len(charges))
    frames = autoencoder.pack_latents(latents, sums, crossing, config_keep(config), elinks=2)
    assert np.array_equal(frames, read_output(published / "testOutput.csv"))
    assert np.array_equal(frames, chip.run(config, words))
    path = tmp_path / "encoder.pb"
    path.write_bytes(encoder_graph(model, (8, 8, 1), range(64), [9] * 16, 16))
    graph = FrozenGraph(path)
    values = (images / 128).astype(np.float32)
    found_latents = np.concatenate([graph(values[i : i + 512]) for i in range(0, len(values), 512)])
    assert np.array_equal(found_latents * 256, chips)
    assert networks.decoder.output_shape == (None, 48)


def config_keep(config: Any) -> tuple[int, ...]:
    return autoencoder.keep_masks(config.keep_mask)


def test_registers_as_a_run(published: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "run"
    arguments = ("--format", "econt-yaml", "--decoder", str(published / "decoder.hdf5"), "--events", "200")
    code, text, error = command("import", str(published / "init.yaml"), *arguments, "--elinks", "5", "--out", str(out))
    assert (code, text) == (0, f"{out}\n")
    assert "the dense kernel looks scrambled" in error
    context = open_run(out, Silent())
    config = read_config(published / "init.yaml")
    block = autoencoder.encoder_model(config)
    charges = calibrated_charges(config, read_input(published.parent / "testInput.csv"))[:500]
    images = input_images(block.input, block.normalise, charges)
    assert np.array_equal(encode_images(context.model(), images), encode_images(block, images))
    code, _, error = command("import", str(published / "init.yaml"), *arguments, "--out", str(out))
    assert (code, f"output directory {out} exists" in error) == (2, True)
    code, _, error = command("export", str(out), "--format", "cmssw", "--out", str(tmp_path / "package"))
    assert code == 0, error


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


def test_chip_arithmetic_leaves_the_input_quantizer_out(files: Path) -> None:
    found = read_encoder(Files(files / "encoder.h5"), "qkeras", Choice(arithmetic="chip"))
    assert [stage.name for stage in found.stages] == ["conv2d", "dense"]
    assert any("is left out: the chip takes u1.7" in message for message in found.messages)


def test_conditions_must_fit_the_decoder(files: Path) -> None:
    given = Files(files / "encoder.h5", None, files / "decoder.h5")
    found = read_encoder(given, "qkeras", Choice())
    with pytest.raises(ConfigError, match=r"takes 24 values, the encoder sends 16: 8 more than that; expected"):
        configuration(found, read_decoder(given, found), Choice(conditions=("eta", "layer")))


def h5(path: Path, fill: Callable[[Any], None]) -> Path:
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def _linked(file: Any) -> None:
    file["conv2d"] = h5py.ExternalLink("other.h5", "/x")


HOSTILE: dict[str, tuple[Callable[[Any], None], str]] = {
    "empty": (lambda _: None, "holds no weights"),
    "a link out": (_linked, "holds no weights"),
    "NaN": (lambda file: file.create_dataset("a/kernel:0", data=[[np.nan, 1.0]]), r"a/kernel has 1 values that are no"),
    "text": (lambda file: file.create_dataset("a/kernel:0", data=["x"]), r"a/kernel holds object, no numbers"),
    "huge": (
        lambda file: file.create_dataset("a/kernel:0", (1 << 40,), "f4", chunks=(1024,)),
        r"more than \d+ numbers",
    ),
    "no JSON": (lambda file: file.attrs.update(model_config="{"), "is damaged or no model"),
    "no model": (lambda file: file.attrs.update(model_config="[1]"), "has no architecture of a Keras model"),
    "deep": (lambda file: file.attrs.update(model_config="[" * 30_000), "is damaged or no model"),
    "a subclass": (
        lambda file: (
            file.attrs.update(model_config='{"class_name": "Mine", "config": {}}'),
            file.create_dataset("k", (3,)),
        ),
        "is a Mine, whose layers are in code",
    ),
    "no layers": (
        lambda file: (
            file.attrs.update(model_config='{"class_name": "Functional", "config": {"layers": 3}}'),
            file.create_dataset("k", (3,)),
        ),
        "its Functional lists no layers",
    ),
    "odd kernels": (
        lambda file: file.create_dataset("a/kernel:0", (3, 3, 3)),
        r"has the kernels a \(3, 3, 3\); expected",
    ),
    "two channels": (
        lambda file: (file.create_dataset("a/kernel:0", (3, 3, 2, 8)), file.create_dataset("b/kernel:0", (128, 16))),
        "layer 'a' takes images of 2 channels; expected 1 or 3",
    ),
    "no strides": (
        lambda file: (file.create_dataset("a/kernel:0", (3, 3, 1, 8)), file.create_dataset("b/kernel:0", (127, 16))),
        "no strides lead from an image 8x8x1 to the 127 inputs",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_line(name: str, tmp_path: Path, command: Command) -> None:
    fill, message = HOSTILE[name]
    path = h5(tmp_path / "model.h5", fill)
    with pytest.raises(EconAeError, match=message):
        read_encoder(Files(path), "qkeras", Choice())
    code, out, error = command("import", str(path), "--format", "qkeras", "--out", str(tmp_path / "run"))
    assert (code, out, len(error.strip().splitlines())) == (2, "", 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["encoder.h5", "encoder.keras", "sequential.h5"])
def test_truncated_and_damaged_files_are_one_line(name: str, files: Path, tmp_path: Path) -> None:
    whole = (files / name).read_bytes()
    rng, path, refused = np.random.default_rng(4), tmp_path / name, []
    for trial in range(120):
        damaged = bytearray(whole)
        if trial % 2:
            damaged = damaged[: int(rng.integers(0, len(whole)))]
        for _ in range(8 * (1 - trial % 2)):
            damaged[int(rng.integers(0, len(damaged)))] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged))
        try:
            read_encoder(Files(path), "qkeras", Choice())
        except EconAeError as problem:
            refused.append(str(problem))
    assert len(refused) > 50
    assert [text for text in refused if len(text.splitlines()) != 1] == []


def test_missing_files_and_words_are_one_line(files: Path, tmp_path: Path, command: Command) -> None:
    with pytest.raises(DataError, match=r"nothing\.h5 is missing; expected an \.h5, \.hdf5 or \.keras file"):
        read(tmp_path / "nothing.h5")
    with pytest.raises(DataError, match=r"is a directory; expected"):
        read(tmp_path)
    out = ("--out", str(tmp_path / "run"))
    for arguments, message in (
        (
            ("--format", "qkras"),
            "format 'qkras' is unknown; expected qkeras, qonnx, hgq2 or econt-yaml; did you mean 'qkeras'",
        ),
        (("--format", "qkeras", "--arithmetic", "float"), "--arithmetic 'float' is unknown; expected exact or chip"),
        (("--format", "qkeras", "--rounding", "up"), "--rounding 'up' is unknown; expected nearest or floor"),
    ):
        code, _, error = command("import", str(files / "encoder.h5"), *arguments, *out)
        assert (code, message in error) == (2, True), error


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
