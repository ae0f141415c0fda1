"""From trained networks to integers, and from what a frame carried back to charge fractions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions, Features
from econ_ae.econt.autoencoder import pack_latents, sum_code
from econ_ae.econt.decode import Latents, decode_latents
from econ_ae.emulator import encode, encode_images
from econ_ae.errors import ConfigError, ModelError
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products
from econ_ae.training.freeze import freeze
from econ_ae.training.link import Link, link
from econ_ae.training.networks import TRAINED, Networks, load
from econ_ae.training.sample import decoder_input, make_sample, sum_features, to_float


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


def chip_model(
    config: RunConfig, geometry: WaferGeometry, networks: Networks, provenance: dict[str, str] | None = None
) -> EncoderModel:
    """Return the integer encoder in the arithmetic of the block."""
    model = freeze_run(config, geometry, networks, provenance or {})
    return truncate_products(model) if config.hardware.accumulate == "trn_each" else model


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


def transmit(model: EncoderModel, charges: NDArray[np.integer]) -> Latents:
    """Return what a receiver knows of charges (n, cells): encode, pack into frames, unpack."""
    pack = model.pack
    crossing = np.zeros(len(charges), np.int64)
    width = model.latent.width
    frames = pack_latents(
        encode(model, charges), sum_code(charges), crossing, pack.keep, elinks=pack.elinks, width=width
    )
    return decode_latents(frames, pack.keep, elinks=pack.elinks, latent=model.latent)


def decode(
    config: RunConfig, networks: Networks, model: EncoderModel, received: Latents, known: Features | None = None
) -> NDArray[np.float64]:
    """Return the decoder's charge fractions, float64 (n, cells), summing to 1, of what a frame carried.

    Parameters
    ----------
    known : float32 (n, features), ``Conditions.features`` of the events; None where the decoder has no conditions

    Raises
    ------
    ConfigError
        When the decoder has conditions and ``known`` has not their features.
    """
    latents, sums = to_float(received.latents, model.latent.fraction), sum_features(received.total)
    known = np.zeros((len(sums), 0), np.float32) if known is None else known
    if known.shape[1] != (width := Conditions(config.decoder.conditions).width):
        raise ConfigError(
            f"the decoder knows {', '.join(config.decoder.conditions) or 'nothing'} of its module ({width} features); "
            f"{known.shape[1]} were given"
        )
    return _fractions(config, networks, latents, np.concatenate([sums, known], axis=1))


def fractions_as_trained(
    config: RunConfig, geometry: WaferGeometry, directory: Path, rows: Batch
) -> NDArray[np.float64]:
    """Return the charge fractions, float64 (n, cells), that the network gives as it was trained: no integers, no frame.

    Parameters
    ----------
    directory : of the training; float weights, sums and latents stay float
    rows : events with charge
    """
    networks = load(config, geometry, directory, TRAINED[config.training.quantise])
    target = skeleton(config, geometry)
    sample = make_sample(rows, target.input, target.normalise, Conditions(config.decoder.conditions))
    latents = networks.encoder.predict(sample.images, batch_size=1024, verbose=0)
    return _fractions(config, networks, np.asarray(trained_link(config, geometry)(latents)), sample.beside)


def trained_link(config: RunConfig, geometry: WaferGeometry) -> Link:
    """Return what happens to the latents in training; nothing when they are float."""
    if config.training.quantise == "post":
        return lambda latents: latents
    target = skeleton(config, geometry)
    return link(target.latent, [mask.bit_count() for mask in target.pack.keep])


def _fractions(
    config: RunConfig, networks: Networks, latents: NDArray[np.float32], beside: NDArray[np.float32]
) -> NDArray[np.float64]:
    columns = decoder_input(latents, beside, config.decoder.sum_columns)
    raw = networks.decoder.predict(columns, batch_size=1024, verbose=0)
    values = raw.astype(np.float64)
    return values / values.sum(axis=1, keepdims=True)
