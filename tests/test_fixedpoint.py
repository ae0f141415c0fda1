"""Requantisation against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding, bits_for, requantise, shift_round

FORMATS = st.builds(
    FixedFormat, st.booleans(), st.integers(min_value=2, max_value=62), st.integers(min_value=-64, max_value=64)
)
SMALL = st.integers(min_value=-5, max_value=5)
VALUES = st.integers(min_value=-(1 << 61), max_value=(1 << 61) - 1)


def exact(value: int, fraction: int, to: FixedFormat, rounding: Rounding, overflow: Overflow) -> int:
    """One value in rational arithmetic; Python's round() is half to even."""
    scaled = Fraction(value) * Fraction(2) ** (to.fraction - fraction)
    result = round(scaled) if rounding is Rounding.RND_CONV else floor(scaled)
    if overflow is Overflow.SAT:
        return max(to.min, min(to.max, result))
    return (result - to.min) % (1 << to.width) + to.min


@given(
    st.lists(VALUES, min_size=1, max_size=20),
    st.integers(min_value=-64, max_value=64),
    FORMATS,
    st.sampled_from(Rounding),
    st.sampled_from(Overflow),
)
def test_requantise_equals_fractions(
    values: list[int], fraction: int, to: FixedFormat, rounding: Rounding, overflow: Overflow
) -> None:
    got = requantise(np.array(values, np.int64), fraction, to, rounding, overflow)
    assert got.tolist() == [exact(v, fraction, to, rounding, overflow) for v in values]
    assert got.dtype == np.int64


def test_ties_go_to_even_and_floor_goes_down() -> None:
    quarters = np.array([-10, -6, -2, -1, 1, 2, 6, 10])  # -2.5, -1.5, -0.5, -0.25, ...
    assert shift_round(quarters, 2, Rounding.RND_CONV).tolist() == [-2, -2, 0, 0, 0, 0, 2, 2]
    assert shift_round(quarters, 2, Rounding.TRN).tolist() == [-3, -2, -1, -1, 0, 0, 1, 2]


@given(st.booleans(), st.integers(min_value=0, max_value=20), st.integers(min_value=0, max_value=20))
def test_notation_round_trips(signed: bool, integer: int, fraction: int) -> None:
    text = f"{'s' if signed else 'u'}{integer}.{fraction}"
    if integer + fraction == 0:
        with pytest.raises(ModelError, match="width"):
            FixedFormat.parse(text)
        return
    fmt = FixedFormat.parse(text)
    assert str(fmt) == text
    assert fmt.holds(fmt.min, fmt.max)
    assert not fmt.holds(fmt.min - 1, fmt.max)
    assert not fmt.holds(fmt.min, fmt.max + 1)
    assert fmt.max - fmt.min == (1 << fmt.width) - 1


@given(VALUES | SMALL, VALUES | SMALL)
def test_bits_for_is_the_narrowest(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    signed, width = bits_for(low, high)
    assert signed == (low < 0)
    assert FixedFormat(signed, width, 0).holds(low, high)
    if width > 1 + signed:
        assert not FixedFormat(signed, width - 1, 0).holds(low, high)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedFormat.parse("1.7"), "fixed-point format '1.7' not understood; expected 'uI.F' or 'sI.F', "),
        (lambda: FixedFormat(True, 1, 0), "width of a signed format must be 2..62, not 1"),
        (lambda: FixedFormat(False, 63, 0), "width of an unsigned format must be 1..62, not 63"),
        (lambda: FixedFormat(False, 8, 65), "fraction of a format must be -64..64, not 65"),
        (lambda: bits_for(1, 0), "an interval needs low <= high, not 1 > 0"),
    ],
)
def test_errors_say_what_was_expected(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ModelError) as caught:
        make()
    assert message in str(caught.value)
