"""The Keras models of a run: untrained, or with the weights of a training directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.config import RunConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.geometry import WaferGeometry
from econ_ae.training.decoders import build_decoder
from econ_ae.training.kept import load_weights
from econ_ae.training.network import Precision, build_encoder

TRAINED: dict[str, Precision] = {"aware": "quantised", "latents": "latents", "post": "float"}
"""What a network computes in fixed-point formats while it trains, by ``training.quantise``."""


@dataclass(frozen=True)
class Networks:
    """The Keras models of a run."""

    encoder: Any
    decoder: Any


def build(config: RunConfig, geometry: WaferGeometry, precision: Precision = "quantised") -> Networks:
    """Return untrained networks; the initial weights depend on the configuration and its seed alone."""
    floored = config.hardware.accumulate == "trn_each" and config.training.arithmetic == "hardware"
    on_chip = config.on_chip
    encoder = build_encoder(on_chip, geometry, config.seed, floored=floored, precision=precision)
    arrangement = geometry.arrangement(on_chip.arrangement)
    decoder = build_decoder(config.decoder, on_chip.dense[-1].units, arrangement, geometry, config.seed)
    return Networks(encoder, decoder)


def load(config: RunConfig, geometry: WaferGeometry, directory: Path, precision: Precision = "quantised") -> Networks:
    """Return the models with the best weights of a training directory; RunDirectoryError when it has none.

    Weights that were trained in float are rounded by the quantizers of a quantised network.
    """
    trained = TRAINED[config.training.quantise]
    networks = build(config, geometry, trained)
    conditions = Conditions(config.decoder.conditions)
    load_weights(directory, networks.encoder, networks.decoder, conditions=conditions)
    if precision == trained:
        return networks
    encoder = build(config, geometry, precision).encoder
    encoder.set_weights(networks.encoder.get_weights())
    return Networks(encoder, networks.decoder)
