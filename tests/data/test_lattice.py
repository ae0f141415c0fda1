"""The lattice of modules: numbers that are CMSSW's, whatever is missing, turned or shifted; strays by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.lattice import BOUND_CM, fit
from econ_ae.errors import DataError

CORNER = 1 / np.sqrt(3)


def modules(seed: int, pitch: float, angle: float, share: float = 0.7) -> tuple[np.ndarray, ...]:
    """Layer, u, v, x, y of modules of three layers: around the beam, and around a corner above and below it."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid([0, 1, 2], np.arange(-9, 10), np.arange(-9, 10), indexing="ij"), -1).reshape(-1, 3)
    layer, u, v = grid[rng.random(len(grid)) < share].T
    x, y = (v / 2 - u) * pitch, np.sqrt(3) / 2 * v * pitch + np.array([0, CORNER, -CORNER])[layer] * pitch
    c, s = np.cos(angle), np.sin(angle)
    noise = rng.uniform(-0.3, 0.3, (2, len(x))) * BOUND_CM
    return layer, u, v, c * x - s * y + noise[0], s * x + c * y + noise[1]


@pytest.mark.parametrize("seed", range(4))
def test_finds_the_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pitch, angle = rng.uniform(12, 20), rng.uniform(-0.1, 0.1) if seed else 0.0
    layer, u, v, x, y = modules(seed, pitch, angle, share=[1.0, 0.7, 0.3, 0.1][seed])
    found = fit(layer, x, y)
    assert found.pitch_cm == pytest.approx(pitch, rel=1e-3)
    assert found.angle == pytest.approx(angle, abs=1e-3)
    for numbers, expected in zip(found.numbers(layer, x, y), (u, v), strict=True):
        np.testing.assert_array_equal(numbers, expected)


def test_a_part_of_the_modules_gets_the_same_numbers() -> None:
    layer, u, v, x, y = modules(7, 16.744, 0.0)
    part = np.hypot(x - 60, y - 60) < 45
    numbers = fit(layer[part], x[part], y[part]).numbers(layer[part], x[part], y[part])
    np.testing.assert_array_equal(numbers, (u[part], v[part]))


def test_strays_are_named() -> None:
    layer, _, _, x, y = modules(1, 16.744, 0.0)
    x[100] += 0.7
    with pytest.raises(
        DataError, match=rf"layer {layer[100]} at x = {x[100]:.3f}, y = .* cm is 0\.\d+ cm off the latt"
    ):
        fit(layer, x, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: (a[0][:1], a[3][:1], a[4][:1]), "no two modules of a layer are 10 to 25 cm apart"),
        (lambda a: (np.arange(len(a[0])), a[3], a[4]), "no two modules of a layer"),
        (lambda a: (a[0], a[3] / 20, a[4] / 20), "no two modules of a layer"),
        (lambda a: (a[0][:0], a[3][:0], a[4][:0]), "no two modules of a layer"),
        (lambda a: (a[0], a[3] * 1e30, a[4]), "no two modules of a layer|off the lattice"),
        (lambda _: (np.zeros(3000, int), np.arange(3000) * 0.3, np.zeros(3000)), "layer 0 has 3000 places of modules"),
        (lambda a: (a[0], -a[4], a[3]), "turned by -?30.0 degrees"),
        (lambda a: (a[0], a[3] * np.sin(a[3]), a[4]), "off the lattice"),
    ],
    ids=["one module", "one per layer", "metres", "no modules", "far", "many", "turned", "no lattice"],
)
def test_what_has_no_numbers(change: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit(*change(modules(3, 16.744, 0.0)))  # type: ignore[operator]


def test_unknown_layers_are_refused() -> None:
    layer, _, _, x, y = modules(1, 16.744, 0.0)
    with pytest.raises(DataError, match=r"no module of layer 5 was fitted; expected layers \[0, 1, 2\]"):
        fit(layer, x, y).numbers(np.array([5]), np.zeros(1), np.zeros(1))


def test_cms_modules(reference: Path) -> None:
    """Every place of the sample is on one lattice, far within the bound, and has numbers of its own."""
    with np.load(reference / "cms_events/electrons_pu200.npz") as raw:
        layer = raw["layer"].astype(np.int64)
        x, y = raw["x_cm"].astype(float), raw["y_cm"].astype(float)
    found = fit(layer, x, y)
    assert found.pitch_cm == pytest.approx(16.744, abs=1e-3)
    assert abs(found.angle) < 1e-6
    for number, (x0, y0) in found.origins.items():  # the beam is in a module up to layer 19, at a corner from there on
        expected = 0.0 if number < 20 else (-1) ** (number + 1) * found.pitch_cm / np.sqrt(3)
        assert (x0, y0) == pytest.approx((0.0, expected), abs=1e-3), number
    u, v = found.numbers(layer, x, y)
    origin = np.array([found.origins.get(n, (0, 0)) for n in range(34)])[layer]
    step = found.pitch_cm * np.array([[-1, 0], [0.5, np.sqrt(3) / 2]])
    assert np.hypot(*(np.stack([x, y], axis=1) - origin - np.stack([u, v], axis=1) @ step).T).max() < 1e-3
    assert (u.min(), u.max(), v.min(), v.max()) == (-12, 11, -12, 11)
    place = (np.rint(x * 10) * 10_000 + np.rint(y * 10)).astype(np.int64)
    assert len(np.unique(layer * 10**9 + place)) == len(np.unique(layer * 10**4 + (u + 20) * 100 + v + 20))
