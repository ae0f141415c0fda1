"""Training as a stage of a run: from batches to a directory of weights, and back to models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.emulator import encode_images
from econ_ae.errors import ModelError, RunDirectoryError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.freeze import freeze
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import CHARGE, EncoderModel, Input, Normalise
from econ_ae.progress import Progress
from econ_ae.training.fit import Epoch, Trainer, make_deterministic, weights_path
from econ_ae.training.losses import LOSSES
from econ_ae.training.network import build_decoder, build_encoder
from econ_ae.training.sample import make_sample, to_float


@dataclass(frozen=True)
class Networks:
    """The Keras models of a run."""

    encoder: Any
    decoder: Any


def build(config: RunConfig, geometry: WaferGeometry) -> Networks:
    """Return untrained networks; the initial weights depend on the configuration and its seed alone."""
    encoder = build_encoder(config.encoder, geometry, config.seed)
    decoder = build_decoder(config.decoder, encoder.output_shape[-1], geometry.cells, config.seed)
    return Networks(encoder, decoder)


def input_of(config: RunConfig, geometry: WaferGeometry) -> tuple[Input, Normalise]:
    """Return the input description and the normaliser that a configuration asks for."""
    arrangement = geometry.arrangement(config.encoder.arrangement)
    return Input(geometry.cells, CHARGE, arrangement), Normalise(FixedFormat.parse(config.encoder.input))


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
    source, normalise = input_of(config, geometry)
    trainer = Trainer(
        networks.encoder,
        networks.decoder,
        LOSSES[config.training.loss](geometry),
        config.training,
        directory=directory,
        seed=config.seed,
    )
    training, validation = (make_sample(batch, source, normalise) for batch in batches)
    return trainer.fit(training, validation, progress)


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
    source, normalise = input_of(config, geometry)
    model = freeze(
        networks.encoder,
        source.arrangement,
        normalise.out,
        name=config.name,
        cells=geometry.cells,
        elinks=config.hardware.elinks,
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


def decode(networks: Networks, model: EncoderModel, latents: IntArray) -> NDArray[np.float64]:
    """Return the decoder's charge fractions, float64 (n, cells), summing to 1, of integer latents (n, latents)."""
    raw = networks.decoder.predict(to_float(latents, model.latent.fraction), batch_size=1024, verbose=0)
    values = raw.astype(np.float64)
    return values / values.sum(axis=1, keepdims=True)
