"""Seeds, clusters and shapes: against slow and simple versions of the same, and against what must not matter."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from econ_ae.data.synthetic.endcaps import EndcapParameters, Gun, Pileup, generate
from econ_ae.data.whole_events import WholeEvents
from metrics.trigger.cells import Cells, Places
from metrics.trigger.clusters import Clusters, find_clusters, nearest_seed
from metrics.trigger.seeds import Seeds, bins_of, find_seeds, smoothed
from metrics.trigger.settings import CLUSTERING, FC_PER_COUNT, FC_PER_MIP, SEEDING
from metrics.trigger.shapes import Shapes, shapes

BIN = 2 * np.pi / SEEDING.phi_bins


def some_cells(n: int = 4000, sides: int = 4, seed: int = 1) -> Cells:
    """Cells of several sides with a few hard places."""
    rng = np.random.default_rng(seed)
    radius, phi = rng.uniform(0.08, 0.57, n), rng.uniform(-np.pi, np.pi, n)
    hot = rng.integers(20, size=n)
    near = rng.random(n) < 0.5
    radius = np.where(near, 0.1 + 0.02 * hot + rng.normal(0, 0.004, n), radius)
    phi = np.where(near, 0.3 * hot - 3 + rng.normal(0, 0.01, n), phi)
    layer = rng.choice([1, 5, 9, 15, 23, 27, 33, 40], n)
    et = rng.integers(1, 50, n).astype(np.float64) * np.where(near, 4, 1)
    side = np.sort(rng.integers(sides, size=n))
    depth = 320.0 + 4 * layer
    return Cells(side, layer, depth, radius * np.cos(phi), radius * np.sin(phi), et, et / 2)


def turned(cells: Cells, angle: float) -> Cells:
    c, s = np.cos(angle), np.sin(angle)
    return replace(cells, u=c * cells.u - s * cells.v, v=s * cells.u + c * cells.v)


@pytest.fixture(scope="module")
def electrons() -> WholeEvents:
    """Six events with two electrons, no pileup."""
    gun = Gun(("electron",), 30.0, 60.0, 1.7, 2.6)
    return generate(6, 3, EndcapParameters(gun))


def test_smoothing_is_that_of_loops() -> None:
    total = np.random.default_rng(2).random((1, SEEDING.r_bins, SEEDING.phi_bins))
    found = smoothed(total)[0]
    density = np.zeros(total.shape[1:])
    step = SEEDING.high - SEEDING.low
    for r, bins in enumerate(SEEDING.sums):
        side = (bins - 1) // 2
        inner = SEEDING.low + r * step
        area = 0.5 * ((inner + step) ** 2 - inner**2) * (1 + 0.5 * (1 - 0.5**side))
        for phi in range(SEEDING.phi_bins):
            whole = total[0, r, phi]
            for k in range(1, side + 1):
                whole += (total[0, r, phi - k] + total[0, r, (phi + k) % SEEDING.phi_bins]) / 2**k
            density[r, phi] = whole / area
    for r in (0, 1, 20, SEEDING.r_bins - 1):
        around = [density[k] for k in (r - 1, r + 1) if 0 <= k < SEEDING.r_bins]
        expected = (density[r] + 0.5 * sum(around)) / (1 + 0.5 * len(around))
        np.testing.assert_allclose(found[r], expected, rtol=1e-12)


def test_a_seed_is_above_threshold_and_the_highest_of_nine_bins() -> None:
    cells = some_cells()
    seeds = find_seeds(cells, 4)
    assert len(seeds) > 20
    r, phi = bins_of(cells.u, cells.v)
    total = np.zeros((4, SEEDING.r_bins, SEEDING.phi_bins))
    inside = (r >= 0) & (r < SEEDING.r_bins)
    np.add.at(total, (cells.side[inside], r[inside], phi[inside]), cells.mipt[inside])
    smooth = smoothed(total)
    expected = []
    for side, i, j in zip(*np.nonzero(smooth > SEEDING.threshold), strict=True):
        rows = [k for k in (i - 1, i, i + 1) if 0 <= k < SEEDING.r_bins]
        around = smooth[side][rows][:, [(j + k) % SEEDING.phi_bins for k in (-1, 0, 1)]]
        if smooth[side, i, j] == around.max() and (around == around.max()).sum() == 1:
            expected.append(smooth[side, i, j])
    np.testing.assert_array_equal(np.sort(seeds.height), np.sort(expected))


def test_of_a_plateau_one_bin_is_a_seed() -> None:
    step = (SEEDING.high - SEEDING.low) / SEEDING.r_bins
    radius = SEEDING.low + (20.5 + np.array([0, 0, 1, 1])) * step
    phi = (100.5 + np.array([0, 1, 0, 1])) * BIN - np.pi
    n = len(radius)
    charge = np.full(n, 1e4)
    cells = Cells(
        np.zeros(n, np.int64), np.ones(n, np.int64), np.full(n, 322.0), radius * np.cos(phi), radius * np.sin(phi),
        charge, charge,
    )  # fmt: skip
    assert len(find_seeds(cells, 1)) == 1


def test_the_nearest_seed_within_the_radius_of_the_layer_takes_a_cell() -> None:
    cells = some_cells(1500)
    seeds = find_seeds(cells, 4)
    taken, seed = nearest_seed(cells, seeds)
    distance = np.hypot(cells.u[:, None] - seeds.u, cells.v[:, None] - seeds.v)
    distance[cells.side[:, None] != seeds.side] = np.inf
    best = distance.argmin(axis=1)
    near = distance[np.arange(len(cells)), best] < np.array(CLUSTERING.radius)[cells.layer]
    np.testing.assert_array_equal(taken, np.flatnonzero(near))
    np.testing.assert_array_equal(seed, best[near])
    assert 0 < len(taken) < len(cells)


def test_the_radius_grows_with_the_layer_as_in_cmssw() -> None:
    found = [CLUSTERING.radius[layer] for layer in (1, 7, 8, 14, 15, 21, 22, 28, 29, 34, 35, 47)]
    assert found == [0.015, 0.015, 0.02, 0.02, 0.03, 0.03, 0.04, 0.04, 0.04, 0.04, 0.05, 0.05]


def test_cluster_sums_are_those_of_their_cells() -> None:
    cells = some_cells()
    clusters = find_clusters(cells, 4)
    taken, seed = nearest_seed(cells, find_seeds(cells, 4))
    assert clusters.pt.sum() == cells.et[taken].sum()  # whole numbers: no rounding
    by_seed = np.zeros(seed.max() + 1)
    np.add.at(by_seed, seed, cells.et[taken])
    np.testing.assert_array_equal(clusters.pt, by_seed[by_seed > CLUSTERING.least_pt])


@pytest.mark.parametrize("bins", [1, 17, 108, 215])
def test_turning_an_event_by_bins_turns_its_clusters(bins: int) -> None:
    cells = some_cells()
    before, after = find_clusters(cells, 4), find_clusters(turned(cells, bins * BIN), 4)
    assert len(before) == len(after)
    key = np.lexsort((before.eta, before.pt, before.side)), np.lexsort((after.eta, after.pt, after.side))
    np.testing.assert_allclose(after.pt[key[1]], before.pt[key[0]], rtol=1e-12)
    np.testing.assert_allclose(after.eta[key[1]], before.eta[key[0]], rtol=1e-9)
    turn = (after.phi[key[1]] - before.phi[key[0]] - bins * BIN + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(turn, 0, atol=1e-9)
    np.testing.assert_allclose(after.shapes.table()[key[1]], before.shapes.table()[key[0]], atol=1e-6)


def test_sides_do_not_see_each_other() -> None:
    cells = some_cells()
    together = find_clusters(cells, 4)
    for side in range(4):
        here = np.flatnonzero(cells.side == side)
        alone = Cells(*(getattr(cells, f.name)[here] for f in fields(Cells)))
        found = find_clusters(replace(alone, side=np.zeros(len(here), np.int64)), 1)
        np.testing.assert_array_equal(found.pt, together.pt[together.side == side])


def test_no_cells_make_no_clusters() -> None:
    empty = Cells(*(values[:0] for values in (getattr(some_cells(), f.name) for f in fields(Cells))))
    found = find_clusters(empty, 2)
    assert len(found) == 0
    assert found.shapes.table().shape == (0, len(Shapes.names()))
    taken, seed = nearest_seed(some_cells(10), Seeds(*(np.zeros(0, t) for t in (np.int64, float, float, float))))
    assert len(taken) == len(seed) == 0


def test_the_order_of_the_modules_does_not_matter(electrons: WholeEvents) -> None:
    def clusters(images: WholeEvents) -> Clusters:
        places = Places(images, images.events)
        return find_clusters(places.cells(images.batch.charges), 2 * len(images.events))

    one = clusters(electrons)
    other = clusters(electrons[np.random.default_rng(1).permutation(len(electrons))])
    for name in ("side", "pt", "eta", "phi"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.shapes.table(), other.shapes.table())


def test_a_single_particle_is_found_where_it_is(electrons: WholeEvents) -> None:
    places = Places(electrons, electrons.events)
    cells = places.cells(electrons.batch.charges)
    clusters = find_clusters(cells, 2 * len(electrons.events))
    truth = electrons.truth
    assert truth is not None
    for event, zside, pt, eta, phi in zip(truth.event, truth.zside, truth.pt, truth.eta, truth.phi, strict=True):
        mine = np.flatnonzero(clusters.side == 2 * event + (zside > 0))
        best = mine[clusters.pt[mine].argmax()]
        turn = (clusters.phi[best] - phi + np.pi) % (2 * np.pi) - np.pi
        assert abs(clusters.eta[best] - eta) < 0.03
        assert abs(turn) < 0.06  # it may have radiated in the field
        assert 0.5 < clusters.pt[best] / pt < 1.3
        assert clusters.shapes.fraction_ce_e[best] > 0.8


def test_transverse_energy_and_mips_are_those_of_the_counts(electrons: WholeEvents) -> None:
    places = Places(electrons, electrons.events)
    charges = electrons.batch.charges
    cells = places.cells(charges)
    assert cells.et.sum() == pytest.approx(electrons.cell_et(charges).sum(), rel=1e-12)
    x, y, z = electrons.cell_positions()
    cosh = np.hypot(np.hypot(x, y), z) / np.hypot(x, y)
    thickness = np.asarray(electrons.batch.metadata["thickness"])[:, None]
    fc = np.select([thickness == um for um in FC_PER_MIP], list(FC_PER_MIP.values()))
    np.testing.assert_allclose(places.mipt(charges), charges * FC_PER_COUNT / fc / cosh, rtol=1e-12)


def test_transverse_charges_are_not_made_transverse_twice(electrons: WholeEvents) -> None:
    """CALQ, as ntuples have it, gives the cells of counts but for what the chip's calibration cuts off."""
    made = electrons.calibrated()
    cosh = np.cosh(np.arcsinh(electrons.z_cm / np.hypot(electrons.x_cm, electrons.y_cm)))
    per_charge = np.asarray(made.metadata["gev_per_calq"], np.float64) * cosh
    images = replace(electrons, batch=made, gev_per_count=per_charge, transverse=True)
    counts, calq = Places(electrons, electrons.events), Places(images, images.events)
    hard = electrons.batch.charges >= 50
    found, wanted = calq.mipt(made.charges)[hard], counts.mipt(electrons.batch.charges)[hard]
    np.testing.assert_allclose(found, wanted, rtol=0.02)
    assert calq.cells(made.charges).et.sum() == pytest.approx(images.cell_et(made.charges).sum(), rel=1e-12)
    assert calq.cells(made.charges).et.sum() == pytest.approx(counts.cells(electrons.batch.charges).et.sum(), rel=0.01)


def test_a_count_of_the_reference_is_the_charge_it_should_be() -> None:
    """Energy of a count: MIPs x loss of a MIP in two layers of CE-E (dE/dx weights) / thickness correction."""
    for um, correction, energy in ((300, 0.75, 0.0044247196), (200, 0.76, 0.0065561146), (120, 0.75, 0.0110617988)):
        assert FC_PER_COUNT / FC_PER_MIP[um] * 2 * 10.937907e-3 / correction == pytest.approx(energy, rel=2e-5)


def test_shapes_of_a_cluster_made_by_hand() -> None:
    # Three layers of CE-E (trigger layers 0, 1, 3) and one of CE-H (13), the last cell below a MIP.
    layer = np.array([1, 3, 7, 27, 33])
    eta, phi = np.array([2.0, 2.02, 2.0, 2.0, 2.0]), np.array([0.1, 0.1, 0.14, 0.1, 0.1])
    radius = 1 / np.sinh(eta)
    et = np.array([2.0, 4.0, 2.0, 1.0, 1.0])
    mipt = np.array([5.0, 5.0, 5.0, 5.0, 0.5])
    depth = np.array([320.0, 330.0, 340.0, 370.0, 400.0])
    cells = Cells(np.zeros(5, np.int64), layer, depth, radius * np.cos(phi), radius * np.sin(phi), et, mipt)
    found = shapes(cells, np.zeros(5, np.int64), 2)
    assert (found.length[0], found.core_length[0], found.first_layer[0], found.max_layer[0]) == (14, 2, 0, 1)
    assert found.fraction_ce_e[0] == pytest.approx(0.8)
    weight = et[:4] / et[:4].sum()

    def width(values: np.ndarray) -> float:
        return float(np.sqrt((weight * (values - (weight * values).sum()) ** 2).sum()))

    assert found.sigma_eta[0] == pytest.approx(width(eta[:4]))
    assert found.sigma_phi[0] == pytest.approx(width(phi[:4]))
    assert found.sigma_rr[0] == pytest.approx(width(radius[:4]))
    assert found.sigma_zz[0] == pytest.approx(width(depth[:4]))
    assert found.length[1] == 0  # a cluster without cells
    assert found.first_layer[1] == -1


def test_pileup_makes_clusters_and_the_electron_stands_out() -> None:
    gun = Gun(("electron",), 50.0, 60.0, 1.8, 2.2)
    images = generate(1, 5, EndcapParameters(gun, Pileup(mu=100)))
    places = Places(images, images.events)
    clusters = find_clusters(places.cells(images.batch.charges), 2)
    assert len(clusters) > 4
    assert images.truth is not None
    best = clusters.pt_ce_e.argmax()
    side = images.truth.zside > 0
    assert np.abs(clusters.eta[best] - images.truth.eta[side == (clusters.side[best] % 2 == 1)]).max() < 0.05
