"""Programs of decoders against the decoders themselves, of every kind and family, on random weights and events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tf_keras as keras

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.module_conditions import DEFINITIONS, Conditions, received_sum
from econ_ae.errors import ModelError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.tensor.builder import Builder
from econ_ae.tensor.run import run
from econ_ae.training import artifact
from econ_ae.training.cells import artifact as cells
from econ_ae.training.cells import network
from econ_ae.training.cells.table import LEVELS, Table
from econ_ae.training.export import receiver
from econ_ae.training.export.layers import network as steps

BOUND = 2e-6
"""Of a charge fraction, float32 against the decoder of the project; random weights are worse than trained ones."""

DECODERS: dict[str, dict[str, Any]] = {
    "dense": {"hidden": [24, 24], "residual": True, "dropout": 0.2, "use_sum": True},
    "softmax, conditions": {
        "hidden": [24],
        "output": "softmax",
        "use_scale": True,
        "conditions": ["eta", "v", "u", "thickness", "log_sum", "layer"],
    },
    "film": {"hidden": [24, 24], "conditions": ["layer", "thickness"], "conditioning": "film"},
    "conv": {"kind": "conv", "hidden": [24], "filters": [8, 6, 4]},
    "graph": {"kind": "graph", "hidden": [24], "units": 5, "depth": 2},
    "unrolled": {"kind": "unrolled", "hidden": [20, 16], "use_sum": True, "use_scale": True, "output": "softmax"},
    "chain": {
        "kind": "chain",
        "conditions": ["layer"],
        "chain": [
            {"layer": "dense", "units": 50},
            {"layer": "activation", "function": "leaky-relu", "slope": 0.2},
            {"layer": "reshape", "shape": [5, 5, 2]},
            {"layer": "crop", "shape": [1, 0, 0, 1]},
            {"layer": "upsample", "stride": [2, 1]},
            {"layer": "conv-transpose", "units": 3, "stride": [1, 2], "padding": "same"},
            {"layer": "scale"},
            {"layer": "activation", "function": "elu"},
            {"layer": "conv", "units": 4, "kernel": [3, 3], "padding": "valid"},
            {"layer": "activation", "function": "selu"},
            {"layer": "conv-transpose", "units": 1, "kernel": [3, 3], "padding": "valid"},
        ],
    },
    "chain of cells": {
        "kind": "chain",
        "chain": [
            {"layer": "dense", "units": 20},
            {"layer": "activation", "function": "tanh"},
            {"layer": "dense", "units": 48},
            {"layer": "activation", "function": "softplus"},
        ],
    },
    "unrolled, sum unknown": {"kind": "unrolled", "hidden": [20]},
}


def events(count: int = 120) -> Batch:
    rng = np.random.default_rng(5)
    charges = rng.poisson(0.4, (count, 48)) * rng.integers(1, 9_000, (count, 1)) * rng.integers(1, 60, (count, 48))
    charges[1::2] //= 900
    charges[:2] = 0
    charges[:2, 3] = 1, 8  # sums that are powers of two
    charges[charges.sum(axis=1) == 0, 5] = 40
    charges[4:8] = 0
    charges[4:8, 10], charges[4:8, 20] = 2_000_000, 70_001  # few cells, many pulses
    known = {
        "eta": rng.choice([-1.0, 1.0], count) * rng.uniform(1.4, 3.1, count),
        "detector_layer": rng.integers(1, 48, count),
        "thickness": rng.choice([120, 200, 300], count),
        "wafer_u": rng.integers(-9, 9, count),
        "wafer_v": rng.integers(-9, 9, count),
    }
    return Batch(charges, Provenance("random", synthetic=True), known)


def features(config: RunConfig, batch: Batch) -> Any:
    """Return the features without the check that u, v and eta are of one module: these are random."""
    parts = []
    for one in Conditions(config.decoder.conditions).definitions:
        values = received_sum(batch) if not one.column else np.asarray(batch.metadata[one.column], np.float64)
        parts.append(one.normalised(values))
    return np.concatenate([np.zeros((len(batch), 0), np.float32), *parts], axis=1)


def conditions(config: RunConfig, batch: Batch) -> dict[str, Any]:
    names = receiver.condition_names(config)
    return {name: np.asarray(batch.metadata[DEFINITIONS[name].column], np.float32)[:, None] for name in names}


def randomise(model: Any, seed: int = 1) -> None:
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        size = 0.5 / np.sqrt(max(variable.shape[0] if variable.shape else 1, 1))
        variable.assign(variable + rng.normal(0, size, variable.shape).astype(np.float32))


@pytest.mark.parametrize("name", DECODERS)
def test_decoders_of_latents(name: str) -> None:
    config = RunConfig.model_validate({"decoder": DECODERS[name]})
    networks, model = artifact.build(config, LOW_DENSITY), skeleton(config, LOW_DENSITY)
    randomise(networks.decoder)
    batch = events()
    rng = np.random.default_rng(2)
    received = artifact.transmit(model, batch.charges)
    latents = rng.integers(0, model.latent.max + 1, received.latents.shape)
    received = type(received)(latents, received.total)
    expected = artifact.decode(config, networks, model, received, features(config, batch))
    program = receiver.latents_program(config, networks, model)
    given = {
        "latents": latents * 2.0**-model.latent.fraction,
        "sum": received.total[:, None],
        **conditions(config, batch),
    }
    got = run(program, given)
    assert got["fractions"].dtype == np.float32
    assert np.abs(got["fractions"] - expected).max() < BOUND
    assert np.abs(got["charges"] / received.total[:, None] - expected).max() < BOUND
    assert expected.max() - expected.min() > 0.01


@pytest.mark.parametrize("conditioning", ["concat", "film"])
@pytest.mark.parametrize("elinks", [2, 5])
def test_decoders_of_cells(elinks: int, conditioning: str) -> None:
    config = RunConfig.model_validate(
        {
            "encoder": {"family": "cells"},
            "cells": {"units": 6, "depth": 2},
            "hardware": {"elinks": elinks},
            "decoder": {"conditions": ["eta", "u", "v", "thickness", "log_sum"], "conditioning": conditioning},
        }
    )
    model = skeleton(config, LOW_DENSITY)
    modes = len(model.cell_code.choose.modes)
    rng = np.random.default_rng(3)
    levels = np.arange(1, LEVELS + 1) - rng.uniform(0.2, 0.8, (modes, LEVELS))
    unsent = rng.uniform(-0.1, 0.4, (modes, 5))
    table = Table(levels, rng.uniform(-0.9, 0, modes), unsent, np.asarray(LOW_DENSITY.stc4))
    built = network.build(config.cells, modes, LOW_DENSITY, 1, config.decoder)
    randomise(built)
    width = Conditions(config.decoder.conditions).width
    decoder = cells.CellsDecoder(table, built, width)
    batch = events()
    batch = Batch(np.where(np.arange(len(batch))[:, None] == 7, 0, batch.charges), batch.provenance, batch.metadata)
    received = cells.transmit(model, batch.charges)
    expected = decoder.fractions(model, received, features(config, batch))
    sent = received.sent
    assert 0 < sent.exact.sum() < len(batch)
    assert (sent.pulses > LEVELS).any()
    given = {
        "mode": sent.mode[:, None],
        "exact": sent.exact[:, None],
        "pulses": sent.pulses,
        "sum": received.total[:, None],
        **conditions(config, batch),
    }
    got = run(receiver.cells_program(config, decoder, model), given)
    assert np.abs(got["fractions"] - expected).max() < BOUND
    assert np.array_equal(got["charges"][sent.exact], sent.pulses[sent.exact])  # without loss to the last bit
    lossy = ~sent.exact
    charges = expected * received.total[:, None]
    assert (np.abs(got["charges"] - charges)[lossy] / received.total[lossy, None]).max() < BOUND


def test_other_layers_are_refused() -> None:
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.PReLU(name="learned")(image))
    out = Builder("test")
    with pytest.raises(ModelError, match="layer 'learned' of type PReLU cannot be exported; expected one of Dense,"):
        steps(out, model, [out.input("x", (4,))])


def test_wrong_width_is_found_while_it_is_written() -> None:
    out = Builder("test")
    x = out.input("x", (3,))
    with pytest.raises(ModelError, match=r"product of matrices of shapes \(3,\) and \(4, 2\)"):
        out.matmul(x, np.ones((4, 2)))
    with pytest.raises(ModelError, match=r"add of tensors of shapes \(3,\) and \(2,\)"):
        out.add(x, np.ones(2))
