"""Models of others: the same integers as their own `predict`, whatever the file's form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.imported import decoder as decoders
from econ_ae.app.imported.encoder import Encoder
from econ_ae.app.imported.run import Files, configuration, read_decoder, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.app.run.context import open_run
from econ_ae.config import RunConfig
from econ_ae.econt import autoencoder, chip
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.emulator import encode_images, input_images
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.export_encoder import encoder_graph
from econ_ae.training.export_graph import FrozenGraph
from econ_ae.training.imported import store
from tests.app.imported import collaboration

Command = Callable[..., tuple[int, str, str]]


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


def test_chip_arithmetic_leaves_the_input_quantizer_out(files: Path) -> None:
    found = read_encoder(Files(files / "encoder.h5"), "qkeras", Choice(arithmetic="chip"))
    assert [stage.name for stage in found.stages] == ["conv2d", "dense"]
    assert any("is left out: the chip takes u1.7" in message for message in found.messages)
