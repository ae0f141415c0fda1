"""Configurations: presets load, wrong ones are named in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from econ_ae import config
from econ_ae.config import RunConfig, parse
from econ_ae.config.keys import tables
from econ_ae.config.run import FamilyFile
from econ_ae.errors import ConfigError
from scripts import configuration


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
        "econ-t-cms-2elinks",
        "econ-t-cms-3elinks",
        "econ-t-cms-4elinks",
        "econ-t-cms-5elinks",
        "econ-t-telescope",
        "frontier-2elinks",
        "frontier-3elinks",
        "frontier-4elinks",
        "frontier-5elinks",
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
        ("[encoder]\ndense = [{unit = 3}]", "unknown key 'encoder.dense.0.unit'; did you mean 'units'?"),
        ("[data.root]\nlayer = [1]", "unknown key 'data.root.layer'; did you mean 'layers'?"),
        ("[training.admixture.synthetic]\npile = 1", "'training.admixture.synthetic.pile'; did you mean 'pileup'?"),
        ("[training.prune]\nzzz = 1", "'training.prune.zzz'; expected one of weights, filters, latents, start, end"),
        ("data = 5", "data = 5: expected a table of settings"),
        ("[training]\nlearning_rate = inf", "training.learning_rate = inf: Input should be a finite number"),
        ("[decoder]\noutput_bias = nan", "decoder.output_bias = nan: Input should be a finite number"),
        ("[report]\nelinks = []", "report.elinks = []: Tuple should have at least 1 item"),
        ("[data]\nevents = 1_000_000_000_000", "data.events = 1000000000000: Input should be less than or equal to"),
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


def test_a_wrong_table_does_not_make_its_list_too_short() -> None:
    with pytest.raises(ConfigError) as error:
        config.parse({"encoder": {"dense": [{"unit": 3}]}}, "mine")
    assert str(error.value) == "mine: unknown key 'encoder.dense.0.unit'; did you mean 'units'?"


def classes(section: type[BaseModel]) -> set[type[BaseModel]]:
    """A section and all that are in it, by their annotations."""
    found = {section}
    pending = [field.annotation for field in section.model_fields.values()]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= classes(kind)
        pending += get_args(kind)
    return found


def test_every_key_of_every_section_is_listed_with_its_meaning() -> None:
    sections = classes(FamilyFile)
    assert {config.RootConfig, config.PruneConfig, config.ConvConfig, config.AdmixtureConfig} <= sections
    tabled = {table.header.strip("[]").rpartition(".")[2] for table in tables()}
    listed = Counter(key.name for table in tables() if not table.same_as for key in table.keys)
    fields = Counter(name for section in sections for name in section.model_fields)
    # a name may be a key here and a table there: report and registers are both
    assert fields - listed <= Counter(dict.fromkeys(tabled, 1) | {"synthetic": 2, "modules": 2})
    assert not listed - fields
    assert all(key.description and key.allowed for table in tables() for key in table.keys)


def test_the_page_of_keys_is_that_of_the_classes() -> None:
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page(), (
        "run: python scripts/configuration.py"
    )


def test_limits_and_defaults_are_in_the_table() -> None:
    found = {f"{table.header}{key.name}": key for table in tables() for key in table.keys}
    assert (found["[data]validation"].allowed, found["[data]validation"].default) == (
        "number above 0 and below 1",
        "0.1",
    )
    assert found["[data]density"].allowed == "1, 3"
    assert found["[data.root]wafer"].allowed == "list of 2: integer, integer"
    assert found["[hardware]keep"].allowed == "integer or list of: integer"
    assert found["[report]elinks"].default == "[2, 3, 4, 5]"
    assert found["[training.distill]epochs"].default == ""


def test_unknown_preset_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'quick'"):
        config.load_preset("quik")
    with pytest.raises(ConfigError, match=r"cannot read configuration .*absent\.toml"):
        config.load(tmp_path / "absent.toml")


def test_labels_of_plots_change_no_hash_of_a_run_until_there_is_one() -> None:
    old = RunConfig()
    assert set(old.model_dump()["report"]) == {"elinks"}
    assert "experiment" not in old.model_dump_json()
    named = parse({"report": {"experiment": "CMS", "origin": "detector"}}, "here")
    assert named.model_dump(mode="json")["report"] == {
        "elinks": [2, 3, 4, 5],
        "experiment": "CMS",
        "origin": "detector",
    }
    assert parse(named.model_dump(mode="json"), "here") == named
    assert parse(old.model_dump(mode="json"), "here") == old
