"""Families of runs: files of settings become one configuration per member; wrong ones are named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae.config import RunConfig, load_preset
from econ_ae.config import load as load_run
from econ_ae.config.family import DEFAULT, FamilyConfig, families, load, named
from econ_ae.errors import ConfigError

CELLS = '[encoder]\nfamily = "cells"\n[hardware]\nelinks = {}\n'


def family_of(path: Path) -> FamilyConfig:
    found = load(path)
    assert isinstance(found, FamilyConfig)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for elinks in (2, 3):
        (tmp_path / f"m{elinks}.toml").write_text(CELLS.format(elinks))
    return tmp_path


def write(folder: Path, members: str, rest: str = "") -> Path:
    path = folder / "family.toml"
    path.write_text(f'name = "two"\n{rest}\n[family]\nmembers = {members}\n')
    return path


def test_the_main_job_is_four_encoders_on_the_same_rows() -> None:
    found = named(DEFAULT)
    assert isinstance(found, FamilyConfig)
    assert families() == [DEFAULT]
    assert list(found.members) == [f"{n}elinks" for n in (2, 3, 4, 5)]
    assert [member.hardware.elinks for member in found.members.values()] == [2, 3, 4, 5]
    for elinks, member in zip((2, 3, 4, 5), found.members.values(), strict=True):
        alone = load_preset(f"frontier-{elinks}elinks")
        assert (member.data, member.encoder, member.name) == (alone.data, alone.encoder, alone.name)
        assert member.training.epochs < alone.training.epochs
    assert found.first.data.source == "synthetic"
    assert isinstance(named("quick"), RunConfig)


def test_shared_settings_hold_for_every_member_over_its_own(folder: Path) -> None:
    rest = "seed = 4\n[training]\nepochs = 3\nadmixture = { share = 0.25 }\n[data]\nevents = 500"
    found = family_of(write(folder, '["econ-t", "econ-t-2elinks"]', rest))
    assert (found.name, list(found.members)) == ("two", ["2elinks", "5elinks"])
    for member in found.members.values():
        assert (member.seed, member.training.epochs, member.data.events) == (4, 3, 500)
        assert member.training.admixture is not None
        assert member.training.admixture.share == 0.25
        assert member.training.batch == load_preset("econ-t").training.batch
    other = found.changed("options", seed=9, data={"source": "x.csv"})
    assert {(member.seed, member.data.source) for member in other.members.values()} == {(9, "x.csv")}
    assert FamilyConfig.model_validate_json(found.model_dump_json()) == found


def test_the_number_of_elinks_is_that_of_the_frame_also_where_it_is_not_given(folder: Path) -> None:
    assert list(family_of(write(folder, '["econ-t", "m2.toml"]')).members) == ["2elinks", "5elinks"]


@pytest.mark.parametrize(
    ("members", "rest", "expected"),
    [
        ('["m2.toml", "frontier-2elinks"]', "[data.cms_events]\nsection = 'CE-E'", "m2.toml and frontier-2elinks both"),
        ('["m2.toml", "m2.toml"]', "", "members m2.toml and m2.toml both send on 2 eLinks; give one of every"),
        ('["econ-t", "wide-5elinks"]', "", "members econ-t and wide-5elinks both send on 5 eLinks"),
        ('["m2.toml", "frontier-3elinks"]', "", "different settings of data; a family is compared event by event"),
        ('["m2.toml", "frontir-3elinks"]', "", "'frontir-3elinks' is unknown; expected a TOML file, or one of econ-t"),
        ('["m2.toml", "frontir-3elinks"]', "", "did you mean 'frontier-3elinks'?"),
        ('["m2.toml", "m4.toml"]', "", "m4.toml: No such file or directory; expected a TOML file"),
        ('["m2.toml"]', "", "family.members = ['m2.toml']: Tuple should have at least 2 items"),
        ("[]", "", "family.members = []"),
        ('["m2.toml", "m3.toml"]\nmember = 3', "", "unknown key 'family.member'; did you mean 'members'?"),
        ('["m2.toml", "m3.toml"]', "[training]\nepoch = 3", "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ('["m2.toml", "m3.toml"]', "[hardware]\nelinks = 4", "both send on 4 eLinks"),
        ('["family.toml", "m3.toml"]', "", "holds the settings of a family of runs"),
    ],
)
def test_mistakes_are_named(folder: Path, members: str, rest: str, expected: str) -> None:
    if "frontier-2elinks" in members:  # the same data, so that the eLinks are what is wrong
        rest += "\ncalibration = 'counts'\ntrain_events = '0:54'\nvalidation_events = '54:60'\nreport_events = '60:70'"
    with pytest.raises(ConfigError) as refused:
        load(write(folder, members, rest))
    assert expected in str(refused.value)
    assert "family.toml" in str(refused.value) or "m4.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_family_is_no_run(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds the settings of a family of runs \(table \[family\]\)"):
        load_run(write(folder, '["m2.toml", "m3.toml"]'))
    with pytest.raises(ConfigError, match=r"preset 'fronter' is unknown; .*did you mean 'frontier'"):
        named("fronter")
