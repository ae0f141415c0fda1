"""Parts of the generator of whole events: places of modules and cells, absorber, front end, charges of crossings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.synthetic.endcaps import (
    FrontEnd,
    Showers,
)
from econ_ae.data.synthetic.endcaps.crossings import deviation, mean_charge, spot_charges
from econ_ae.data.synthetic.endcaps.front_end import sent
from econ_ae.data.synthetic.endcaps.layers import layers
from econ_ae.data.synthetic.endcaps.layout import layout
from econ_ae.floatcodes import decode
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY

MODULES = layout(LOW_DENSITY)
PERFECT = FrontEnd(noise_mip=0, threshold_mip=1e-6)


def test_layout_is_that_of_the_archive(reference: Path) -> None:
    """Every module of the public file is there, with its thickness and energy per count, but for the rim of CE-H."""
    with np.load(reference / "cms_events" / "electrons_pu200.npz") as file:
        kept = file["event"] < 54
        number, x, y, um, gev = (file[n][kept] for n in ("layer", "x_cm", "y_cm", "thickness_um", "gev_per_count"))
    place = np.stack([number, np.rint(x * 2), np.rint(y * 2)])
    first = np.unique(place, axis=1, return_index=True)[1]
    found = MODULES.locate(
        np.searchsorted(MODULES.layers.number, number[first]), x[first].astype(np.float32), y[first].astype(np.float32)
    )
    module = found // LOW_DENSITY.cells
    missing = found < 0
    assert set(number[first][missing]) <= {15, 17, 19}
    assert missing.sum() < 0.01 * len(first)
    module = module[~missing]
    np.testing.assert_allclose(MODULES.x_cm[module], x[first][~missing], atol=0.02)
    np.testing.assert_allclose(MODULES.y_cm[module], y[first][~missing], atol=0.02)
    np.testing.assert_array_equal(MODULES.thickness_um[module], um[first][~missing])
    np.testing.assert_allclose(MODULES.gev_per_count[module], gev[first][~missing], rtol=2e-4)
    assert len(MODULES) - len(np.unique(module)) < 70


def test_cells_are_located() -> None:
    place = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)) * CM_PER_UNIT
    x, y = MODULES.x_cm[:, None] + place[:, 0], MODULES.y_cm[:, None] + place[:, 1]
    found = MODULES.locate(np.repeat(MODULES.layer, 48), x.ravel().astype("f4"), y.ravel().astype("f4"))
    np.testing.assert_array_equal(found, np.arange(len(found)))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-90, 90, (2, 20_000)).astype("f4")
    ring = (np.hypot(x, y) > 60) & (np.hypot(x, y) < 90)
    found = MODULES.locate(np.full(ring.sum(), 3), x[ring], y[ring])
    assert (found >= 0).all(), "modules fill the plane"
    module, cell = np.divmod(found, 48)
    centre = np.hypot(MODULES.x_cm[module] + place[cell, 0] - x[ring], MODULES.y_cm[module] + place[cell, 1] - y[ring])
    assert centre.max() < 2.4, "half the long diagonal of a rhombus is 2.1 cm"
    assert MODULES.locate(np.array([0]), np.array([0], "f4"), np.array([1e6], "f4"))[0] == -1


def test_absorber() -> None:
    of = layers()
    for depth in (of.x0, of.interaction, of.loss_mev, of.z_cm):
        assert (np.diff(depth) > 0).all()
    assert of.x0[12] == pytest.approx(26.7, abs=0.1)
    assert of.interaction[-1] == pytest.approx(9.3, abs=0.2)
    np.testing.assert_allclose(of.before(of.z_cm)[1], of.interaction)
    assert np.abs(np.stack(of.before(np.array([0.0, 300.0])))).max() == 0


def test_front_end() -> None:
    rng = np.random.default_rng(1)
    mips = np.zeros(200_000)
    mips[:1000] = np.linspace(0.01, 50, 1000)
    cell, code = sent(rng, mips, np.full(len(mips), 5.5), PERFECT)
    significand, shift = decode(code.astype(np.int64), 4, 3)
    counts = np.floor(mips[cell] * 5.5)
    np.testing.assert_array_less((significand << shift) - counts, 1)
    np.testing.assert_array_less(counts, ((significand + 1) << shift))
    assert (mips[cell] * 5.5 >= 1).all()
    noisy, _ = sent(rng, np.zeros(200_000), np.full(200_000, 5.5), FrontEnd(noise_mip=0.3, threshold_mip=0.6))
    assert len(noisy) == pytest.approx(200_000 * 0.02275, rel=0.06)  # of the normal distribution above 2
    assert (np.diff(noisy) > 0).all()
    half = np.where(np.arange(200_000) % 2, 10.0, 0.0)
    noisy, _ = sent(rng, half, np.full(200_000, 5.5), FrontEnd(noise_mip=0.3, threshold_mip=0.6))
    assert (noisy % 2 == 0).sum() == pytest.approx(100_000 * 0.02275, rel=0.08)  # of the empty half alone


@pytest.mark.parametrize("heavy", [False, True])
def test_charges_of_places_have_the_stated_moments(heavy: bool) -> None:
    charges = spot_charges(np.random.default_rng(1), Showers(), 400_000, heavy=heavy)
    assert charges.mean() == pytest.approx(mean_charge(Showers(), heavy=heavy), rel=0.01)
    assert charges.std() == pytest.approx(deviation(Showers(), heavy=heavy), rel=0.02)
