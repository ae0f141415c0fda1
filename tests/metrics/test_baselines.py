"""Baselines: small images by hand, and the table measured on the reference sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import BEST_CHOICE_CELLS, baselines, best_choice, super_trigger_cells
from metrics.evaluate import Evaluation, evaluate

# Mean EMD on rows 8000-9999 of the reference sample, exact charge sum known at the receiver.
MEASURED = {
    ("flat", "plain", None): 2.546,
    ("stc4x4", "plain", 2): 2.425,
    ("stc4x4", "plain", 3): 2.425,
    ("stc2x2", "plain", 4): 0.652,
    ("stc2x2", "plain", 5): 0.652,
    ("bc", "plain", 2): 2.180,
    ("bc", "plain", 3): 1.474,
    ("bc", "plain", 4): 0.843,
    ("bc", "plain", 5): 0.265,
    ("bc", "filled", 2): 1.237,
    ("bc", "filled", 3): 0.950,
    ("bc", "filled", 4): 0.605,
    ("bc", "filled", 5): 0.210,
}


def read_codes(path: Path) -> NDArray[np.int64]:
    """Charges (n, 48) of ePortRX words: four 4E3M codes of 7 bits each, the first in bits 27-21."""
    words = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    codes = np.stack([(words >> (21 - 7 * f)) & 127 for f in range(4)], axis=-1).reshape(len(words), 48)
    exponent, mantissa = codes >> 3, codes & 7
    significand = np.where(exponent == 0, mantissa, mantissa + 8)
    charges = np.where(codes == 0, 0, (2 * significand + 1) << np.maximum(exponent - 1, 0))
    return charges[:, MODULE.premux]


@pytest.fixture(scope="module")
def evaluation(reference: Path) -> Evaluation:
    charges = read_codes(reference / "hgcal_pu200_eportrx.csv")[8000:]
    assert len(charges) == 2000
    return evaluate(charges, baselines(charges, MODULE), MODULE, seed=1)


def test_the_reference_table(evaluation: Evaluation) -> None:
    found = {
        (r.algorithm, r.variant, r.elinks): e.summary.mean.value for e in evaluation.entries for r in [e.reconstruction]
    }
    assert {key: found[key] for key in MEASURED} == pytest.approx(MEASURED, abs=0.01)
    assert all(e.summary.n_defined == 2000 and e.summary.n_undefined == 0 for e in evaluation.entries)


def test_best_choice_keeps_the_largest_and_fills_the_rest() -> None:
    image = np.zeros((1, 48))
    image[0, [3, 10, 20]] = 8, 5, 2
    plain, filled = (best_choice(image, 2, fill=fill) for fill in (False, True))
    assert np.flatnonzero(plain).tolist() == [3, 10]
    assert filled[0, [3, 10]].tolist() == [8, 5]
    np.testing.assert_array_equal(np.delete(filled[0], [3, 10]), 2 / 46)


def test_best_choice_prefers_the_lower_trigger_cell_of_equal_charges() -> None:
    assert np.flatnonzero(best_choice(np.ones((1, 48)), 4, fill=False)).tolist() == [0, 1, 2, 3]


def test_thirteen_elinks_send_everything() -> None:
    image = np.arange(48.0)[None]
    assert BEST_CHOICE_CELLS[12] == 48
    for r in baselines(image, MODULE, [13]):
        if r.algorithm == "bc":
            np.testing.assert_array_equal(r.charges, image)


def test_super_trigger_cells_put_the_sum_at_the_last_maximum() -> None:
    group = MODULE.stc4[5]
    image = np.zeros((1, 48))
    image[0, group] = 4, 7, 7, 1
    out = super_trigger_cells(image, MODULE.stc4, fill=False)
    assert {int(c): out[0, c] for c in np.flatnonzero(out)} == {int(group[2]): 19.0}
    spread = super_trigger_cells(image, MODULE.stc4, fill=True)
    assert spread[0, group].tolist() == [4.75] * 4
    assert spread.sum() == 19


def test_every_baseline_but_plain_best_choice_and_flat_keeps_the_charge() -> None:
    image = np.random.default_rng(0).integers(0, 1000, (20, 48))
    for r in baselines(image, MODULE, range(1, 14)):
        if r.algorithm != "flat" and (r.algorithm, r.variant) != ("bc", "plain"):
            np.testing.assert_allclose(r.charges.sum(axis=1), image.sum(axis=1))


def test_payloads_fit_their_links_with_header_and_sum() -> None:
    out = baselines(np.ones((1, 48)), MODULE, range(1, 14))
    # A frame has a 4-bit header, and best choice an 8-bit sum, in 32 bits per eLink.
    for r in out:
        if r.elinks is not None:
            assert r.bits is not None
            assert r.bits + 4 + (8 if r.algorithm == "bc" else 0) <= 32 * r.elinks
    assert {(r.algorithm, r.elinks) for r in out if r.algorithm not in ("bc", "flat")} == {
        ("stc4x4", 2), ("stc4x4", 3), ("ctc2x2", 3), ("stc2x2", 4), ("stc2x2", 5),
    }  # fmt: skip


def test_errors() -> None:
    with pytest.raises(ConfigError, match=r"14 eLinks; the ECON-T has 1\.\.13"):
        baselines(np.ones((1, 48)), MODULE, [14])
    with pytest.raises(DataError, match=r"charges have shape \(1, 47\)"):
        baselines(np.ones((1, 47)), MODULE)
