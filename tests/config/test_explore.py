"""The file of a search: what it may say, and the one line that says what is wrong with it."""

from __future__ import annotations

import math
from hashlib import sha256
from pathlib import Path

import pytest

from econ_ae.config.explore import ExploreConfig, limit, load, named_or_file, searches
from econ_ae.config.load import parse_as
from econ_ae.config.space import put
from econ_ae.errors import ConfigError

GOOD = """
name = "small"
base = "quick"
constraints = ["area <= 400 kGE", "registers <= 500 bytes"]
[space]
"$layers" = [1, 2]
"encoder.conv.0.filters" = { low = 1, high = 8 }
"encoder.conv.1.filters" = { low = 1, high = 4 }
"$weight" = { choices = ["s0.3", "s0.5"], sets = ["encoder.conv.0.weight", "encoder.dense.0.weight"] }
"training.learning_rate" = { low = 1e-3, high = 1e-2, log = true }
[[when]]
where = { "$layers" = [2] }
use = ["encoder.conv.1.filters"]
settings = { decoder = { hidden = [16] } }
[budget]
rungs = [2, 8]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "search.toml"
    path.write_text(text)
    return path


def test_a_search_goes_through_json(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD))
    again = parse_as(ExploreConfig, found.model_dump(mode="json"), "json")
    assert again == found
    assert again.identity == found.identity
    assert found.with_trials(99).identity == found.identity
    assert load(written(tmp_path, GOOD.replace("high = 8", "high = 9"))).identity != found.identity
    assert found.rungs == (2, 8)
    # Searches that were made before there was such a key are the same ones.
    older = found.model_copy(update={"budget": found.budget.model_copy(update={"trials": 1, "retries": 0})})
    assert found.identity == sha256(older.model_dump_json(exclude={"start"}).encode()).hexdigest()


def test_conditions_say_what_is_in_use_and_what_else_holds(tmp_path: Path) -> None:
    space = load(written(tmp_path, GOOD)).space
    values = {
        "$layers": 1,
        "encoder.conv.0.filters": 5,
        "encoder.conv.1.filters": 3,
        "$weight": "s0.3",
        "training.learning_rate": 0.002,
    }
    one = space.config(values, "point")
    assert "encoder.conv.1.filters" not in space.active(values)
    assert [layer.filters for layer in one.encoder.conv] == [5]
    assert one.encoder.conv[0].weight == one.encoder.dense[0].weight == "s0.3"
    assert one.decoder.hidden == (64,)
    two = space.config(values | {"$layers": 2}, "point")
    assert [layer.filters for layer in two.encoder.conv] == [5, 3]
    assert two.decoder.hidden == (16,)
    assert math.isinf(space.size)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"$layers" = [1, 2]', '"$layers" = []', "there is nothing to choose from"),
        ("conv.0.filters", "conv.0.filterz", "unknown key 'encoder.conv.0.filterz'; did you mean 'filters'?"),
        ("low = 1, high = 8", "low = 9, high = 8", "low is above high, so that the range is empty"),
        ("low = 1, high = 8", "low = 0, high = 8", "encoder.conv.0.filters = 0"),
        ("low = 1e-3, high = 1e-2, log", "low = 0.0, high = 1e-2, log", "log needs low above 0"),
        ('["s0.3", "s0.5"]', '["s0.3", "u0.5"]', "weights need a signed format"),
        ('"$layers" = [2]', '"$layerz" = [2]', "which is no variable of [space]; did you mean '$layers'?"),
        ('"$layers" = [2]', '"$layers" = [3]', "condition on $layers = 3, which it never is"),
        ('use = ["encoder.conv.1.filters"]', 'use = ["$layers"]', "depend on each other"),
        ("hidden = [16]", "hiden = [16]", "unknown key 'decoder.hiden'; did you mean 'hidden'?"),
        ("area <= 400 kGE", "area < 400 kGE", "is no constraint; expected for example 'area <= 400 kGE'"),
        ("area <= 400 kGE", "aria <= 400 kGE", "'aria' is not known before a training"),
        ("area <= 400 kGE", "area <= 400 mm2", "has unit 'mm2'; expected one of 'kGE'"),
        ('"area <= 400 kGE"', '"area <= 400 kGE", "area >= 1 MGE"', "contradict each other"),
        ("rungs = [2, 8]", "rungs = [8, 2]", "expected rising numbers of epochs"),
        ("rungs = [2, 8]", "rungs = [2, 9]", "budget.rungs ends with 9 epochs and training.epochs is 8"),
        ("rungs = [2, 8]", "trails = 3", "unknown key 'budget.trails'; did you mean 'trials'?"),
        ('base = "quick"', 'base = "quik"', "member 'quik' is unknown"),
        ("[space]", "[settings.trainig]\nepochs = 8\n[space]", "unknown key 'trainig'; did you mean 'training'?"),
        ("[space]", "[settings.where]\nx = 1\n[space]", "unknown key 'where'"),
        ("[space]", "[settings.config]\nx = 1\n[space]", "unknown key 'config'"),
        ("[space]", "[settings.data.events]\nx = 1\n[space]", "data.events = {'x': 1}"),
        ("low = 1, high = 8", "low = 1.0, high = 8.0", "Input should be a valid integer, got a number with a fraction"),
        ("[1, 2]", "[2020-01-01, 1]", "expected numbers, texts, true, false, lists or tables, not dates or times"),
        (
            '"$layers" = [2]',
            '"$layers" = [2020-01-01]',
            "condition on $layers = datetime.date(2020, 1, 1), which it never",
        ),
        ('where = { "$layers" = [2] }', 'where = { "encoder.conv.0.filters" = [9] }', "filters = 9, which it never is"),
        ("[space]", '[space]\n"encoder.conv.0.weight" = ["s0.3"]', "both set encoder.conv.0.weight; leave one out"),
        ("[space]", '[space]\n"training.seeds" = [1, 3]', "which training.seeds, distill and prune do not allow"),
        (
            "hidden = [16] }",
            "hidden = [16] }, training = { prune = { weights = 0.5 } }",
            "distill and prune do not allow",
        ),
        (
            "hidden = [16] }",
            "hidden = [16] }, training = { epochs = 3 }",
            "training.epochs is searched and budget.rungs",
        ),
        ('"$weight" = { ch', '"$w" = [1]\n"$weight" = { ch', "$w sets no key and no condition reads it"),
        ("[budget]", '[objectives]\narea = "minimise"\n[budget]', "objectives are emd and one at least of"),
        ("[budget]", '[objectives]\nemd = "minimise"\nbeauty = "maximise"\n[budget]', "objective 'beauty' is unknown"),
        (
            "[budget]",
            '[objectives]\nemd = "minimise"\npower = "minimise"\n[synthesis]\nwhen = "end"\npower_events = 9\n[budget]',
            "needs the synthesis of every generation",
        ),
        ("[budget]", '[objectives]\nemd = "minimise"\npower = "minimise"\n[budget]', "needs [synthesis]"),
        (
            "[budget]",
            "[settings.training]\nseeds = 3\n[budget]",
            "which training.seeds, distill and prune do not allow",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, GOOD.replace(old, new, 1)))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


START = """
[[start]]
"encoder.conv.0.filters" = 4
"$weight" = "s0.3"
"""


def test_points_to_start_with_take_what_they_leave_out_from_the_base(tmp_path: Path) -> None:
    search = load(
        written(tmp_path, GOOD.replace("[1, 2]", "[2, 1]", 1) + START + '"$layers" = 2\n"encoder.conv.1.filters" = 2\n')
    )
    assert search.start == (
        {
            "$layers": 2,
            "encoder.conv.0.filters": 4,
            "encoder.conv.1.filters": 2,
            "$weight": "s0.3",
            "training.learning_rate": search.space.base.training.learning_rate,
        },
    )
    assert search.identity != load(written(tmp_path, GOOD)).identity


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('"$layers" = 3\n', "$layers is 3; expected a value that [space] has"),
        ('"encoder.conv.0.filter" = 3\n', "did you mean 'encoder.conv.0.filters'"),
        ('"$layers" = 1\n"$weight" = "s0.3"\n"encoder.conv.0.filters" = 9\n', "encoder.conv.0.filters is 9"),
        ('"$layers" = 1\n"$weight" = "s0.3"\n"encoder.conv.0.filters" = 4.5\n', "encoder.conv.0.filters is 4.5"),
        ('"$layers" = 2\n"$weight" = "s0.3"\n', "encoder.conv.1.filters is None, which is the base's"),
    ],
)
def test_points_to_start_with_that_cannot_be_drawn_are_said(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load(written(tmp_path, f"{GOOD}\n[[start]]\n{more}"))
    assert told in str(problem.value)
    assert "point 0 of start" in str(problem.value)


def test_a_step_that_does_not_lead_to_the_end_is_checked_where_it_leads(tmp_path: Path) -> None:
    text = GOOD.replace("[space]", '[space]\n"encoder.conv.0.kernel" = { low = 1, high = 4, step = 2 }')
    variable = load(written(tmp_path, text)).space.variables["encoder.conv.0.kernel"]
    assert variable.extremes() == (1, 3)
    assert [value for value in range(6) if variable.takes(value)] == [1, 3]


def test_a_value_between_the_ends_is_one_of_a_range_without_steps(tmp_path: Path) -> None:
    variable = load(written(tmp_path, GOOD)).space.variables["training.learning_rate"]
    assert [variable.takes(value) for value in (1e-3, 2e-3, 1, "2e-3", True)] == [True, True, False, False, False]


def test_an_empty_space_is_said(tmp_path: Path) -> None:
    head = GOOD.partition("[space]")[0]
    for text in (head, head + "[space]\n"):
        with pytest.raises(ConfigError, match="the search space is empty"):
            load(written(tmp_path, text))


def test_constraints_in_any_unit() -> None:
    assert limit("area <= 0.4 MGE").value == limit("area <= 400 kGE").value == 400
    assert limit("registers<=500 bytes").value == 4000
    assert limit("latency >= 3 clocks").excess(2) > 0 >= limit("latency >= 3").excess(3)


def test_keys_through_what_is_no_table_are_refused() -> None:
    tree = {"encoder": {"conv": [{"filters": 8}], "input": "u1.7"}, "prune": None}
    put(tree, "encoder.conv.1.filters", 4)
    put(tree, "prune.weights", 0.5)
    assert tree["encoder"]["conv"] == [{"filters": 8}, {"filters": 4}]
    assert tree["prune"] == {"weights": 0.5}
    for key in ("encoder.conv.3.filters", "encoder.conv.x.filters", "encoder.input.bits", "encoder.conv.0"):
        if key == "encoder.conv.0":
            with pytest.raises(ConfigError, match="is no table"):
                put(tree, key, 1)
        else:
            with pytest.raises(ConfigError):
                put(tree, key, 1)


@pytest.mark.parametrize("name", searches())
def test_searches_that_come_along_are_right(name: str) -> None:
    found = named_or_file(name)
    assert found.space.size > 1000
    assert found.synthesis is not None


def test_a_search_that_does_not_come_along_is_said() -> None:
    with pytest.raises(ConfigError, match=r"search 'cels' is unknown.*did you mean 'cells'"):
        named_or_file("cels")
