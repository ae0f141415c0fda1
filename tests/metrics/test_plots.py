"""Plots: standalone SVG that shows what it is given and refuses to draw nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from econ_ae.errors import DataError
from metrics.emd import EmdResult
from metrics.plots import RatePoint, Series, distribution_plot, profile_plot, rate_plot, training_plot
from metrics.profiles import profile


def series(algorithm: str) -> Series:
    values = EmdResult(np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool))
    return Series(
        algorithm, "plain", None, algorithm, profile(values, [0, 1, 5], [0, 2, 4, 6])
    )  # the middle bin is empty


def glyphs(svg: str) -> int:
    return len(re.findall(r"<use ", svg))


@pytest.mark.parametrize(
    "svg",
    [
        profile_plot([series("ae"), series("bc")], "Occupancy"),
        distribution_plot([("ae", "", "autoencoder", np.array([0.0, 1.0, 2.0]))]),
        distribution_plot([("bc", "plain", "best choice", np.zeros(5))]),
        rate_plot([RatePoint("bc", "plain", "bc", 52, 2.0, 0.1), RatePoint("bc", "plain", "bc", 146, 0.2, 0.01)]),
        training_plot({"loss": [1.0]}),
        training_plot({"loss": [1.0, 0.0], "val_loss": [1.0, 0.1], "lr": [0.0, 0.0]}),
    ],
)
def test_plots_are_standalone_svg_on_white(svg: str) -> None:
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "width" not in root.attrib  # scales with its container
    assert root.attrib["aria-label"]
    assert "fill: #ffffff" in svg
    assert glyphs(svg) > 10
    assert "nan" not in svg.lower()


def test_a_plot_is_reproducible_and_leaves_the_style_alone() -> None:
    before = dict(mpl.rcParams)
    assert profile_plot([series("ae")], "x") == profile_plot([series("ae")], "x")
    assert dict(mpl.rcParams) == before


def test_the_autoencoder_and_the_best_other_have_a_band() -> None:
    translucent = "opacity: 0.13"
    assert profile_plot([series("ae")], "x").count(translucent) == 1
    assert profile_plot([series("ae"), series("bc"), series("ts")], "x").count(translucent) == 2


def test_classes_are_points_that_are_not_joined() -> None:
    svg = profile_plot([series("ae")], "layer <i>", classes=[3, 5, 9])
    assert 'aria-label="mean EMD against layer &lt;i&gt;"' in svg
    assert svg.count("<path") < profile_plot([series("ae")], "layer").count("<path") + 20


def test_a_far_repeater_does_not_squeeze_the_others() -> None:
    def first_marker(svg: str) -> tuple[str, ...]:
        found = re.search(r'<use [^>]*x="([^"]+)" y="([^"]+)" style="fill: #1f5fbf', svg)
        assert found
        return found.groups()

    points = [RatePoint("bc", "plain", "best choice", bits, 1.0 / bits, 0.001) for bits in (64, 90)]
    near = rate_plot(points)
    far = rate_plot([*points, RatePoint("rpt", "plain", "repeater", 341, 0.003, 0.0001)])
    assert first_marker(near) == first_marker(far)
    assert glyphs(far) > glyphs(near) + 20  # named in words


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(DataError, match="a profile plot needs at least one series"):
        profile_plot([], "x")
    with pytest.raises(DataError, match="a rate plot needs at least one point with a mean EMD above 0"):
        rate_plot([RatePoint("bc", "plain", "bc", 384, 0.0, 0.0)])
    with pytest.raises(DataError, match=r"training history has no 'loss'; it has \['val_loss'\]"):
        training_plot({"val_loss": [1.0]})
