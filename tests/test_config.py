"""Configurations: presets load, wrong ones are named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae import config
from econ_ae.errors import ConfigError


@pytest.mark.parametrize("name", config.presets())
def test_presets_load(name: str, tmp_path: Path) -> None:
    preset = config.load_preset(name)
    written = tmp_path / "config.json"
    written.write_text(preset.model_dump_json())
    assert config.load(written) == preset


def test_presets_are_the_ones_documented() -> None:
    assert config.presets() == [
        "econ-t",
        "econ-t-2elinks",
        "econ-t-3elinks",
        "econ-t-telescope",
        "paper-4x4x3",
        "quick",
        "wide-4elinks",
        "wide-5elinks",
    ]
    assert config.load_preset("econ-t-telescope").encoder == config.EncoderConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainin = 3", "unknown key 'trainin'; did you mean 'training'?"),
        ("[training]\nepoch = 3", "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ("[encoder]\nconv = [{filter = 3}]", "unknown key 'encoder.conv.0.filter'; did you mean 'filters'?"),
        ("[encoder]\ndense = []", "encoder.dense = []: Tuple should have at least 1 item"),
        ("[training]\nepochs = 0", "training.epochs = 0: Input should be greater than or equal to 1"),
        ("[encoder]\ninput = '1.7'", "fixed-point format '1.7' not understood"),
        ("name = 'Econ T'", "name = 'Econ T'"),
        ("[data", "Expected ']'"),
    ],
)
def test_wrong_configurations(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load(path)
    assert message in str(error.value)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_preset_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'quick'"):
        config.load_preset("quik")
    with pytest.raises(ConfigError, match=r"cannot read configuration .*absent\.toml"):
        config.load(tmp_path / "absent.toml")
