"""Which runs are a set of encoders together, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.app.physics import algorithms
from econ_ae.app.physics.encoders import read
from econ_ae.app.physics.sample import Sample, electrons, elinks_by_layer
from econ_ae.config import parse
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.ir.model import EncoderModel, Pack
from econ_ae.progress import Silent
from tests.untrained import untrained


def with_elinks(model: EncoderModel, elinks: int) -> EncoderModel:
    return replace(model, ops=(*model.ops[:-1], Pack((511,) * 16, elinks)))


@pytest.fixture
def runs(tmp_path: Path, econ_t_model: EncoderModel) -> list[Path]:
    made = [("night-2", 2), ("night-3", 3), ("day-2", 2)]
    for name, elinks in made:
        untrained(tmp_path / name, with_elinks(econ_t_model, elinks), events=60)
    return [tmp_path / name for name, _ in made]


def test_runs_of_different_elinks_are_one_set(runs: list[Path]) -> None:
    found = read(runs, Silent())
    assert [(one.name, dict(one.elinks)) for one in found] == [
        ("night", {"night-2": 2, "night-3": 3}),
        ("day-2", {"day-2": 2}),
    ]
    assert [list(one.facts()) for one in found] == [["night-2", "night-3"], ["day-2"]]


def test_sets_with_one_name_are_numbered(runs: list[Path], tmp_path: Path, econ_t_model: EncoderModel) -> None:
    untrained(tmp_path / "more" / "night-2", with_elinks(econ_t_model, 2), events=60)
    untrained(tmp_path / "more" / "night-3", with_elinks(econ_t_model, 3), events=60)
    found = read([*runs[:2], tmp_path / "more" / "night-2", tmp_path / "more" / "night-3"], Silent())
    assert [one.name for one in found] == ["night 1", "night 2"]


def test_runs_of_one_directory_name_are_one_set(runs: list[Path], tmp_path: Path, econ_t_model: EncoderModel) -> None:
    for elinks in (2, 3):
        untrained(tmp_path / f"{elinks}elinks" / "best", with_elinks(econ_t_model, elinks), events=60)
    (found,) = read([tmp_path / "2elinks" / "best", tmp_path / "3elinks" / "best"], Silent())
    assert sorted(found.elinks.values()) == [2, 3]
    assert len(found.classes) == 2


def test_modules_without_an_encoder_are_named(runs: list[Path]) -> None:
    images = electrons(20, 1, Silent()).of_events([0])
    sample = Sample(images, elinks_by_layer(images))
    with pytest.raises(ConfigError, match="night has no encoder for modules with 4 eLinks; give a run for"):
        read(runs[:2], Silent())[0].received(sample, Silent())


def test_a_run_given_twice_is_refused(runs: list[Path]) -> None:
    with pytest.raises(ConfigError, match="a run is given twice"):
        read([runs[0], runs[0]], Silent())


def test_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="nothing"):
        read([tmp_path / "nothing"], Silent())


def test_encoders_of_calibrated_charges_are_refused(tmp_path: Path, econ_t_model: EncoderModel) -> None:
    config = parse({"data": {"source": "events.npz"}}, "test")
    untrained(tmp_path / "calq", econ_t_model, config, events=60)
    with pytest.raises(ConfigError, match="was trained on calibrated charges"):
        read([tmp_path / "calq"], Silent())


def test_an_ntuple_needs_encoders_of_transverse_charges(tmp_path: Path, econ_t_model: EncoderModel) -> None:
    source = {"source": "events.npz", "cms_events": {"calibration": "counts"}}
    untrained(tmp_path / "counts", econ_t_model, parse({"data": source}, "test"), events=60)
    untrained(tmp_path / "calq", econ_t_model, parse({"data": {"source": "events.npz"}}, "test"), events=60)
    with pytest.raises(ConfigError, match="was trained on decoded counts; an ntuple holds transverse charges"):
        read([tmp_path / "counts"], Silent(), transverse=True)
    assert len(read([tmp_path / "calq"], Silent(), transverse=True)) == 1


def test_algorithms_without_a_frame_are_found_before_any_work() -> None:
    algorithms.check_fits(list(algorithms.NAMES), [2, 3, 4, 5])
    with pytest.raises(ConfigError, match="'ccc' has no frame of 1 eLinks"):
        algorithms.check_fits(["bc", "abc", "ccc"], [1])
