"""The generator's formulas against independent numbers: profiles, densities, spectra, tiling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from econ_ae.data.synthetic import Calorimeter, Pileup, Signal
from econ_ae.data.synthetic.cells import cell_table
from econ_ae.data.synthetic.collisions import density, pileup, signals
from econ_ae.data.synthetic.detector import images
from econ_ae.data.synthetic.modules import PITCH_CM, all_modules, parse_modules
from econ_ae.data.synthetic.parameters import Electronics
from econ_ae.data.synthetic.particles import CHARGED, MUON, PHOTON, Particles
from econ_ae.data.synthetic.showers import deposits
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY

CE_E = Calorimeter()


def beam(n: int, kind: int, energy: float) -> Particles:
    """Equal particles in the middle of the module, one per image."""
    column = np.zeros(n, np.float32)
    return Particles(np.arange(n), np.full(n, kind, np.int8), column + np.float32(energy), column, column)


def test_modules_cover_the_ring_once() -> None:
    modules = all_modules(CE_E)
    assert set(modules.layer.tolist()) == set(range(1, 28, 2))
    assert len(modules) % (14 * 6) == 0  # the ring is symmetric under turns of 60 degrees
    area = 14 * np.pi * (145**2 - 38**2)
    assert len(modules) * np.sqrt(3) / 2 * PITCH_CM**2 == pytest.approx(area, rel=0.02)
    assert modules.z_cm[modules.layer == 27] == pytest.approx(322 + 1.2 * 26)


def test_trigger_cells_tile_the_lattice_of_modules() -> None:
    """A point of the plane is in the cells of the nearest module and of no other."""
    table, rng = cell_table(LOW_DENSITY), np.random.default_rng(1)
    points = rng.uniform(-PITCH_CM, PITCH_CM, (40_000, 2))
    centres = [(PITCH_CM * (v / 2 - u), PITCH_CM * np.sqrt(3) / 2 * v) for u in range(-2, 3) for v in range(-2, 3)]
    inside = []
    for x, y in centres:
        at = (points - (x, y)).astype(np.float32)
        inside.append(table.look_up(at[:, 0], at[:, 1]) < LOW_DENSITY.cells)
    count = np.sum(inside, axis=0)
    distance = np.array([np.hypot(*(points - c).T) for c in centres])
    near, second = np.sort(distance, axis=0)[:2]
    clear = second - near > 1.5  # cm; the sectors' rhombi stand out by up to half of a sensor cell
    once = clear & (count == 1)
    np.testing.assert_array_equal(np.argmax(inside, axis=0)[once], distance.argmin(axis=0)[once])
    assert once.sum() / clear.sum() > 0.999  # pinholes where three sectors meet


def test_every_cell_is_where_the_geometry_says() -> None:
    xy = ((LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)) * CM_PER_UNIT).astype(np.float32)
    np.testing.assert_array_equal(cell_table(LOW_DENSITY).look_up(xy[:, 0], xy[:, 1]), np.arange(48))


def test_density_integrates_to_the_multiplicity() -> None:
    """The integral of the density over a ring is the range of pseudorapidity that it covers."""
    total, _ = integrate.quad(lambda r: 2 * np.pi * r * density(np.array(r), np.array(0.0), np.array(330.0)), 40, 140)
    assert total == pytest.approx(np.arcsinh(330 / 40) - np.arcsinh(330 / 140), rel=1e-6)


def test_pileup_has_the_multiplicity_and_the_spectra() -> None:
    modules = parse_modules("7:5,1", CE_E)
    n, p = 4000, Pileup()
    found, interactions = pileup(np.random.default_rng(1), p, modules, np.zeros(n, np.intp))
    x, y = found.x_cm + modules.x_cm, found.y_cm + modules.y_cm
    own = np.flatnonzero(np.hypot(found.x_cm, found.y_cm) < 8)
    grid = np.stack(np.meshgrid(*[np.linspace(-8, 8, 401)] * 2), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) < 8] + (modules.x_cm[0], modules.y_cm[0])
    mean = np.pi * 64 * density(grid[:, 0], grid[:, 1], np.full(len(grid), modules.z_cm[0])).mean() * 200 * 15.4
    assert len(own) / n == pytest.approx(mean, rel=0.01)
    assert interactions.mean() == pytest.approx(200, abs=1)
    pt = found.energy / np.sqrt(1 + modules.z_cm**2 / (x**2 + y**2))
    for kind, rate, scale in ((PHOTON, 7.3, 0.58), (CHARGED, 7.3, 1.24)):
        chosen = found.kind == kind
        assert chosen.mean() == pytest.approx(rate / 15.4, abs=0.005)
        spectrum = stats.betaprime(2, 5.5, scale=scale)  # pT (1 + pT/p0)^-7.5
        assert stats.kstest(pt[chosen][:20_000], spectrum.cdf).statistic < 0.015


def test_shower_depth_profile_and_fluctuations() -> None:
    """The mean over the fluctuations, layer by layer: all energy, and the maximum where the formula has it."""
    rng, energy, n = np.random.default_rng(2), 50.0, 4000
    per_layer = []
    for layer in range(1, 60):
        showers, _ = deposits(rng, CE_E, beam(n, PHOTON, energy), np.full(n, layer, np.float32))
        per_layer.append(np.bincount(showers.image, showers.mips, n))
    lost = np.array(per_layer) * CE_E.mev_per_mip / 1e3
    assert lost.mean(axis=1).sum() == pytest.approx(energy, rel=0.02)
    ln_y = np.log(energy / 5.36e-3)
    expected = (-1.396 + 1.007 * ln_y) / CE_E.x0_per_layer
    assert abs(lost.mean(axis=1).argmax() + 1 - expected) < 1
    at_maximum = lost[round(expected) - 1]
    assert 0.02 < at_maximum.std() / at_maximum.mean() < 0.15


def test_radial_profile_contains_the_moliere_radius() -> None:
    """About 90 % of a shower is within one Moliere radius."""
    rng, n = np.random.default_rng(3), 500
    inside = total = 0.0
    for layer in range(1, 28):
        showers, _ = deposits(rng, CE_E, beam(n, PHOTON, 50.0), np.full(n, layer, np.float32))
        inside += (showers.mips / (1 + (showers.radius_cm / 2.8) ** 2)).sum()
        total += showers.mips.sum()
    assert 0.82 < inside / total < 0.95


def test_tracks_are_mips_until_they_interact() -> None:
    n = 20_000
    _, tracks = deposits(np.random.default_rng(4), CE_E, beam(n, CHARGED, 5.0), np.full(n, 14, np.float32))
    assert len(tracks.mips) / n == pytest.approx(np.exp(-14 * 1.3 / 28), abs=0.015)
    counts, edges = np.histogram(tracks.mips, 100, (0.7, 2.0))
    assert edges[counts.argmax()] == pytest.approx(1.0, abs=0.06)
    assert (tracks.mips > 1.5).mean() > 0.01  # the tail of energetic knock-on electrons
    _, muons = deposits(np.random.default_rng(4), CE_E, beam(n, MUON, 5.0), np.full(n, 14, np.float32))
    assert len(muons.mips) == n


def test_all_charge_of_a_contained_shower_arrives() -> None:
    modules, n = parse_modules("9:5,1", CE_E), 400
    particles = beam(n, PHOTON, 100.0)
    layers = (modules.layer * np.hypot(1, modules.r_cm / modules.z_cm)).astype(np.float32)
    showers, _ = deposits(np.random.default_rng(5), CE_E, particles, np.repeat(layers, n))
    expected = showers.mips.sum() * CE_E.mev_per_mip / 1e3
    charges, columns = images(
        np.random.default_rng(5), particles, modules, np.zeros(n, np.intp), geometry=LOW_DENSITY,
        calorimeter=CE_E, electronics=Electronics(noise_mip=0),
    )  # fmt: skip
    assert 0.93 < columns["sim_energy"].sum() / expected < 1.0  # the rest is beyond the module's border
    leading = LOW_DENSITY.xy[charges.argmax(axis=1)] - LOW_DENSITY.xy.mean(axis=0)
    assert np.hypot(*leading.T).max() < 2


def test_jets_keep_their_momentum() -> None:
    modules, n = parse_modules("7:5,1", CE_E), 3000
    where = np.zeros(n, np.intp)
    found, kind, pt = signals(np.random.default_rng(6), Signal(1.0, ("jet",), 20, 200), modules, where)
    assert (kind == 4).all()
    assert stats.kstest(np.log(pt), stats.uniform(np.log(20), np.log(10)).cdf).pvalue > 1e-3
    sum_pt = np.bincount(found.image, found.energy / np.cosh(modules.eta[0]), n)
    assert 0.4 < np.median(sum_pt / pt) < 1.05  # fragments far from the module are left out
    assert np.bincount(found.image, minlength=n).max() > 5
