"""The chip's float codes against their definition, digit by digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ_ae import floatcodes
from econ_ae.errors import DataError


def by_definition(value: int, exponent: int, mantissa: int) -> int:
    """Spec 4, on the binary digits."""
    digits = f"{value:b}" if value else ""
    e = len(digits) - mantissa
    if e <= 0:
        return value
    if e >= 1 << exponent:
        return (1 << (exponent + mantissa)) - 1
    return e << mantissa | int("0" + digits[1 : 1 + mantissa], 2)


@given(
    st.lists(st.integers(min_value=0, max_value=(1 << 53) - 1), min_size=1),
    st.sampled_from([(4, 3), (5, 3), (5, 4), (3, 2)]),
)
def test_encode_is_the_definition(values: list[int], shape: tuple[int, int]) -> None:
    assert floatcodes.encode(np.array(values), *shape).tolist() == [by_definition(v, *shape) for v in values]


@pytest.mark.parametrize(("density", "zero", "largest"), [(1, 1, 507_904), (3, 4, 2_031_616)])
def test_all_trigger_cell_codes(density: int, zero: int, largest: int) -> None:
    codes = np.arange(128)
    charges = floatcodes.decode_4e3m(codes, density)
    assert (charges[0], charges[-1]) == (zero, largest)
    assert (np.diff(charges) > 0).all()
    np.testing.assert_array_equal(floatcodes.encode_4e3m(charges, density), codes)
    # The charge is the middle of its bin: half a bin below or above is the edge of the neighbouring one.
    significand, shift = floatcodes.decode(codes, 4, 3)
    edge = significand << (shift + density)
    np.testing.assert_array_equal(floatcodes.encode_4e3m(edge, density), codes)
    np.testing.assert_array_equal(floatcodes.encode_4e3m(edge[1:] - 1, density), codes[:-1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: floatcodes.decode_4e3m(np.array([128]), 1), "4E3M codes must be 0..127, got 128..128"),
        (lambda: floatcodes.encode(np.array([-1]), 4, 3), "values must be 0..9007199254740991, got -1..-1"),
        (lambda: floatcodes.encode(np.array([1.5]), 4, 3), "values must be integers, not float64"),
    ],
)
def test_errors(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


def test_a_factor_of_1024_makes_counts_of_codes() -> None:
    """What docs/rtl.md says of encoders that were trained on counts."""
    codes = np.arange(128)
    significand, shift = floatcodes.decode(codes, 4, 3)
    counts = significand << shift
    charges = (floatcodes.decode_4e3m(codes, floatcodes.LOW_DENSITY) * 1024) >> 11
    np.testing.assert_array_equal(charges[:16], counts[:16])
    np.testing.assert_array_equal((charges - counts)[16:], (1 << shift[16:]) >> 1)
