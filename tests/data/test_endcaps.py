"""Generated whole events: reproducible, energy that is kept, places that agree with the truth, and no preferred phi."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.data.synthetic.endcaps import (
    BLOCK,
    PILEUP_200,
    EndcapParameters,
    FrontEnd,
    Gun,
    Showers,
    Tracker,
    chunks,
    generate,
)
from econ_ae.data.synthetic.endcaps.layout import layout
from econ_ae.data.synthetic.parameters import Pileup
from econ_ae.data.whole_events import KINDS, WholeEvents, from_npz
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY

MODULES = layout(LOW_DENSITY)
STRAIGHT = Tracker(radiating_x0=0, vertex_cm=0)
PERFECT = FrontEnd(noise_mip=0, threshold_mip=1e-6)


def shots(kind: str, low: float = 5, high: float = 100, **changes: Any) -> EndcapParameters:
    return EndcapParameters(gun=Gun((kind,), low, high, **changes))


@pytest.fixture(scope="module")
def electrons() -> WholeEvents:
    return generate(200, 1)


def energies(events: WholeEvents) -> tuple[np.ndarray, np.ndarray]:
    """Sums of energy and of transverse energy per row of the truth: of all cells on its side of its event."""
    assert events.truth is not None
    energy = (events.batch.charges * events.gev_per_count[:, None]).sum(axis=1)
    et = events.cell_et(events.batch.charges).sum(axis=1)
    key, mine = events.event * 2 + (events.zside > 0), events.truth.event * 2 + (events.truth.zside > 0)
    return np.bincount(key, energy, mine.max() + 1)[mine], np.bincount(key, et, mine.max() + 1)[mine]


def test_same_seed_in_another_process(electrons: WholeEvents) -> None:
    program = (
        "from econ_ae.data.synthetic.endcaps import generate\nw = generate(200, 1)\n"
        "print(w.batch.content_hash(), w.truth.energy_in_detector.tobytes().hex()[:400])"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert electrons.truth is not None
    assert other == [electrons.batch.content_hash(), electrons.truth.energy_in_detector.tobytes().hex()[:400]]
    assert generate(200, 2).batch.content_hash() != other[0]


def test_an_event_does_not_depend_on_their_number() -> None:
    noisy = EndcapParameters(Gun(("jet", "photon")), pileup=replace(PILEUP_200, mu=2))
    many = generate(2 * BLOCK + 3, 7, noisy)
    few = generate(BLOCK + 1, 7, noisy)
    part = many.of_events(range(BLOCK + 1))
    assert part.batch.content_hash() == few.batch.content_hash()
    assert part.truth is not None
    assert few.truth is not None
    for name, column in vars(few.truth).items():
        np.testing.assert_array_equal(getattr(part.truth, name), column)
    assert [len(p.events) for p in chunks(2 * BLOCK + 3, 7, noisy)] == [BLOCK, BLOCK, 3]


def test_form(electrons: WholeEvents) -> None:
    assert electrons.truth is not None
    truth = electrons.truth
    np.testing.assert_array_equal(truth.event, np.repeat(np.arange(200), 2))
    np.testing.assert_array_equal(truth.zside, np.tile([-1, 1], 200))
    np.testing.assert_array_equal(truth.pt[::2], truth.pt[1::2])
    assert np.allclose(np.abs(truth.eta[::2] + truth.eta[1::2]), 0, atol=0.2)
    assert np.allclose(np.cos(truth.phi[::2] - truth.phi[1::2]), -1)
    assert 0.9 < truth.pt.min() < 5
    assert 95 < truth.pt.max() < 100
    columns = {"event", "zside", "layer", "wafer", "thickness", "eta", "phi", "x", "y", "detector_layer", "wafer_u",
               "wafer_v", "gev_per_calq"}  # fmt: skip
    assert set(electrons.batch.metadata) == columns
    assert electrons.batch.occupancy.min() > 0
    charge = electrons.batch.charges
    assert set(charge[(charge > 15) & (charge < 64)]) <= {*range(16, 32, 2), *range(32, 64, 4)}, "counts of 4E3M codes"
    numbers = np.stack([electrons.event, electrons.zside, *(electrons.batch.metadata[n] for n in ("layer", "wafer"))])
    assert len(np.unique(numbers, axis=1).T) == len(electrons)
    assert electrons.batch.provenance.synthetic


def test_one_particle_of_some_kind() -> None:
    whole = generate(160, 3, EndcapParameters(Gun(KINDS, pairs=False)))
    assert whole.truth is not None
    np.testing.assert_array_equal(whole.truth.event, np.arange(160))
    assert all(20 < (whole.truth.kind == kind).sum() < 60 for kind in KINDS)
    assert 55 < (whole.truth.zside == 1).sum() < 105
    np.testing.assert_array_equal(np.sign(whole.truth.eta), whole.truth.zside)
    other = generate(2, 1, EndcapParameters(Gun(()), pileup=replace(PILEUP_200, mu=1)))
    assert other.truth is not None
    assert (len(other.truth), list(other.events)) == (0, [0, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_energy_is_kept(kind: str) -> None:
    """Without noise and threshold the cells' codes are the deposited energy, less what whole counts and 4E3M cut off:
    at most a count a cell and an eighth, on average half of it."""
    whole = generate(40, 5, replace(shots(kind), front_end=PERFECT))
    assert whole.truth is not None
    found, _ = energies(whole)
    cells = whole.batch.occupancy * whole.gev_per_count
    key = whole.event * 2 + (whole.zside > 0)
    mine = whole.truth.event * 2 + (whole.truth.zside > 0)
    counts = np.bincount(key, cells, mine.max() + 1)[mine]
    deposited = whole.truth.energy_in_detector
    assert (found <= deposited * (1 + 1e-9)).all()
    assert (deposited - found <= 1.6 * counts + deposited / 8).all()
    assert np.median(found / deposited) > 0.9


def test_response_is_linear() -> None:
    """Of electrons that do not radiate, well inside, to the energy: within 3 % from 10 to 100 GeV of pT."""
    inside = {"lowest_eta": 1.7, "highest_eta": 2.5}
    ratios = []
    for pt in (10.0, 30.0, 100.0):
        whole = generate(80, 2, replace(shots("electron", pt, pt, **inside), tracker=STRAIGHT))
        assert whole.truth is not None
        _, et = energies(whole)
        ratios.append(np.median(et / pt))
    np.testing.assert_allclose(ratios, ratios[1], rtol=0.03)
    assert 0.9 < ratios[1] < 1.1


def test_resolution_falls_with_the_energy() -> None:
    spread = {}
    for pt in (5.0, 80.0):
        quiet = replace(shots("photon", pt, pt, lowest_eta=1.7, highest_eta=2.5), showers=Showers(spread=0))
        whole = generate(120, 4, replace(quiet, tracker=STRAIGHT))
        _, et = energies(whole)
        low, high = np.percentile(et / pt, (16, 84))
        spread[pt] = (high - low) / 2
    assert 0.04 < spread[5.0] < 0.15
    assert 0.006 < spread[80.0] < 0.03


@pytest.mark.parametrize(("kind", "centimetres"), [("electron", 0.35), ("photon", 0.35), ("pion", 1.5)])
def test_barycentre_is_where_the_particle_points(kind: str, centimetres: float) -> None:
    whole = generate(80, 6, replace(shots(kind, 30, 100, lowest_eta=1.7, highest_eta=2.5), tracker=STRAIGHT))
    assert whole.truth is not None
    x, y, z = whole.cell_positions()
    energy = whole.batch.charges * whole.gev_per_count[:, None]
    off = []
    for row in range(len(whole.truth)):
        event, side = whole.truth.event[row], whole.truth.zside[row]
        mine = (whole.event == event) & (whole.zside == side)
        away = np.abs(z[mine]) / np.sinh(np.abs(whole.truth.eta[row]))
        dx, dy = x[mine] - away * np.cos(whole.truth.phi[row]), y[mine] - away * np.sin(whole.truth.phi[row])
        near = energy[mine] * (np.hypot(dx, dy) < 8)
        off.append([(near * dx).sum() / near.sum(), (near * dy).sum() / near.sum()])
    assert np.median(np.abs(off)) < centimetres
    assert np.abs(np.median(off, axis=0)).max() < centimetres / 2


def test_the_vertex_moves_energy_between_the_sides() -> None:
    """Seen from the centre, a particle from z > 0 is at larger eta on side 1 and smaller eta on side -1."""
    vertex = generate(400, 1, EndcapParameters(showers=Showers(spread=0))).truth
    assert vertex is not None
    difference = np.abs(vertex.eta[1::2]) - np.abs(vertex.eta[::2])
    # d eta = 2 tanh(eta) z / 322 cm, with z of 4.5 cm.
    assert difference.std() == pytest.approx(2 * 0.97 * 4.5 / 322, rel=0.15)


def test_electrons_radiate_sideways() -> None:
    """Bremsstrahlung moves charge in phi, not in radius; more at low pT."""
    rms = {}
    for x0 in (0.0, 1.5):
        tracker = Tracker(radiating_x0=x0, vertex_cm=0)
        whole = generate(80, 8, replace(shots("electron", 5, 10), tracker=tracker))
        assert whole.truth is not None
        x, y, z = whole.cell_positions()
        et = whole.cell_et(whole.batch.charges)
        row = 2 * whole.event + (whole.zside > 0)
        phi = np.angle(np.exp(1j * (np.arctan2(y, x) - whole.truth.phi[row][:, None])))
        eta = np.arcsinh(z / np.hypot(x, y)) - whole.truth.eta[row][:, None]
        near = et * ((np.abs(phi) < 0.4) & (np.abs(eta) < 0.2))
        rms[x0] = np.sqrt([np.average(phi**2, weights=near), np.average(eta**2, weights=near)])
    assert rms[1.5][0] > 1.1 * rms[0.0][0]
    assert rms[1.5][1] < 1.1 * rms[0.0][1]


def test_symmetric_in_phi_and_side() -> None:
    whole = generate(12, 1, EndcapParameters(Gun(()), pileup=replace(PILEUP_200, mu=20)))
    x, y, _ = whole.cell_positions()
    weights = (whole.batch.charges > 0).ravel().astype(float)
    seen = np.histogram(np.arctan2(y, x).ravel(), 6, (-np.pi, np.pi), weights=weights)[0]
    # Hits come in clusters of some ten: far more than Poisson.
    assert np.abs(seen / seen.mean() - 1).max() < 0.08
    sides = [weights.reshape(len(whole), -1)[whole.zside == side].sum() for side in (-1, 1)]
    assert abs(sides[0] / sides[1] - 1) < 0.08


def test_profile_in_depth() -> None:
    """Photons start deeper than electrons, pions reach behind CE-E, and showers are deeper at higher energy."""
    depth = {}
    for kind, pt in (("electron", 10.0), ("electron", 100.0), ("photon", 100.0), ("pion", 100.0)):
        whole = generate(80, 9, replace(shots(kind, pt, pt), tracker=STRAIGHT))
        energy = (whole.batch.charges * whole.gev_per_count[:, None]).sum(axis=1)
        depth[kind, pt] = np.average(np.asarray(whole.batch.metadata["layer"], float), weights=energy)
    assert depth["electron", 10] < depth["electron", 100] < depth["photon", 100] < depth["pion", 100]
    assert 3 < depth["electron", 100] < 5.5
    assert depth["pion", 100] > 8


def test_no_shower_without_response() -> None:
    silent = replace(shots("photon"), front_end=PERFECT, showers=Showers(electromagnetic_response=1e-12))
    assert len(generate(8, 1, silent)) == 0


def test_pileup_is_that_of_full_simulation(reference: Path) -> None:
    """Modules, hits and charge by layer of 200 interactions: within 15 % of events 0 to 7 of the public file."""
    real = from_npz(reference / "cms_events" / "electrons_pu200.npz", range(8))
    made = generate(4, 1, EndcapParameters(pileup=PILEUP_200))
    assert len(made) / 4 == pytest.approx(len(real) / 8, rel=0.07)
    assert made.batch.occupancy.sum() / 4 == pytest.approx(real.batch.occupancy.sum() / 8, rel=0.1)
    energy = {}
    for name, events, count in (("real", real, 8), ("made", made, 4)):
        layer = np.asarray(events.batch.metadata["layer"], np.int64)
        energy[name] = np.bincount(layer, events.batch.total * events.gev_per_count, 34) / count
    ratio = energy["made"][:14] / energy["real"][:14]
    assert np.abs(ratio - 1).max() < 0.2
    assert np.abs(ratio.mean() - 1) < 0.1


HOSTILE: list[tuple[type, dict[str, Any], str]] = [
    (Gun, {"kinds": ("elektron",)}, "particle 'elektron' is unknown; expected one of electron, photon, pion, jet; "),
    (Gun, {"lowest_pt": 0}, "pT from 0 to 100 GeV; expected a rising range in 0 to 1000"),
    (Gun, {"highest_pt": float("nan")}, "pT from 1 to nan GeV"),
    (Gun, {"highest_pt": 1e9}, "pT from 1 to 1e+09 GeV"),
    (Gun, {"lowest_eta": 2.9, "highest_eta": 1.5}, "eta from 2.9 to 1.5; expected a rising range in 1.2 to 3.6"),
    (Gun, {"lowest_eta": float("nan")}, "eta from nan to 2.9"),
    (Tracker, {"x0": -1}, "whole events: x0 -1; expected 0 or more"),
    (Tracker, {"vertex_cm": float("inf")}, "whole events: vertex_cm inf; expected 0 or more"),
    (Tracker, {"decays": 2}, "decays 2; expected a share of 0 to 1"),
    (Showers, {"moliere_cm": 0}, "whole events: moliere_cm 0; expected more than 0"),
    (Showers, {"partial": 1.5}, "partial 1.5; expected a share of 0 to 1"),
    (FrontEnd, {"threshold_mip": 0}, "whole events: threshold_mip 0; expected more than 0"),
    (FrontEnd, {"noise_mip": 3}, "noise of 3 MIP and a threshold of 0.45; expected no more noise than the threshold"),
    (Pileup, {"mu": -1}, "mu -1; expected 0 or more"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), HOSTILE, ids=lambda value: str(value)[:30])
def test_hostile_settings(kind: type, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("events", "seed"), [(0, 1), (5, -1)])
def test_counts(events: int, seed: int) -> None:
    with pytest.raises(ConfigError, match=f"{events} whole events with seed {seed}; expected at least 1 event"):
        generate(events, seed)
