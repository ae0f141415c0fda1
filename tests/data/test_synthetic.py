"""Synthetic events: reproducible, of the chip's codes, and like the public sample."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.batch import Batch
from econ_ae.data.readers import read
from econ_ae.data.synthetic import Parameters, Population, generate
from econ_ae.errors import ConfigError
from econ_ae.floatcodes import decode_4e3m, encode_4e3m
from econ_ae.geometry import LOW_DENSITY


@pytest.fixture(scope="module")
def events() -> Batch:
    return generate(4000, seed=1)


def test_same_seed_in_another_process(events: Batch) -> None:
    program = "from econ_ae.data.synthetic import generate; print(generate(4000, seed=1).content_hash())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == events.content_hash()
    assert generate(4000, seed=2).content_hash() != events.content_hash()


def test_provenance_says_synthetic(events: Batch) -> None:
    assert events.provenance.synthetic is True
    assert events.provenance.source == "synthetic HGCAL low-density module, seed 1"
    other = generate(10, seed=1, parameters=replace(Parameters(), noise=9))
    assert other.provenance.sha256 != generate(10, seed=1).provenance.sha256


def test_charges_are_bin_centres_of_codes(events: Batch) -> None:
    hits = events.charges[events.charges > 0]
    np.testing.assert_array_equal(decode_4e3m(encode_4e3m(hits, 1), 1), hits)


def test_saturation() -> None:
    flood = replace(Parameters(), showers=Population(20, 1e7, 0.1, 0.4, lognormal=True))
    assert generate(50, seed=1, parameters=flood).charges.max() == 507_904


def test_no_deposits_and_no_noise_give_nothing() -> None:
    quiet = replace(Parameters(), noise=0, pileup=Population(0, 1, 1, 1), showers=Population(0, 1, 1, 1))
    batch = generate(20, seed=1, parameters=quiet)
    assert batch.charges.sum() == 0
    assert batch.metadata["sim_energy"].sum() == 0


def test_charge_is_shared_and_kept() -> None:
    """Wide deposits in the module reach neighbours, and their charge is not made more."""
    p = replace(
        Parameters(), noise=0, threshold=1, threshold_spread=0, pileup=Population(0, 1, 1, 1),
        showers=Population(1, 1e5, 0.01, 0.8, lognormal=True),
    )  # fmt: skip
    batch = generate(2000, seed=3, parameters=p)
    deposited = batch.metadata["sim_energy"] / p.gev_per_count
    hit = batch.total > 0
    assert (batch.total[hit] <= deposited[hit] * (1 + 1 / 16)).all()  # half a bin of 4E3M is 1/16
    assert np.median(batch.occupancy[hit]) >= 2
    one = batch.charges[batch.occupancy > 1].astype(float)
    largest = one.argmax(axis=1)
    spread = (one * LOW_DENSITY.distance[largest]).sum(axis=1) / one.sum(axis=1)
    assert np.median(spread) < 2.5  # EMD units


def test_module_metadata(events: Batch) -> None:
    assert set(events.metadata) == {"eta", "layer", "wafer_u", "wafer_v", "sim_energy"}
    assert events.metadata["eta"][0] == pytest.approx(2.157, abs=1e-3)
    assert (events.metadata["sim_energy"] > 0).mean() == pytest.approx(1 - np.exp(-0.5), abs=0.04)


def _figures(batch: Batch) -> dict[str, float]:
    lit = batch[batch.total > 0]
    hits = lit.charges > 0
    share = np.sort(lit.charges / lit.total[:, None], axis=1)
    correlation = np.corrcoef(hits.T.astype(float))
    neighbours = (LOW_DENSITY.distance > 0) & (LOW_DENSITY.distance < 2.3)
    return {
        "occupancy": lit.occupancy.mean(),
        "occupancy deviation": lit.occupancy.std(),
        "log total": np.log10(lit.total).mean(),
        "log total deviation": np.log10(lit.total).std(),
        "hit median": float(np.median(lit.charges[hits])),
        "largest share": share[:, -1].mean(),
        "four largest": share[:, -4:].sum(axis=1).mean(),
        "neighbour correlation": correlation[neighbours].mean(),
        "correlation": correlation[~np.eye(48, dtype=bool)].mean(),
        "busiest cell": hits.mean(axis=0).max(),
        "quietest cell": hits.mean(axis=0).min(),
    }


def test_like_the_public_sample(events: Batch, reference: Path) -> None:
    ours = _figures(events)
    theirs = _figures(read(reference / "hgcal_pu200_eportrx.csv"))
    tolerance = {"neighbour correlation": 0.02, "correlation": 0.01, "log total": 0.03, "log total deviation": 0.03}
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=tolerance.get(name, 0.08 * abs(value))), name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: generate(0, 1), "0 synthetic events with seed 1; expected at least 1 event and a seed of 0 or more"),
        (lambda: generate(1, -1), "1 synthetic events with seed -1; expected at least 1 event"),
        (lambda: Population(1, 0, 1, 1), "synthetic deposits: energy 0; expected more than 0"),
        (lambda: Population(-1, 1, 1, 1), "synthetic deposits: mean -1; expected 0 or more"),
        (lambda: Parameters(noise=-1), "synthetic events: noise -1; expected 0 or more"),
    ],
)
def test_errors(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)
