"""Training rows in a chosen share of signal: exact counts, the same for the same seed, report rows untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app.stages import data as stage
from econ_ae.config import RunConfig, parse
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY

ROWS = 6000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of which a tenth is signal."""
    rng = np.random.default_rng(3)
    charges = rng.integers(1, 2000, (ROWS, 48))
    energy = np.where(rng.random(ROWS) < 0.1, rng.uniform(10, 50, ROWS), rng.uniform(0, 9, ROWS))
    kind = np.where(energy > 10, rng.integers(1, 3, ROWS), 0)
    path = tmp_path_factory.mktemp("resample") / "set.h5"
    with DatasetWriter(path) as writer:
        writer.append(Batch(charges, Provenance("set", synthetic=False), {"sim_energy": energy, "kind": kind}))
    return path


def config(file: Path, memory_mb: int = 2048, conditions: Any = None, **resample: Any) -> RunConfig:
    data = {"source": str(file), "memory_mb": memory_mb, "resample": resample or None}
    return parse({"data": data, "conditions": conditions or {}}, "test")


def shares(prepared: Any) -> tuple[int, int]:
    """Return how many training rows there are, and how many are signal."""
    (parts,) = ([np.asarray(b.metadata["sim_energy"]) for b in prepared.parts(prepared.rows.train)],)
    energy = np.concatenate(parts)
    return len(energy), int((energy > 10).sum())


@pytest.mark.parametrize("memory_mb", [2048, 2], ids=["in memory", "streamed"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
def test_rows_are_left_out_for_the_share(file: Path, share: float, memory_mb: int) -> None:
    plain = stage.prepare(config(file, memory_mb), LOW_DENSITY)
    found = stage.prepare(config(file, memory_mb, above=10, share=share), LOW_DENSITY)
    assert type(found).__name__ == ("InMemory" if memory_mb > 2 else "Streamed")
    rows, signal = shares(found)
    assert signal == pytest.approx(share * rows, abs=1)
    all_rows, all_signal = shares(plain)
    kept = signal == all_signal if share > all_signal / all_rows else rows - signal == all_rows - all_signal
    assert kept, "the kind that lacks is kept whole"
    assert np.isin(found.rows.train, plain.rows.train).all()
    assert len(np.unique(found.rows.train)) == rows
    for name in ("validation", "report"):
        np.testing.assert_array_equal(getattr(found.rows, name), getattr(plain.rows, name))
    assert found.describe()["train_events"] == rows
    assert f"{signal} training rows with sim_energy > 10" in found.describe()["rows"]


def test_in_memory_and_streamed_agree(file: Path) -> None:
    one, other = (stage.prepare(config(file, mb, above=10, share=0.4, seed=5), LOW_DENSITY) for mb in (2048, 2))
    np.testing.assert_array_equal(one.rows.train, other.rows.train)
    third = stage.prepare(config(file, above=10, share=0.4, seed=6), LOW_DENSITY)
    assert len(third.rows.train) == len(one.rows.train)
    assert (third.rows.train != one.rows.train).any()


def test_rows_are_repeated(file: Path) -> None:
    plain = stage.prepare(config(file), LOW_DENSITY)
    found = stage.prepare(config(file, above=10, share=0.5, repeat=True), LOW_DENSITY)
    rows, signal = shares(found)
    all_rows, all_signal = shares(plain)
    assert (rows - signal, signal) == (all_rows - all_signal, all_rows - all_signal)
    counts = np.unique(found.rows.train, return_counts=True)[1]
    assert set(counts) <= {1, signal // all_signal, signal // all_signal + 1}
    np.testing.assert_array_equal(found.rows.report, plain.rows.report)


def test_by_values_and_by_sum(file: Path) -> None:
    by_value = stage.prepare(config(file, column="kind", values=[1, 2], share=0.5), LOW_DENSITY)
    by_energy = stage.prepare(config(file, above=10, share=0.5), LOW_DENSITY)
    np.testing.assert_array_equal(by_value.rows.train, by_energy.rows.train)
    found = stage.prepare(config(file, column="sum", above=50_000, share=0.25), LOW_DENSITY)
    total = found.batch.total[found.rows.train]  # type: ignore[attr-defined]
    assert (total > 50_000).mean() == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("resample", "error", "message"),
    [
        ({"share": 0.5}, ConfigError, "expected one of above and values"),
        ({"above": 1, "values": [1]}, ConfigError, "expected one of above and values"),
        ({"above": 1, "share": 1.0}, ConfigError, "share"),
        (
            {"above": 1, "column": "simenergy"},
            DataError,
            "'simenergy' is no column of set; .*did you mean 'sim_energy'",
        ),
        ({"above": 99}, DataError, r"no one of \d+ training rows has sim_energy > 99 \(they have 0.* to 49"),
        ({"above": -1}, DataError, r"every one of \d+ training rows has sim_energy > -1"),
        ({"values": []}, DataError, "no one of"),
    ],
    ids=str,
)
def test_mistakes(file: Path, resample: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        stage.prepare(config(file, **resample), LOW_DENSITY)


def test_no_number_is_no_energy(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "nan.h5") as writer:
        energy = np.where(np.arange(50) == 7, np.nan, np.arange(50.0))
        charges = np.arange(1, 50 * 48 + 1).reshape(50, 48)
        writer.append(Batch(charges, Provenance("nan", synthetic=False), {"sim_energy": energy}))
    with pytest.raises(DataError, match="'sim_energy' of nan is nan in row 8"):
        stage.prepare(config(tmp_path / "nan.h5", above=3), LOW_DENSITY)


def test_what_streaming_cannot(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"data.resample.repeat: .* is streamed"):
        stage.prepare(config(file, 2, above=10, repeat=True), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"data.resample: .* \[conditions\] change rows"):
        stage.prepare(config(file, 2, conditions={"dead": [3]}, above=10), LOW_DENSITY)
