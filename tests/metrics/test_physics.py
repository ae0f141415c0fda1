"""Second opinions: hand-computed images, a slow literal version, and undefined cases that enter no mean."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import CM_PER_UNIT
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.averages import PerEvent, Ratio, averages, mean, rms, undefined
from metrics.baselines import Reconstruction
from metrics.physics import NEIGHBOUR, SecondOpinions, second_opinions

Image = NDArray[np.float64]


def opinions(x: Image, y: Image, *, scaled: bool = True) -> SecondOpinions:
    return second_opinions(x, Reconstruction("any", "", 5, None, y, scaled=scaled), MODULE, seed=1)


def value(of: object) -> float:
    found = of.value  # type: ignore[attr-defined]
    assert found is not None
    return float(found.value)


def one_hot(cell: int, charge: float = 100.0) -> Image:
    image = np.zeros((1, 48))
    image[0, cell] = charge
    return image


def neighbours() -> tuple[int, int]:
    """Two cells whose centres are 2 units apart."""
    return 5, int(np.argmin(np.abs(MODULE.distance[5] - 2)))


def test_an_equal_image_changes_nothing() -> None:
    x = np.random.default_rng(0).integers(0, 900, (20, 48)).astype(float)
    o = opinions(x, x)
    assert value(o.centroid_shift) == value(o.width_change) == value(o.width_rms) == 0.0
    assert value(o.overlap) == pytest.approx(1.0)
    assert value(o.max_found) == value(o.max_near) == value(o.max_response) == 1.0
    assert value(o.sum_bias) == value(o.sum_rms) == value(o.spurious) == 0.0
    assert all(r.response.value is None or r.response.value.value == 1.0 for r in o.response)


def test_charge_that_is_shared_with_a_neighbour() -> None:
    a, b = neighbours()
    o = opinions(one_hot(a), 0.5 * one_hot(a) + 0.7 * one_hot(b))
    # 50 stays, 70 goes 2 units away: centroid at 7/6, width sqrt(5/12 * 7/12) * 2.
    assert value(o.centroid_shift) == pytest.approx(2 * 7 / 12)
    assert o.centroid_shift_cm is not None
    assert o.centroid_shift_cm.value == pytest.approx(CM_PER_UNIT * 7 / 6)
    assert value(o.width_change) == pytest.approx(2 * np.sqrt(5 * 7) / 12)
    assert value(o.overlap) == pytest.approx(5 / 12)
    assert (value(o.max_found), value(o.max_near)) == (0.0, 1.0)
    assert value(o.max_response) == pytest.approx(0.5)
    assert value(o.spurious) == pytest.approx(7 / 12)
    assert value(o.sum_bias) == value(o.sum_rms) == pytest.approx(0.2)
    # 100 CALQ counts are 2.86 MIP_T.
    assert [(r.low, r.cells) for r in o.response if r.cells] == [(2.0, 1)]
    assert value(o.response[2].response) == pytest.approx(0.5)


def test_a_tie_counts_by_chance() -> None:
    a, b = neighbours()
    o = opinions(one_hot(a), one_hot(a) + one_hot(b))
    assert (value(o.max_found), value(o.max_near)) == (0.5, 1.0)
    flat = opinions(one_hot(a), np.ones((1, 48)))
    assert value(flat.max_found) == pytest.approx(1 / 48)
    assert value(flat.max_near) == pytest.approx((MODULE.distance[a] <= NEIGHBOUR).sum() / 48)


def test_a_reconstruction_without_a_scale_has_no_response() -> None:
    x = np.random.default_rng(2).integers(1, 900, (20, 48)).astype(float)
    o = opinions(x, np.ones_like(x), scaled=False)
    for unscaled in (o.max_response, o.sum_bias, o.sum_rms, *(r.response for r in o.response)):
        assert (unscaled.value, unscaled.undefined) == (None, 20)
    assert value(o.overlap) > 0


def test_undefined_events_are_counted_and_enter_no_mean() -> None:
    a, b = neighbours()
    empty = np.zeros((1, 48))
    x = np.concatenate([one_hot(a), one_hot(a), empty, empty])
    y = np.concatenate([one_hot(b), empty, one_hot(a), empty])
    o = opinions(x, y)
    for both in (o.centroid_shift, o.width_change, o.overlap, o.max_found, o.spurious):
        assert (both.defined, both.undefined) == (1, 3)
    assert value(o.centroid_shift) == pytest.approx(2.0)
    # An event that is lost still counts against the response and the sum: its energy is gone.
    for scale in (o.sum_bias, o.max_response):
        assert (scale.defined, scale.undefined) == (2, 2)
    assert value(o.sum_bias) == pytest.approx(-0.5)
    assert value(o.max_response) == 0.0


def literal(x: Image, y: Image) -> dict[str, float]:
    """Return every number by loops over events and cells."""
    lists: dict[str, list[float]] = {}
    energy: dict[str, list[float]] = {}
    for before, after in zip(x, y, strict=True):
        s, t = sum(before), sum(after)
        if s > 0:
            lists.setdefault("sum", []).append((t - s) / s)
            hottest = [c for c in range(48) if before[c] == max(before)]
            for c in range(48):
                if before[c] > 0:
                    mips = before[c] / 35
                    low = max(e for e in (0, 1, 2, 5, 10, 20) if mips > e)
                    for key in (f"class {low}", *(["max"] if c in hottest else [])):
                        into = energy.setdefault(key, [0.0, 0.0])
                        into[0] += after[c]
                        into[1] += before[c]
        if not (s > 0 and t > 0):
            continue
        centres, radii = [], []
        for image, total in ((before, s), (after, t)):
            centre = [sum(image[c] / total * MODULE.xy[c, k] for c in range(48)) for k in (0, 1)]
            square = sum(
                image[c] / total * ((MODULE.xy[c, 0] - centre[0]) ** 2 + (MODULE.xy[c, 1] - centre[1]) ** 2)
                for c in range(48)
            )
            centres.append(centre)
            radii.append(square**0.5)
        found = [c for c in range(48) if after[c] == max(after)]
        near = [c for c in found if any(MODULE.distance[c, h] <= 2.3 for h in hottest)]
        for key, number in {
            "centroid_shift": ((centres[0][0] - centres[1][0]) ** 2 + (centres[0][1] - centres[1][1]) ** 2) ** 0.5,
            "width": radii[1] - radii[0],
            "overlap": sum(min(before[c] / s, after[c] / t) for c in range(48)),
            "max_found": len([c for c in found if c in hottest]) / len(found),
            "max_near": len(near) / len(found),
            "spurious": sum(after[c] for c in range(48) if before[c] == 0) / t,
        }.items():
            lists.setdefault(key, []).append(number)
    out = {key: sum(values) / len(values) for key, values in lists.items()}
    for key in ("width", "sum"):
        out[f"{key} rms"] = (sum(v * v for v in lists[key]) / len(lists[key])) ** 0.5
    return out | {key: a / b for key, (a, b) in energy.items()}


def test_the_vectorised_numbers_equal_the_literal_ones() -> None:
    rng = np.random.default_rng(9)
    x = (rng.integers(1, 1500, (40, 48)) * (rng.random((40, 48)) < 0.3)).astype(float)
    y = (x * rng.random(x.shape) + 80 * (rng.random(x.shape) < 0.2)).round(-1)  # rounded: some cells tie
    x[3], y[5], x[6], y[6] = 0, 0, 0, 0
    o, expected = opinions(x, y), literal(x, y)
    names = {
        "centroid_shift": o.centroid_shift,
        "width": o.width_change,
        "width rms": o.width_rms,
        "overlap": o.overlap,
        "max_found": o.max_found,
        "max_near": o.max_near,
        "spurious": o.spurious,
        "sum": o.sum_bias,
        "sum rms": o.sum_rms,
        "max": o.max_response,
        **{f"class {r.low:g}": r.response for r in o.response},
    }
    assert set(names) == set(expected)
    for name, found in names.items():
        assert value(found) == pytest.approx(expected[name], rel=1e-12, abs=1e-14), name


def test_bootstrap_errors() -> None:
    n = 4000
    rng = np.random.default_rng(3)
    every = np.ones(n, np.bool_)
    values = rng.normal(10, 2, n)
    holes = values.copy()
    half = rng.random(n) < 0.5
    found = averages(
        {
            "mean": mean(PerEvent(values, every)),
            "half": mean(PerEvent.where(half, holes)),
            "rms": rms(PerEvent(values - 10, every)),
            "ratio": Ratio(2 * values, values, every),
            "nothing": undefined(n),
        },
        seed=0,
        resamples=400,
    )
    assert found["mean"].value is not None
    assert found["mean"].value.error == pytest.approx(2 / np.sqrt(n), rel=0.15)
    assert found["half"].value is not None
    assert found["half"].value.error == pytest.approx(2 / np.sqrt(half.sum()), rel=0.15)
    assert (found["half"].defined, found["half"].undefined) == (half.sum(), n - half.sum())
    assert found["rms"].value is not None
    assert found["rms"].value.error == pytest.approx(2 / np.sqrt(2 * n), rel=0.15)
    # Numerator and denominator are resampled together.
    assert found["ratio"].value is not None
    assert (found["ratio"].value.value, found["ratio"].value.error) == (pytest.approx(2.0), pytest.approx(0.0))
    assert (found["nothing"].value, found["nothing"].undefined) == (None, n)


def test_chunked_resampling_gives_the_same_error(monkeypatch: pytest.MonkeyPatch) -> None:
    quantity = {"x": mean(PerEvent(np.arange(50.0), np.ones(50, np.bool_)))}
    whole = averages(quantity, seed=1)
    monkeypatch.setattr("metrics.averages._CHUNK", 120)  # two resamples at once
    assert averages(quantity, seed=1) == whole


def test_shapes_are_checked() -> None:
    with pytest.raises(DataError, match=r"one shape \(n, 48\); \(2, 48\) and \(3, 48\)"):
        opinions(np.ones((2, 48)), np.ones((3, 48)))
