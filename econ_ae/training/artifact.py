"""Training as a stage of a run: from batches to a directory of weights, and back to models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.econt.decode import Latents
from econ_ae.emulator import encode_images
from econ_ae.errors import ModelError, RunDirectoryError
from econ_ae.fixedpoint import IntArray
from econ_ae.freeze import freeze
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from econ_ae.skeleton import skeleton
from econ_ae.training.decoders import build_decoder
from econ_ae.training.fit import Chain, Epoch, Trainer, make_deterministic, weights_path
from econ_ae.training.link import link
from econ_ae.training.losses import LOSSES
from econ_ae.training.network import build_encoder
from econ_ae.training.sample import make_sample, sum_feature, to_float
from econ_ae.training.source import InMemory


@dataclass(frozen=True)
class Networks:
    """The Keras models of a run."""

    encoder: Any
    decoder: Any


def build(config: RunConfig, geometry: WaferGeometry) -> Networks:
    """Return untrained networks; the initial weights depend on the configuration and its seed alone."""
    floored = config.hardware.accumulate == "trn_each" and config.training.arithmetic == "hardware"
    encoder = build_encoder(config.encoder, geometry, config.seed, floored=floored)
    arrangement = geometry.arrangement(config.encoder.arrangement)
    decoder = build_decoder(config.decoder, encoder.output_shape[-1], arrangement, geometry.cells, config.seed)
    return Networks(encoder, decoder)


def train(
    config: RunConfig,
    geometry: WaferGeometry,
    batches: tuple[Batch, Batch],
    directory: Path,
    progress: Progress,
) -> list[Epoch]:
    """Train on (training, validation) batches into ``directory``, continuing what is there; return the history."""
    make_deterministic(config.seed)
    networks = build(config, geometry)
    target = skeleton(config, geometry)
    pack, latent = target.pack, target.latent
    chain = Chain(
        networks.encoder,
        networks.decoder,
        link(latent, [mask.bit_count() for mask in pack.keep]),
        config.decoder.use_sum,
        LOSSES[config.training.loss](geometry),
    )
    trainer = Trainer(chain, config.training, directory=directory)
    training, validation = batches
    turns = geometry.rotations if config.training.rotations else geometry.rotations[:1]
    views = [replace(training, charges=training.charges[:, turn]) for turn in turns]
    samples = [make_sample(view, target.input, target.normalise) for view in (*views, validation)]
    return trainer.fit(InMemory(samples[:-1], config.seed), samples[-1], progress)


def load(config: RunConfig, geometry: WaferGeometry, directory: Path) -> Networks:
    """Return the models with the best weights of a training directory; RunDirectoryError when it has none."""
    networks = build(config, geometry)
    for model in (networks.encoder, networks.decoder):
        path = weights_path(directory, model.name)
        if not path.is_file():
            raise RunDirectoryError(f"{path} is missing; train this run first")
        model.load_weights(path)
    return networks


def freeze_run(
    config: RunConfig, geometry: WaferGeometry, networks: Networks, provenance: dict[str, str]
) -> EncoderModel:
    """Return the integer encoder of trained networks, with exact sums, as QKeras computes it.

    With ``hardware.weights = "floor"`` the Keras weights are floored too, so that both still compute the same.
    """
    target = skeleton(config, geometry)
    model = freeze(
        networks.encoder,
        target.input.arrangement,
        target.normalise.out,
        name=config.name,
        cells=geometry.cells,
        pack=target.pack,
        weights=config.hardware.weights,
        provenance=provenance,
    )
    for layer in model.layers:
        variables = networks.encoder.get_layer(layer.name)
        variables.kernel.assign(to_float(layer.kernel, layer.weight.fraction))
        variables.bias.assign(to_float(layer.bias, layer.bias_format.fraction))
    return model


def compare_with_keras(model: EncoderModel, encoder: Any, images: IntArray) -> int:
    """Return how many of the integer images were compared; ModelError when one latent differs from ``predict``."""
    expected = encoder.predict(to_float(images, model.normalise.out.fraction), batch_size=1024, verbose=0)
    expected_integers = expected.astype(np.float64) * 2.0**model.latent.fraction
    differs = (encode_images(model, images) != expected_integers).any(axis=1)
    if differs.any():
        raise ModelError(
            f"{model.name}: the integer model differs from QKeras on {int(differs.sum())} of {len(images)} images, "
            f"first on image {int(np.argmax(differs))}"
        )
    return len(images)


def decode(config: RunConfig, networks: Networks, model: EncoderModel, received: Latents) -> NDArray[np.float64]:
    """Return the decoder's charge fractions, float64 (n, cells), summing to 1, of what a frame carried."""
    columns = to_float(received.latents, model.latent.fraction)
    if config.decoder.use_sum:
        columns = np.concatenate([columns, sum_feature(received.total)], axis=1)
    raw = networks.decoder.predict(columns, batch_size=1024, verbose=0)
    values = raw.astype(np.float64)
    return values / values.sum(axis=1, keepdims=True)
