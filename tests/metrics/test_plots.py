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
    return Series(algorithm, "plain", algorithm, profile(values, [0, 1, 5], [0, 2, 4, 6]))  # the middle bin is empty


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


def test_only_the_autoencoder_has_a_band() -> None:
    translucent = "opacity: 0.14"
    assert translucent in profile_plot([series("ae")], "x")
    assert translucent not in profile_plot([series("bc")], "x")


def test_nothing_to_draw_is_an_error() -> None:
    with pytest.raises(DataError, match="a profile plot needs at least one series"):
        profile_plot([], "x")
    with pytest.raises(DataError, match="a rate plot needs at least one point with a mean EMD above 0"):
        rate_plot([RatePoint("bc", "plain", "bc", 384, 0.0, 0.0)])
    with pytest.raises(DataError, match=r"training history has no 'loss'; it has \['val_loss'\]"):
        training_plot({"val_loss": [1.0]})
