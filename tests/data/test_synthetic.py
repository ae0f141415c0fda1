"""Synthetic events: reproducible, in chunks, coded as the chip does, and near the public sample."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import DataConfig, SyntheticConfig
from econ_ae.data.batch import Batch
from econ_ae.data.generated import generated
from econ_ae.data.readers import read
from econ_ae.data.synthetic import SIGNALS, Electronics, Parameters, Pileup, Signal, chunks, generate
from econ_ae.data.synthetic.blocks import BLOCK
from econ_ae.data.synthetic.detector import digitise
from econ_ae.errors import ConfigError
from econ_ae.floatcodes import decode_4e3m, encode_4e3m
from econ_ae.geometry import LOW_DENSITY
from metrics.baselines import best_choice
from metrics.emd import emd

NO_SIGNAL = Signal(share=0)
QUIET = Pileup(mu=0)


@pytest.fixture(scope="module")
def events() -> Batch:
    return generate(4000, seed=1)


def test_same_seed_in_another_process(events: Batch) -> None:
    program = "from econ_ae.data.synthetic import generate; print(generate(4000, seed=1).content_hash())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == events.content_hash()
    assert generate(4000, seed=2).content_hash() != events.content_hash()


@pytest.mark.parametrize("size", [1, 100, BLOCK, 777, 5000])
def test_chunks_are_the_rows_of_the_whole(events: Batch, size: int) -> None:
    n = 3 * BLOCK + 5 if size == 1 else 2000
    parts = list(chunks(n, 1, size))
    assert [len(part) for part in parts] == [size] * (n // size) + [n % size] * (n % size > 0)
    np.testing.assert_array_equal(np.concatenate([part.charges for part in parts]), events.charges[:n])
    for name, values in events.metadata.items():
        np.testing.assert_array_equal(np.concatenate([part.metadata[name] for part in parts]), values[:n])


def test_provenance_says_synthetic(events: Batch) -> None:
    assert events.provenance.synthetic is True
    assert events.provenance.source == "synthetic HGCAL low-density module, all, seed 1"
    other = generate(10, seed=1, parameters=Parameters(electronics=Electronics(noise_mip=0.2)))
    assert other.provenance.sha256 != generate(10, seed=1).provenance.sha256


def test_metadata(events: Batch) -> None:
    expected = {"eta", "layer", "detector_layer", "wafer_u", "wafer_v", "sim_energy", "pileup", "signal", "signal_pt"}
    assert set(events.metadata) == expected
    assert set(np.unique(events.metadata["layer"])) == set(range(1, 28, 2))
    assert set(np.unique(events.metadata["signal"])) == set(range(len(SIGNALS)))
    one = generate(600, 1, parameters=Parameters("7:5,1"))
    assert np.unique(one.metadata["eta"]) == pytest.approx([np.arcsinh(329.2 / (16.74 * np.sqrt(21)))])
    pileup = np.asarray(one.metadata["pileup"], dtype=float)
    assert pileup.mean() == pytest.approx(200, abs=5 * np.sqrt(200 / 600))
    assert pileup.std() == pytest.approx(np.sqrt(200), rel=0.15)
    assert ((np.asarray(one.metadata["signal_pt"]) > 0) == (np.asarray(one.metadata["signal"]) > 0)).all()


def test_nothing_happens_without_particles_and_noise() -> None:
    p = Parameters(pileup=QUIET, signal=NO_SIGNAL, electronics=Electronics(noise_mip=0))
    batch = generate(50, 1, parameters=p)
    assert batch.charges.sum() == 0
    assert np.asarray(batch.metadata["sim_energy"]).sum() == 0


def test_occupancy_is_that_of_the_published_plots(events: Batch) -> None:
    """They count the cells above one transverse MIP (35 counts) and range from 0 to 24."""
    above = (events.charges > 35).sum(axis=1)
    assert (above <= 24).mean() > 0.97
    assert above.mean() == pytest.approx(4.3, abs=0.5)
    assert (events.total == 0).mean() < 0.01


def test_every_kind_of_signal_deposits() -> None:
    median = {}
    for kind in SIGNALS[1:]:
        p = Parameters("9:5,1", pileup=QUIET, signal=Signal(1.0, (kind,), 50, 50), electronics=Electronics(noise_mip=0))
        median[kind] = np.median(generate(1000, 1, parameters=p).total)
    assert median["electron"] == pytest.approx(median["photon"], rel=0.1)
    assert median["electron"] > median["jet"] > median["pion"] > 0


def test_digitised_charge_is_noise_suppressed_coded_and_calibrated() -> None:
    rng = np.random.default_rng(1)
    mips = np.array([[0.0, 0.49, 0.5, 1.0, 100.0, 1e9]])
    quiet = Electronics(noise_mip=0, calibrated=False, saturation_mip=1e6)
    charges = digitise(rng, mips, np.ones(1), quiet)[0]
    codes = encode_4e3m(np.array([17, 35, 3500]), 1)
    np.testing.assert_array_equal(charges, [0, 0, *decode_4e3m(codes, 1), 507_904])
    assert digitise(rng, mips, np.ones(1), replace(quiet, saturation_mip=100))[0, 5] == charges[4]
    calibrated = digitise(rng, mips, np.array([4.0]), replace(quiet, calibrated=True))[0]
    np.testing.assert_array_equal(calibrated, charges // 4)
    spread = rng.uniform(256 / 35, 512 / 35, (2000, 48))  # one octave: bins of 32 counts
    noise = digitise(rng, spread, np.ones(2000), Electronics(calibrated=False)) / 35 - spread
    assert noise.std() == pytest.approx(np.hypot(0.30, 32 / 35 / np.sqrt(12)), rel=0.05)


def _figures(batch: Batch) -> dict[str, float]:
    hit = batch.charges > 0
    share = np.sort(batch.charges / batch.total[:, None], axis=1)
    correlation = np.corrcoef(hit.T.astype(float))
    neighbours = (LOW_DENSITY.distance > 0) & (LOW_DENSITY.distance < 2.3)
    last = batch.charges[-1000:]
    return {
        "occupancy": batch.occupancy.mean(),
        "occupancy deviation": batch.occupancy.std(),
        "log total": np.log10(batch.total).mean(),
        "log total deviation": np.log10(batch.total).std(),
        "hit median": float(np.median(batch.charges[hit])),
        "largest share": share[:, -1].mean(),
        "four largest": share[:, -4:].sum(axis=1).mean(),
        "neighbour correlation": correlation[neighbours].mean(),
        "correlation": correlation[~np.eye(48, dtype=bool)].mean(),
        "EMD of four cells": float(emd(last, best_choice(last, 4, fill=True), LOW_DENSITY).values.mean()),
    }


def test_near_the_public_sample(reference: Path) -> None:
    """One module, the file's units and lowest charge; no number of the physics was fitted to the file."""
    electronics = Electronics(threshold_mip=67 / 35, calibrated=False)
    batch = generate(6000, 1, parameters=Parameters("13:5,3", signal=NO_SIGNAL, electronics=electronics))
    ours, theirs = _figures(batch[batch.total > 0]), _figures(read(reference / "hgcal_pu200_eportrx.csv"))
    tolerance = {"neighbour correlation": 0.1, "correlation": 0.03, "log total": 0.1, "log total deviation": 0.07}
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=tolerance.get(name, 0.2 * abs(value))), name


def test_configuration_reaches_the_generator() -> None:
    jets = SyntheticConfig(modules="7:5,1 9:5,1", pileup=20, signals=("jet",), signal_share=1.0)
    batch = generated(DataConfig(events=300, synthetic=jets), 3, LOW_DENSITY)
    assert set(np.unique(batch.metadata["layer"])) == {7, 9}
    assert set(np.unique(batch.metadata["signal"])) == {SIGNALS.index("jet")}
    assert np.asarray(batch.metadata["pileup"], dtype=float).mean() == pytest.approx(20, abs=2)
    plain = SyntheticConfig(signals=(), threshold=2.0, calibrated=False)
    bare = generated(DataConfig(events=300, synthetic=plain), 3, LOW_DENSITY)
    assert not np.asarray(bare.metadata["signal"]).any()
    assert bare.charges[bare.charges > 0].min() >= 70 - 70 // 8  # the code's bin of 2 MIPs at 35 counts


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: generate(0, 1), "0 synthetic events with seed 1 in chunks of 1; expected at least 1 event"),
        (lambda: generate(1, -1), "1 synthetic events with seed -1 in chunks of 1; expected at least 1 event"),
        (lambda: list(chunks(1, 1, 0)), "in chunks of 0; expected"),
        (lambda: Electronics(noise_mip=-1), "synthetic events: noise_mip -1; expected 0 or more"),
        (lambda: Pileup(mu=float("nan")), "synthetic events: mu nan; expected 0 or more"),
        (lambda: Pileup(power=3), "synthetic events: power 3; expected more than 3"),
        (lambda: Signal(share=2), "synthetic events: signal share 2; expected a number of 0 to 1"),
        (lambda: Signal(kinds=("elektron",)), "signal 'elektron' is unknown; expected one of electron, photon, pion"),
        (lambda: Signal(lowest_pt=5, highest_pt=2), "signal pT from 5 to 2 GeV; expected a rising range"),
        (lambda: generate(1, 1, parameters=Parameters("7-5-1")), "module '7-5-1' not understood; expected 'all' or"),
        (
            lambda: generate(1, 1, parameters=Parameters("8:5,1")),
            "module 8:5,1 is not in the calorimeter; expected one",
        ),
        (lambda: generate(1, 1, parameters=Parameters(" ")), "no modules given; expected 'all' or layer:u,v"),
    ],
)
def test_errors(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
