"""The encoder of a configuration has the shape that training and freezing give it; mistakes are found before both."""

from __future__ import annotations

import pytest

import econ_ae.training  # noqa: F401  before QKeras is imported
from econ_ae.config import ConvConfig, DenseConfig, EncoderConfig, HardwareConfig, RunConfig, load_preset, presets
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, ModelError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.training import artifact


def _shape_only(text: dict[str, object]) -> object:
    return {k: (_shape_only(v) if isinstance(v, dict) else v) for k, v in text.items() if k not in {"kernel", "bias"}}


@pytest.mark.parametrize("name", [name for name in presets() if load_preset(name).encoder.family == "layers"])
def test_skeleton_is_the_frozen_model_without_its_weights(name: str) -> None:
    config = load_preset(name)
    frozen = codec.to_dict(artifact.freeze_run(config, LOW_DENSITY, artifact.build(config, LOW_DENSITY), {}))
    empty = codec.to_dict(skeleton(config, LOW_DENSITY))
    for a, b in zip(frozen["ops"], empty["ops"], strict=True):
        assert _shape_only(a) == _shape_only(b)
    assert frozen["input"] == empty["input"]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (EncoderConfig(conv=(ConvConfig(kernel=9, padding="valid"),)), "conv0: kernel"),
        (EncoderConfig(dense=(DenseConfig(units=40),)), "360 latent bits; a frame carries at most 146"),
        (EncoderConfig(conv=(ConvConfig(weight="s0.14"),)), "conv0: sums reach"),
    ],
)
def test_encoders_that_cannot_be_are_refused(encoder: EncoderConfig, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        skeleton(RunConfig(encoder=encoder), LOW_DENSITY)


def test_as_many_leading_bits_are_kept_as_fit() -> None:
    config = RunConfig(encoder=EncoderConfig(dense=(DenseConfig(units=40),)), hardware=HardwareConfig(elinks=5))
    assert skeleton(config, LOW_DENSITY).pack.keep == (0b111000000,) * 40
    unequal = RunConfig(hardware=HardwareConfig(elinks=5, keep=10))
    with pytest.raises(ConfigError, match=r"hardware\.keep is 10; latents of u1\.8 have 9 bits"):
        skeleton(unequal, LOW_DENSITY)
