"""The picture of the floors in docs/architecture.md is what the sources import."""

from __future__ import annotations

import pytest

from scripts import architecture

PAGE = architecture.PAGE.read_text(encoding="utf-8")
FLOORS = architecture.floors(PAGE)
SMALL = [["app.cli"], ["app.run"], ["data", "sim"], ["errors", "files"]]


def test_every_module_has_a_room_and_every_room_modules() -> None:
    graph = architecture.imports()
    assert architecture.homeless(graph, FLOORS) == [], "draw them in docs/architecture.md"
    packages = {"rtl_gen", "sim", "metrics"}
    drawn = {room if room in packages else f"econ_ae.{room}" for line in FLOORS for room in line}
    assert sorted(drawn - set(graph)) == [], "docs/architecture.md draws rooms that are not there"


def test_no_arrow_goes_up() -> None:
    found = architecture.arrows(architecture.imports(), FLOORS)
    assert architecture.upward(found, FLOORS) == []
    assert "sim" in found["app.suites"], "the application joins the packages"


def test_the_table_of_arrows_is_that_of_the_code() -> None:
    assert architecture.with_arrows(PAGE) == PAGE, "run: python scripts/architecture.py"


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("econ_ae.app.run.lock", "econ_ae.app.cli.main", ["app.run -> app.cli"]),
        ("econ_ae.data.batch", "sim.bench.runner", ["data -> sim"]),
        ("econ_ae.files", "econ_ae.data", ["ground -> data"]),
        ("econ_ae.files", "econ_ae.errors", []),
        ("sim.bench.runner", "econ_ae.errors", []),
    ],
)
def test_arrows_that_go_up_are_found(module: str, imported: str, wrong: list[str]) -> None:
    graph = {module: {imported}, imported: set()}
    assert architecture.upward(architecture.arrows(graph, SMALL), SMALL) == wrong
    assert architecture.homeless(graph | {"econ_ae.app.new": set()}, SMALL) == ["econ_ae.app.new"]
