"""A search without Dask and without trainings: what it does does not depend on when, in which order or how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae.app.explore import storage
from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.driver import Driver
from econ_ae.app.explore.finish import synthesise_front
from econ_ae.app.explore.points import point
from econ_ae.app.explore.records import SETTLED, State, Trial
from econ_ae.app.explore.results import best
from econ_ae.app.explore.storage import Log
from econ_ae.config import RunConfig
from econ_ae.errors import ConfigError, DataError, EconAeError, ModelError
from econ_ae.progress import Silent
from tests.app.explore import fake
from tests.app.explore.inline import Cut, Inline, begin, go_on, nothing

LAYER = "{ filters = 80, kernel = 3, stride = 1, activation = 'u2.4' }"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("whole")
    return go_on(begin(folder / "out", fake.search(folder)), Inline())


def test_a_search_ends_with_as_many_trials_as_it_may_draw(whole: list[Trial]) -> None:
    assert [one.number for one in whole] == list(range(24))
    assert all(one.told for one in whole)
    states = {one.state for one in whole}
    assert {State.REFUSED, State.STOPPED, State.TRAINED} <= states <= set(State) - {State.ASKED, State.FAILED}


def test_refused_points_say_why_and_are_never_trained(whole: list[Trial]) -> None:
    refused = [one for one in whole if one.state == State.REFUSED]
    assert all(one.known["registers"] > 9000 and "registers <= 9000" in one.reason and not one.rungs for one in refused)
    assert all(one.known["registers"] <= 9000 for one in whole if one.rungs)


def test_halving_trains_every_generation_on_in_the_same_share(whole: list[Trial]) -> None:
    for generation in {one.generation for one in whole}:
        own = [one for one in whole if one.generation == generation and one.state not in SETTLED]
        reached = [sum(one.at(rung) is not None for one in own) for rung in range(3)]
        assert reached[0] == len(own)
        assert reached[1:] == [-(-reached[0] // 2), -(-reached[1] // 2)]


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_points_to_start_with_come_first_and_count_as_any_other(tmp_path: Path, sampler: str) -> None:
    start = """[[start]]
"encoder.conv.0.filters" = 3
"encoder.dense.0.units" = 7
"encoder.dense.0.weight" = "s0.5"
"hardware.elinks" = 4
"training.learning_rate" = 0.005
[budget]
"""
    text = fake.SEARCH.replace("[budget]\n", f'{start}sampler = "{sampler}"\n')
    found = go_on(begin(tmp_path / "out", fake.search(tmp_path, text)), Inline())
    assert found[0].values == {
        "encoder.conv.0.filters": 3,
        "encoder.dense.0.units": 7,
        "encoder.dense.0.weight": "s0.5",
        "hardware.elinks": 4,
        "training.learning_rate": 0.005,
    }
    assert found[0].rungs
    assert len(found) == 24
    assert found[0].values not in [one.values for one in found[1:]]
    again = go_on(begin(tmp_path / "again", fake.search(tmp_path, text)), Inline(seed=3))
    assert again == found


def test_the_front_is_of_points_trained_in_full_that_none_dominates(whole: list[Trial]) -> None:
    chosen = best(whole, {"emd": "minimise", "area": "minimise"})
    assert chosen
    assert all(one.state == State.TRAINED and [rung.epochs for rung in one.rungs] == [1, 2, 4] for one in chosen)
    for one in chosen:
        for other in (t for t in whole if t.state == State.TRAINED):
            assert not (other.rungs[-1].emd < one.rungs[-1].emd and other.known["area"] < one.known["area"])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_arrival_changes_nothing(tmp_path: Path, whole: list[Trial], seed: int) -> None:
    assert go_on(begin(tmp_path / "out", fake.search(tmp_path)), Inline(seed=seed)) == whole


def test_a_search_that_is_cut_off_again_and_again_ends_the_same(tmp_path: Path, whole: list[Trial]) -> None:
    place, workers = begin(tmp_path / "out", fake.search(tmp_path)), Inline(left=4)
    for cuts in range(50):
        try:
            found = go_on(SearchDirectory.open(place.path), workers)
            break
        except Cut:
            workers.left, workers.seed = 4, cuts
    assert cuts > 3
    assert found == whole
    done = [(task.number, task.rung) for task in workers.tasks]
    assert len(set(done)) == len(done)


@pytest.mark.parametrize("at", [0, 3, 7, 11])
def test_a_search_that_is_cut_off_between_its_draws_ends_the_same(
    tmp_path: Path, whole: list[Trial], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    add, left = Log.add, [at]

    def cut_off(log: Log, trial: Trial) -> None:
        if not left[0]:
            raise Cut
        left[0] -= 1
        add(log, trial)

    monkeypatch.setattr(Log, "add", cut_off)
    with pytest.raises(Cut):
        go_on(place, Inline())
    monkeypatch.undo()
    assert go_on(place, Inline()) == whole


@pytest.mark.parametrize("at", [0, 2, 6])
def test_a_search_that_is_cut_off_while_it_tells_ends_the_same(
    tmp_path: Path, whole: list[Trial], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    tell, left = Log.tell, [at]

    def cut_off(log: Log, trial: Trial) -> None:
        if not left[0]:
            raise Cut
        left[0] -= 1
        tell(log, trial)

    monkeypatch.setattr(Log, "tell", cut_off)
    with pytest.raises(Cut):
        go_on(place, Inline())
    monkeypatch.undo()
    assert go_on(place, Inline()) == whole


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_other_samplers_end_the_same_too(tmp_path: Path, sampler: str) -> None:
    text = fake.SEARCH.replace("generation = 5", f'generation = 5\nsampler = "{sampler}"')
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    place = begin(tmp_path / "one" / "out", fake.search(tmp_path / "one", text))
    expected = go_on(place, Inline())
    assert any(one.state == State.TRAINED for one in expected)
    workers = Inline(left=9)
    other = begin(tmp_path / "other" / "out", fake.search(tmp_path / "other", text))
    with pytest.raises(Cut):
        go_on(other, workers)
    workers.left = -1
    assert go_on(other, workers) == expected


def test_figures_may_be_maximised(tmp_path: Path) -> None:
    text = fake.SEARCH + '[objectives]\nemd = "minimise"\nbits = "maximise"\n'
    place = begin(tmp_path / "out", fake.search(tmp_path, text))
    found = go_on(place, Inline())
    chosen = best(found, dict(place.config.objectives))
    most = max(one.known["bits"] for one in found if one.state == State.TRAINED)
    assert most in {one.known["bits"] for one in chosen}


def test_a_finished_search_does_nothing_when_it_is_continued(tmp_path: Path, whole: list[Trial]) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    go_on(place, Inline())
    again = Inline(left=0)
    assert go_on(place, again) == whole
    assert again.tasks == []


def test_more_trials_go_on_behind_the_last_generation(tmp_path: Path, whole: list[Trial]) -> None:
    config = fake.search(tmp_path)
    place = begin(tmp_path / "out", config)
    go_on(place, Inline())
    longer = SearchDirectory.resume(place.path, config.with_trials(30))
    found = go_on(longer, Inline())
    assert found[:24] == whole
    assert len(found) == 30
    assert min(one.generation for one in found[24:]) > max(one.generation for one in whole)


def test_a_trial_that_diverges_is_marked_and_the_search_goes_on(tmp_path: Path, whole: list[Trial]) -> None:
    place = begin(tmp_path / "out", fake.search(tmp_path))
    number = next(one.number for one in whole if one.state == State.TRAINED)
    (place.path / "trials").mkdir()
    (place.path / f"nan-{number}-always").touch()
    found = go_on(place, Inline())
    assert found[number].state == State.FAILED
    assert "diverged" in found[number].reason
    assert len(found) == 24
    assert number not in [one.number for one in best(found, dict(place.config.objectives))]


@pytest.mark.parametrize(("trials", "draws"), [(400, 15), (12, 12)])
def test_a_space_without_a_point_says_why(tmp_path: Path, trials: int, draws: int) -> None:
    text = fake.SEARCH.replace("registers <= 9000 bits", "latency >= 60 clocks")
    text = text.replace("trials = 24", f"trials = {trials}").replace("generation = 5", "generation = 5\ndraws = 3")
    with pytest.raises(ConfigError, match=rf"none of {draws} draws is a point that may be trained.*latency"):
        go_on(begin(tmp_path / "out", fake.search(tmp_path, text)), Inline())


def test_a_space_whose_allowed_points_are_used_up_ends_with_them(tmp_path: Path) -> None:
    head, _, rest = fake.SEARCH.partition("[space]")
    text = f'{head}[space]\n"encoder.conv.0.filters" = [1, 2, 3, 30]\n{rest[rest.index("[budget]") :]}'
    text = text.replace("generation = 5", "generation = 2\ndraws = 3").replace("trials = 24", "trials = 40")
    found = go_on(begin(tmp_path / "out", fake.search(tmp_path, text)), Inline())
    assert len(found) == 40
    assert sum(one.state not in SETTLED for one in found) == 3
    assert State.REFUSED in {one.state for one in found[3:]}


@pytest.mark.parametrize("problem", [ConfigError, DataError, ModelError])
def test_a_point_whose_data_do_not_suit_it_is_marked(tmp_path: Path, problem: type[EconAeError]) -> None:
    def share(config: RunConfig, path: Path) -> None:  # as the driver calls it
        if config.encoder.conv[0].filters > 2:
            raise problem("too\nmany")

    place = begin(tmp_path / "out", fake.search(tmp_path))
    log = Log(storage.url_of(place.path), place.config, mode="attach", patience=0.0)
    found = Driver(place, log, Inline(), share, Silent(), nothing).run()
    log.close()
    failed = [one for one in found if one.state == State.FAILED]
    assert failed
    assert {(one.reason, one.values["encoder.conv.0.filters"] > 2) for one in failed} == {("too many", True)}
    assert any(one.state == State.TRAINED for one in found)


def test_what_no_machine_can_hold_and_no_pointer_reaches_is_refused(tmp_path: Path) -> None:
    config = fake.search(tmp_path)
    values = dict.fromkeys(config.space.variables) | {
        "encoder.dense.0.units": 8,
        "encoder.dense.0.weight": "s0.2",
        "hardware.elinks": 4,
        "training.learning_rate": 0.001,
    }
    found = point(config, values | {"encoder.conv.0.filters": 10**13})
    assert (found.config, found.reason) == (None, "the encoder does not fit the memory of this machine")
    layers = f"[settings.encoder]\nconv = [{', '.join([LAYER] * 3)}]\n"
    large = fake.search(tmp_path, fake.SEARCH.replace("[settings.data]", f"{layers}[settings.data]"))
    found = point(large, values | {"encoder.conv.0.filters": 80})
    assert found.config is None
    assert "the 16-bit pointer ends at 0xffff: make the encoder smaller" in found.reason


def test_a_small_space_is_used_up_and_nothing_is_trained_twice(tmp_path: Path) -> None:
    head, _, rest = fake.SEARCH.partition("[space]")
    text = f'{head}[space]\n"encoder.conv.0.filters" = [1, 2, 3]\n{rest[rest.index("[budget]") :]}'
    workers = Inline()
    found = go_on(begin(tmp_path / "out", fake.search(tmp_path, text)), workers)
    assert sum(one.state not in SETTLED for one in found) == 3
    assert len({(task.number, task.rung) for task in workers.tasks}) == len(workers.tasks)
    assert {one.reason for one in found if one.state == State.REPEATED} <= {f"same as trial {n}" for n in range(24)}


def test_only_points_that_could_be_in_the_front_are_synthesised(tmp_path: Path) -> None:
    (tmp_path / "small.lib").touch()
    text = fake.SEARCH + '[synthesis]\nliberty = "small.lib"\n'
    workers = Inline()
    found = go_on(begin(tmp_path / "out", fake.search(tmp_path, text)), workers)
    made = [task.number for task in workers.tasks if task.kind == "synthesise"]
    trained = [one for one in found if one.state == State.TRAINED]
    assert 0 < len(made) == len(set(made)) <= len(trained)
    assert {one.number for one in best(found, {"emd": "minimise", "area": "minimise"})} <= set(made)
    for one in trained:
        if one.silicon is None:
            low = one.known["area"] * (1 - one.known["area_error"])
            better = [t for t in trained if t.silicon and t.silicon.kge and t.silicon.kge <= low]
            assert any(t.rungs[-1].emd <= one.rungs[-1].emd for t in better)


def test_a_front_that_is_synthesised_at_the_end_is_whole_and_nothing_else_is(
    tmp_path: Path, whole: list[Trial]
) -> None:
    (tmp_path / "small.lib").touch()
    text = fake.SEARCH + '[synthesis]\nliberty = "small.lib"\nwhen = "end"\n'
    place, workers = begin(tmp_path / "out", fake.search(tmp_path, text)), Inline()
    log = Log(storage.url_of(place.path), place.config, mode="attach", patience=0.0)
    driver = Driver(place, log, workers, nothing, Silent(), nothing)
    assert driver.run() == whole  # no draw depends on it
    assert not any(task.kind == "synthesise" for task in workers.tasks)
    before = {one.number for one in best(driver.trials, {"emd": "minimise", "area": "minimise"})}
    synthesise_front(place, driver, Silent())
    log.close()
    front = {one.number for one in best(driver.trials, {"emd": "minimise", "area": "minimise"})}
    made = [task.number for task in workers.tasks if task.kind == "synthesise"]
    assert front <= set(made)
    assert before <= set(made)
    assert len(made) == len(set(made)) < sum(one.state == State.TRAINED for one in whole)
