"""Class maps: every module in one class, or an error that names it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data import classes
from econ_ae.data.classes import CMS_LINKS, ClassMap
from econ_ae.errors import ConfigError, DataError

LINKS = {"two": 2, "three": 3, "four": 4, "five": 5}
LAYERS = {"layer": np.arange(34)}


def written(tmp_path: Path, text: str, name: str = "map.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def assigned(found: ClassMap, metadata: dict[str, np.ndarray], names: dict[str, int] = LINKS) -> list[str]:
    rows = len(next(iter(metadata.values())))
    order = list(names)
    return [order[i] for i in found.assign(metadata, rows, order)]


def test_the_default_map_is_that_of_the_detectors_layer_numbers() -> None:
    names = assigned(classes.cms(LINKS), LAYERS)
    detector = {2 * layer + 1: LINKS[name] for layer, name in enumerate(names) if layer < 13}
    assert {layer: links for layer, links in detector.items() if links > 2} == {5: 5, 9: 5, 7: 4, 11: 4, 13: 3}
    assert set(names[13:]) == {"two"}
    assert len(CMS_LINKS) == 34


def test_the_first_layers_may_be_a_class_of_their_own() -> None:
    links = {classes.FRONT: 2, **LINKS}
    names = assigned(classes.cms(links, front=True), LAYERS, links)
    assert names[:2] == ["front", "front"]
    assert names[2:] == assigned(classes.cms(LINKS), LAYERS)[2:]
    for wrong in (LINKS, {classes.FRONT: 3, **LINKS}):
        with pytest.raises(ConfigError, match="the map cms-front: expected a class 'front' with 2 eLinks among"):
            classes.cms(wrong, front=True)


def test_the_last_line_that_fits_decides_and_empty_columns_fit_all(tmp_path: Path) -> None:
    path = written(tmp_path, "layer,wafer_u,wafer_v,class\n,,,two\n3,,,three\n3,1,2,five\n")
    metadata = {
        "layer": np.array([0, 3, 3, 4]),
        "wafer_u": np.array([1, 1, 1, 1]),
        "wafer_v": np.array([2, 2, 3, 2]),
    }
    found = classes.read(path, {"two": 2, "three": 3, "five": 5})
    assert assigned(found, metadata, {"two": 2, "three": 3, "five": 5}) == ["two", "five", "three", "two"]


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    records = [{"layer": layer, "elinks": links} for layer, links in CMS_LINKS.items()]
    a = classes.read(written(tmp_path, json.dumps(records), "map.json"), LINKS)
    lines = "\n".join(f"{layer},{links}" for layer, links in CMS_LINKS.items())
    b = classes.read(written(tmp_path, f"layer,elinks\n{lines}\n"), LINKS)
    assert a.sha256 == b.sha256
    assert assigned(a, LAYERS) == assigned(classes.cms(LINKS), LAYERS)


def test_places_are_found_by_position(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y,elinks\n10.0,20.0,5\n,,2\n10.0,-20.0,5\n")
    found = classes.read(path, {"two": 2, "five": 5})
    metadata = {"x": np.array([10.2, 10.0, 10.0]), "y": np.array([19.9, -20.0, 22.0])}
    assert assigned(found, metadata, {"two": 2, "five": 5}) == ["two", "five", "two"]


def test_a_class_for_every_row(tmp_path: Path) -> None:
    path = written(tmp_path, "row,class\n0,two\n1,five\n2,two\n")
    found = classes.read(path, {"two": 2, "five": 5})
    assert found.assign({}, 3, ["two", "five"]).tolist() == [0, 1, 0]
    assert found.assign({}, 2, ["two", "five"], first=1).tolist() == [1, 0]
    with pytest.raises(DataError, match="a class for 3 rows; the data have at least 4"):
        found.assign({}, 4, ["two", "five"])


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("layer,class\n0,tow\n", ConfigError, "did you mean 'two'"),
        ("layer,elinks\n0,1\n", ConfigError, "no class sends on 1"),
        ("layer,class,elinks\n0,two,3\n", ConfigError, "but that class sends on 2"),
        ("layer,class\nx,two\n", DataError, "layer is 'x'; expected a number"),
        ("layer,class\n0,two\n0,five\n", DataError, "an earlier line says 'two'"),
        ("layr,class\n0,two\n", DataError, "unknown column 'layr'"),
        ("layer\n0\n", DataError, "and class or elinks"),
        ("layer,class\n0\n", DataError, "other columns"),
        ("layer,class\n", DataError, "holds no lines"),
        ("layer,class\n0,\n", DataError, "neither class nor elinks"),
        ("row,class\n1,two\n0,two\n", DataError, "numbered from 0"),
        ("layer,elinks\n0,many\n", DataError, "elinks is 'many'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        classes.read(written(tmp_path, text), LINKS)


def test_modules_in_no_class_and_classes_without_modules(tmp_path: Path) -> None:
    found = classes.read(written(tmp_path, "layer,class\n0,two\n1,five\n"), LINKS)
    with pytest.raises(DataError, match="2 images of 1 modules are in no class, first layer 7"):
        found.assign({"layer": np.array([0, 1, 7, 7])}, 4, ["two", "five"])
    with pytest.raises(DataError, match="class 'five' has no module"):
        classes.check_used({"two": 2, "five": 0}, found.source)
    with pytest.raises(DataError, match="names modules by 'layer', which the data do not have; they have eta"):
        found.assign({"eta": np.array([0.0])}, 1, ["two", "five"])
    with pytest.raises(ConfigError, match="puts modules into class 'five'"):
        found.assign({"layer": np.array([0])}, 1, ["two"])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the class map"):
        classes.read(tmp_path / "none.csv", LINKS)


def test_two_classes_of_one_number_need_names() -> None:
    with pytest.raises(ConfigError, match="classes a, b all send on 2"):
        classes.cms({"a": 2, "b": 2, "three": 3, "four": 4, "five": 5})
