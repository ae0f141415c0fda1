"""Trials in Optuna's tables: each once, for others to read; another search, version or study is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from econ_ae.app.explore import storage
from econ_ae.app.explore.asking import distributions
from econ_ae.app.explore.records import State, Trial
from econ_ae.app.explore.storage import Log
from econ_ae.errors import RunDirectoryError, ToolError
from tests.app.explore import fake
from tests.app.explore.inline import Inline, begin, go_on


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("whole")
    return go_on(begin(folder / "out", fake.search(folder)), Inline())


def test_a_trial_is_written_once_and_told_once(tmp_path: Path, whole: list[Trial]) -> None:
    config = fake.search(tmp_path)
    log = Log(storage.url_of(tmp_path), config, mode="new")
    first = replace(whole[0], state=State.ASKED, rungs=(), told=False)
    log.add(first)
    log.add(first)
    assert [one.number for one in log.trials()] == [0]
    log.tell(whole[0])
    log.tell(replace(whole[0], state=State.FAILED))
    assert log.trials() == [whole[0]]
    log.close()


@pytest.mark.filterwarnings("error")
def test_a_step_that_does_not_lead_to_the_end_of_a_range_is_drawn_in_silence(tmp_path: Path) -> None:
    text = fake.SEARCH.replace("{ low = 1, high = 12 }", "{ low = 1, high = 12, step = 4 }")
    found = distributions(fake.search(tmp_path, text))["encoder.conv.0.filters"]
    assert [number for number in range(14) if found._contains(number)] == [1, 5, 9]


def test_optuna_reads_the_storage(tmp_path: Path) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    found = go_on(place, Inline())
    study = optuna.load_study(study_name="small", storage=storage.url_of(place.path))
    assert [one.number for one in study.trials] == [one.number for one in found]
    kinds = {State.STOPPED: "COMPLETE", State.TRAINED: "COMPLETE", State.REFUSED: "COMPLETE", State.REPEATED: "FAIL"}
    assert [one.state.name for one in study.trials] == [kinds[one.state] for one in found]
    trained = next(one for one in found if one.state == State.TRAINED)
    assert study.trials[trained.number].values == [trained.rungs[-1].emd, trained.known["area"]]
    refused = next(one for one in found if one.state == State.REFUSED)
    assert sum(study.trials[refused.number].constraints.values()) > 0


def test_a_storage_of_another_search_or_version_is_refused(tmp_path: Path) -> None:
    config, url = fake.search(tmp_path), storage.url_of(tmp_path)
    log = Log(url, config, mode="new")
    log.close()
    with pytest.raises(RunDirectoryError, match="holds this search already"):
        Log(url, config, mode="new")
    other = fake.search(tmp_path, fake.SEARCH.replace("high = 24", "high = 23"))
    with pytest.raises(RunDirectoryError, match="holds another search of the name 'small'"):
        Log(url, other, mode="attach")
    log = Log(url, config, mode="attach")
    log._storage.set_study_user_attr(log._study, "econ_ae", {"version": 0, "identity": config.identity})
    log.close()
    with pytest.raises(RunDirectoryError, match="in version 0, this econ-ae writes version 1"):
        Log(url, config, mode="attach")
    Log(url, config, mode="replace").close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///:memory:?cache=shared"])
def test_a_storage_that_ends_with_the_process_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ToolError, match="is in memory, which ends with this process; give a file or a database"):
        Log(url, fake.search(tmp_path), mode="new")


def test_a_study_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    optuna.create_study(study_name="small", storage=storage.url_of(tmp_path)).ask()
    with pytest.raises(RunDirectoryError, match="did not make"):
        Log(storage.url_of(tmp_path), fake.search(tmp_path), mode="attach")
