"""Every output may keep its own number of bits: training, integer model, frame and Verilog agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import RunConfig, parse
from econ_ae.config.skeleton import skeleton
from econ_ae.econt.autoencoder import pack_latents
from econ_ae.econt.decode import decode_latents
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.training import artifact
from econ_ae.training.link import link
from econ_ae.training.sample import to_float
from rtl_gen.verilog import DATAPATH, default_options
from sim.bench.verify import verify_datapath
from tests.required import needs
from tests.training.conftest import randomise
from tests.training.small import settings

KEEP = (9, 8, 7, 6, 5, 4, 3, 2, 1, 0) + (3,) * 8 + (2,) * 6  # 81 bits; three links carry 82
MORE_OUTPUTS = settings(
    encoder={"dense": [{"units": 24}]}, hardware={"keep": KEEP, "elinks": 3, "accumulate": "trn_each"}
)


def random_encoder(config: RunConfig) -> EncoderModel:
    networks = artifact.build(config, LOW_DENSITY)
    randomise(networks.encoder, seed=2)
    return artifact.freeze_run(config, LOW_DENSITY, networks, {})


@pytest.mark.parametrize("latent", ["u1.8", "s1.7"])
def test_what_training_sends_is_what_the_frame_carries(latent: str) -> None:
    config = settings(encoder={"dense": [{"units": 24, "activation": latent}]}, hardware={"keep": KEEP, "elinks": 3})
    model = random_encoder(config)
    assert [mask.bit_count() for mask in model.pack.keep] == list(KEEP)
    assert model.pack == skeleton(config, LOW_DENSITY).pack
    low, high = model.latent.min, model.latent.max
    latents = np.random.default_rng(1).integers(low, high + 1, (20_000, 24))
    none = np.zeros(20_000, np.int64)
    frames = pack_latents(latents, none, none, model.pack.keep, elinks=3, width=9)
    received = decode_latents(frames, model.pack.keep, elinks=3, latent=model.latent).latents
    sent = link(model.latent, KEEP)(to_float(latents, model.latent.fraction))
    assert np.array_equal(np.asarray(sent) * 2.0**model.latent.fraction, received)
    assert [len(np.unique(received[:, i])) for i in range(10)] == [2**bits for bits in KEEP[:10]]


@pytest.mark.simulator
@needs("iverilog")
def test_verilog_sends_unequal_bits_of_24_outputs(tmp_path: Path) -> None:
    model = random_encoder(MORE_OUTPUTS)
    options = default_options(model, DATAPATH)
    real = np.random.default_rng(4).integers(0, 128, (60, 48))
    result = verify_datapath(model, options, real, tmp_path, random_events=36)
    assert result.passed, result.first_mismatch
    assert result.real_events == 60, "these run with the model's own masks and links"


def test_bits_that_no_frame_carries_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sends 144 latent bits, but a frame of 2 eLinks carries 50"):
        skeleton(settings(hardware={"keep": 9, "elinks": 2}), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"hardware\.keep lists 3 numbers of bits; expected 16, one per latent"):
        skeleton(settings(hardware={"keep": [9, 9, 9]}), LOW_DENSITY)
    assert skeleton(settings(hardware={"keep": [3] * 15 + [5]}), LOW_DENSITY).pack.elinks == 2
    for wrong in ("high", 0, [3, -1], [2.5]):
        with pytest.raises(ConfigError, match=r"mine: hardware\.keep = .*expected a number of bits.*"):
            parse({"hardware": {"keep": wrong}}, "mine")
