"""What a decoder may know: normalisation by hand, hostile columns by name, constants found before training."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import numpy as np
import pytest

from econ_ae.config import DecoderConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.module_conditions import DEFINITIONS, NO_LATTICE, NONE, Conditions, told_by
from econ_ae.econt.autoencoder import sum_code
from econ_ae.errors import ConfigError, DataError

ALL = Conditions(("eta", "layer", "u", "v", "thickness", "log_sum"))


def batch(**changed: Any) -> Batch:
    """Four images of modules at different places; ``name=None`` leaves a column out."""
    columns: dict[str, Any] = {
        "eta": np.array([1.55, -2.0, 2.9, 2.2]),
        "detector_layer": np.array([1, 7, 25, 47]),
        "wafer_u": np.array([-12, 0, 3, 5]),
        "wafer_v": np.array([4, 12, -6, 1]),
        "thickness": np.array([300, 200, 120, 300]),
    }
    columns |= changed
    charges = np.zeros((4, 48), np.int64)
    charges[:, 0] = [0, 1, 100, 70_000]
    return Batch(charges, Provenance("file.h5", synthetic=False), {k: v for k, v in columns.items() if v is not None})


def test_the_configuration_knows_the_same_names() -> None:
    annotation = DecoderConfig.model_fields["conditions"].annotation
    assert set(get_args(get_args(annotation)[0])) == set(DEFINITIONS)


def test_normalisation() -> None:
    found = ALL.features(batch())
    assert found.dtype == np.float32
    assert found.shape == (4, ALL.width) == (4, 8)
    expected = [
        [1.55 / 3.1, 0.0, -1.0, 4 / 12, 0, 0, 1],
        [2.0 / 3.1, 6 / 46, 0.0, 1.0, 0, 1, 0],
        [2.9 / 3.1, 24 / 46, 3 / 12, -0.5, 1, 0, 0],
        [2.2 / 3.1, 1.0, 5 / 12, 1 / 12, 0, 0, 1],
    ]
    np.testing.assert_allclose(found[:, :7], expected, rtol=1e-6)


def test_the_sum_is_that_of_the_frame() -> None:
    found = Conditions(("log_sum",)).features(batch())[:, 0]
    assert found[0] == 0
    codes = sum_code(batch().charges)
    for value, code in zip(found[1:], codes[1:], strict=True):
        exponent, mantissa = divmod(int(code), 16)
        width = 1 << max(exponent - 1, 0)
        low = mantissa if exponent == 0 else (16 + mantissa) * width
        assert low <= math.exp(float(value)) - 1 + 1e-3 * low <= low + 1.002 * width
    assert math.exp(found[3]) - 1 != pytest.approx(70_000, rel=1e-5), "the exact sum is not known to a receiver"


def test_order_and_nothing() -> None:
    one, other = Conditions(("u", "eta")), Conditions(("eta", "u"))
    np.testing.assert_array_equal(one.features(batch())[:, ::-1], other.features(batch()))
    assert one.text != other.text
    assert NONE.features(batch()).shape == (4, 0)
    assert told_by(one.text) == "the conditions u, eta"
    assert told_by("{") == "a damaged list of conditions"
    kept = json.loads(one.text)
    assert [c["scale"] for c in kept["conditions"]] == [12.0, 3.1]
    assert len(kept["sha256"]) == 64


@pytest.mark.parametrize("names", [("phi",), ("u", "u")])
def test_impossible_lists(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="condition"):
        Conditions(names)
    with pytest.raises(ValueError, match="conditions"):
        DecoderConfig(conditions=names)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"wafer_u": None}, "has 'u', but file.h5 has no column wafer_u"),
        ({"detector_layer": None, "layer": np.arange(4)}, "has 'layer', but file.h5 has no column detector_layer"),
        ({"eta": np.array([2.0, np.nan, 2.0, 2.0])}, "'eta' of file.h5: eta is nan in 1 of 4 rows"),
        ({"eta": np.array([2.0, 0.0, 0.0, 2.0])}, r"eta is 0 in 2 of 4 rows; expected 1.3..3.3, of either sign"),
        ({"eta": np.full(4, np.inf)}, "eta is inf in 4 of 4"),
        ({"eta": np.array([0.645, 0.9, 0.7, 0.6])}, "eta is 0.645"),
        (
            {"detector_layer": np.array([0, 1, 2, 33])},
            "detector_layer is 0 in 1 of 4 rows; expected an integer of 1..47",
        ),
        ({"detector_layer": np.array([48, 1, 2, 3])}, "detector_layer is 48"),
        ({"wafer_u": np.array([0.25, 0, 1, 1])}, "wafer_u is 0.25 in 1 of 4 rows; expected an integer of -12..12"),
        ({"wafer_v": np.array([13, 0, 1, 1])}, "wafer_v is 13"),
        ({"thickness": np.array([0, 1, 2, 0])}, "thickness is 0 in 4 of 4 rows; expected one of 120, 200, 300"),
        ({"thickness": np.array([300, 200, 120, 250])}, "thickness is 250 in 1 of 4"),
    ],
    ids=str,
)
def test_hostile_columns(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ALL.features(batch(**changed))


def test_the_reason_why_there_are_no_numbers_is_told() -> None:
    lost = batch(wafer_u=None).after(f"{NO_LATTICE}the module of layer 3 at x = 1.0, y = 2.0 cm is off")
    with pytest.raises(DataError, match=r"no column wafer_u \(the module of layer 3"):
        ALL.features(lost)


@pytest.mark.parametrize("name", ["eta", "layer", "u", "v", "thickness"])
def test_a_constant_is_found(name: str) -> None:
    column = DEFINITIONS[name].column
    one = batch(**{column: np.repeat(batch().metadata[column][1], 4)})
    with pytest.raises(DataError, match=rf"all 8 training modules have {name} = [-\d.]+; expected"):
        Conditions((name,)).check_training([one, one])
    other = batch(**{column: np.repeat(batch().metadata[column][2], 4)})
    Conditions((name,)).check_training([one, other, one[:0]])


def test_an_integer_division_is_found_where_it_is_not_constant() -> None:
    rng = np.random.default_rng(1)
    n = 60
    columns = {"eta": rng.uniform(1.6, 2.9, n), "detector_layer": np.full(n, 5)}
    u, v = rng.integers(-11, 12, (2, n))
    plain = Batch(np.ones((n, 48), int), Provenance("f", synthetic=False), columns | {"wafer_u": u, "wafer_v": v})
    divided = Batch(
        np.ones((n, 48), int), Provenance("f", synthetic=False), columns | {"wafer_u": u // 12, "wafer_v": v // 12}
    )
    with pytest.raises(DataError, match=r"the module u = -?\d, v = -?\d of layer 5 is at \|eta\| 1.\d\d to 2.\d\d"):
        Conditions(("u", "v")).features(divided)
    assert Conditions(("u",)).features(plain[:5]).shape == (5, 1)
