"""Weights that others trained as the training of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ModelError
from econ_ae.geometry import WaferGeometry
from econ_ae.training.kept import save_weights, write_history
from econ_ae.training.networks import build
from econ_ae.training.start import START

Array = NDArray[np.float64]


def store(
    config: RunConfig,
    geometry: WaferGeometry,
    encoder: Mapping[str, tuple[Array, Array]],
    decoder: Sequence[Sequence[Array]] | None,
    directory: Path,
) -> None:
    """Write weights as a finished training; without a decoder as what the training of one starts from.

    Parameters
    ----------
    encoder : kernel and bias by the name of the layer in the configuration's encoder
    decoder : arrays of every layer of ``decoder.chain``
    directory : of the training

    Raises
    ------
    ModelError
        When the arrays do not fit the layers.
    ConfigError
        When the decoder's layers do not fit each other.
    """
    networks = build(config, geometry)
    for name, arrays in encoder.items():
        _assign(networks.encoder.get_layer(name), arrays, name)
    conditions = Conditions(config.decoder.conditions)
    if decoder is None:
        (directory / START).mkdir(parents=True)
        save_weights(directory / START, networks.encoder)
        return
    for i, own in enumerate(decoder):
        if own:
            _assign(networks.decoder.get_layer(f"chain{i}"), own, f"decoder.chain, layer {i}")
    directory.mkdir(parents=True)
    save_weights(directory, networks.encoder, networks.decoder, conditions=conditions)
    write_history(directory, [])


def _assign(layer: Any, arrays: Sequence[Array], name: str) -> None:
    variables = layer.weights
    shapes = [tuple(v.shape) for v in variables]
    if shapes != [array.shape for array in arrays]:
        raise ModelError(f"{name}: the file has arrays {[a.shape for a in arrays]}; its layer takes {shapes}")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array.astype(np.float32))
