"""Labels inside the axes, and PDF, PNG and CSV beside each other."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.path import Path as Outline

from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.figure import new_figure
from metrics.search_plot import Point, front_plot
from metrics.sheet import KINDS, Sheet, Sign, origin, sign_axes
from metrics.treemap import treemap_plot
from metrics.wafer import Display
from metrics.wafer_plot import charge_norm, event_plot
from metrics.wafer_shapes import cell_shapes, module_outline


def test_the_word_says_where_events_come_from() -> None:
    assert origin(synthetic=True, simulated=False) == "Synthetic"
    assert origin(synthetic=False) == "Simulation"
    assert origin(synthetic=False, simulated=False) == ""


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_label_is_inside_the_axes_and_covers_no_data(scale: str) -> None:
    with new_figure() as (figure, axes):
        axes.plot([0, 1], [1.0, 100.0])
        axes.set_yscale(scale)
        sign_axes(axes, Sign("Experiment", "Simulation", 12345))
        figure.draw_without_rendering()
        frame = axes.get_window_extent()
        texts = {text.get_text(): text.get_window_extent() for text in axes.texts}
        assert set(texts) == {"Experiment", "Simulation", "12\u202f345 events"}
        top_of_data = axes.transData.transform((1.0, 100.0))[1]
        for box in texts.values():
            assert frame.x0 < box.x0 < box.x1 < frame.x1
            assert top_of_data < box.y0 < box.y1 < frame.y1
        assert texts["Experiment"].x1 < texts["Simulation"].x0


def test_every_plot_has_its_files_and_the_same_bytes_again(tmp_path: Path) -> None:
    def draw() -> dict[str, bytes]:
        svg = treemap_plot({"a & b": 3e3, "b": 1e3}, "A <t>", name="area", sheet=Sheet(Sign("X"), tmp_path, "of_"))
        assert 'aria-label="area by part, A &lt;t&gt;"' in svg
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    first = draw()
    assert sorted(first) == sorted(f"of_area.{kind}" for kind in KINDS)
    assert first["of_area.pdf"].startswith(b"%PDF")
    assert first["of_area.csv"].decode().split("\n")[:2] == ["part,gate_equivalents,share", "a & b,3000,0.75"]
    assert draw() == first
    assert treemap_plot({"a": 1.0}, "t", name="x", sheet=Sheet()) != ""
    assert len(list(tmp_path.iterdir())) == len(KINDS)  # a sheet without a folder writes nothing


def test_cells_cover_the_module_without_a_gap() -> None:
    shapes, outline = cell_shapes(MODULE), module_outline(MODULE)
    assert shapes.shape == (48, 14, 2)
    x, y = shapes[..., 0], shapes[..., 1]
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1))
    np.testing.assert_allclose(area, 4 * np.sqrt(3) / 2, rtol=1e-5)  # four hexagons a unit apart
    # Points in the module, away from its rim, are in exactly one cell: no gap, no overlap.
    points = shapes.reshape(-1, 2).mean(axis=0) + np.random.default_rng(1).uniform(-4, 4, (2000, 2))
    inside = np.sum([Outline(shape).contains_points(points) for shape in shapes], axis=0)
    assert (inside == 1).all()
    assert Outline(outline).contains_points(shapes.reshape(-1, 2)).all()


def test_charges_that_span_decades_have_a_logarithmic_scale(tmp_path: Path) -> None:
    assert type(charge_norm(np.array([0.0, 1.0, 5.0]), 5.0)).__name__ == "PowerNorm"
    assert type(charge_norm(np.array([0.0, 1.0, 50.0]), 50.0)).__name__ == "LogNorm"
    image = np.zeros(48)
    image[[3, 7]] = 35.0, 70.0
    shown = [Display("sent", "3 MIP_T", image), Display("out", "EMD 1.0", np.ones(48))]
    event_plot(shown, MODULE, Sheet(Sign(origin="Synthetic"), tmp_path), "event", "an event")
    rows = list(csv.DictReader((tmp_path / "event.csv").read_text().splitlines()))
    assert [float(row["sent"]) for row in rows[3:8]] == [1, 0, 0, 0, 2]
    assert sum(float(row["out"]) for row in rows) == pytest.approx(3.0, rel=1e-4)
    assert imread(tmp_path / "event.png").std() > 0.1


def test_the_front_of_a_search_is_drawn_with_the_algorithms_of_the_chip(tmp_path: Path) -> None:
    points = [Point(0, 100.0, 5.0, 0.5, trained=True, front=True), Point(3, 80.0, 0.0, 0.9, trained=False, front=False)]
    svg = front_plot(points, [("best choice, 2 eLinks", 0.6)], Sheet(Sign(origin="Synthetic"), tmp_path))
    rows = list(csv.DictReader((tmp_path / "front.csv").read_text().splitlines()))
    assert [(row["trial"], row["emd"], row["front"]) for row in rows] == [("0", "0.5", "True"), ("3", "0.9", "False")]
    assert len(svg) > len(front_plot([], [], Sheet()))
