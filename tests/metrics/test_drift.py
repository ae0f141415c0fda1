"""Where a retraining begins to be worth it: beyond its error, beyond that of longer training, at the smallest value."""

from __future__ import annotations

import pytest

from econ_ae.errors import DataError
from metrics.drift import Curve, picture, verdict
from metrics.statistics import Measured


def curve(*gains: tuple[float, float], control: tuple[float, float] = (0.0, 0.001), name: str = "a") -> Curve:
    values = tuple(float(i) for i in range(len(gains) + 1))
    old = tuple(Measured(1.0 + value, 0.01) for value in values)
    gain = tuple(Measured(*pair) for pair in (control, *gains))
    new = tuple(Measured(o.value - g.value, 0.01) for o, g in zip(old, gain, strict=True))
    return Curve(name, "dead cells", values, old, new, gain)


def test_the_smallest_condition_that_gains_more_than_its_error() -> None:
    found = verdict(curve((0.01, 0.01), (0.03, 0.01), (0.09, 0.01)), 2.0)
    assert (found.value, found.gain, found.most) == (2.0, Measured(0.03, 0.01), 3.0)
    assert verdict(curve((0.01, 0.01), (0.03, 0.01), (0.09, 0.01)), 4.0).value == 3.0
    assert verdict(curve((0.01, 0.01), (0.015, 0.01)), 2.0).value is None


def test_what_longer_training_alone_gives_does_not_count() -> None:
    assert verdict(curve((0.05, 0.01), (0.09, 0.01), control=(0.04, 0.01)), 2.0).value == 2.0
    assert verdict(curve((0.05, 0.01), control=(0.05, 0.001)), 2.0).value is None


def test_gains_without_an_error_or_of_next_to_nothing_never_count() -> None:
    assert verdict(curve((0.5, float("nan"))), 2.0).value is None
    assert verdict(curve((1e-5, 0.0), control=(0.0, 0.0)), 2.0).value is None


def test_a_curve_needs_values_that_rise() -> None:
    good = curve((0.1, 0.01), (0.2, 0.01))
    with pytest.raises(DataError, match="do not rise"):
        Curve("a", "dead", (0.0, 2.0, 1.0), good.old, good.new, good.gain)
    with pytest.raises(DataError, match="expected as many EMDs"):
        Curve("a", "dead", (0.0, 1.0), good.old, good.new, good.gain)


def test_the_picture_is_one() -> None:
    png = picture([curve((0.1, 0.01)), curve((0.2, 0.01), name="b")])
    assert png.startswith(b"\x89PNG")
    assert png != picture([curve((0.1, 0.01))])
