"""Mean EMD of the codes without a network on the samples: from real frames, decoded from their bits alone.

Usage: ``python benchmarks/compare_rivals.py [pu200] [cms] [generated]``; default: all. Needs the reference data beside
the checkout for the first two. Charges of ``cms_events`` are the decoded counts, without calibration.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import load_preset
from econ_ae.data import generated as generator
from econ_ae.data.readers import read
from econ_ae.data.splits import split
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.emd import emd
from metrics.rivals import AdaptivePrecision, CompandedCells, Pools, forms

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"
ELINKS = (2, 3, 4, 5)
TRAINING = 40_000

Charges = NDArray[np.integer]


def pu200() -> tuple[Charges, Charges]:
    batch = read(REFERENCE / "hgcal_pu200_eportrx.csv")
    return batch.charges[split(batch).train], batch.charges[8000:10_000]


def cms() -> tuple[Charges, Charges]:
    with np.load(REFERENCE / "cms_events" / "electrons_pu200.npz") as file:
        codes, event, layer = file["codes"].astype(np.int64), file["event"], file["layer"]
    exponent, mantissa = codes >> 3, codes & 7
    counts = np.where(exponent == 0, mantissa, (8 + mantissa) << np.maximum(exponent - 1, 0))
    rng = np.random.default_rng(1)
    train, report = (np.flatnonzero((layer < 13) & part) for part in (event < 60, event >= 60))
    return counts[rng.choice(train, TRAINING, replace=False)], counts[report]


def generated() -> tuple[Charges, Charges]:
    config = load_preset("econ-t")
    batch = generator.generated(config.data, config.seed, MODULE, None)
    rows = split(batch)
    return batch.charges[rows.train], batch.charges[rows.report]


def table(name: str, train: Charges, report: Charges) -> None:
    report = report[report.sum(axis=1) > 0]
    pools = Pools(train)
    for elinks in ELINKS:
        codes = {
            f"adaptive precision, {layout.form}": AdaptivePrecision.trained(layout, pools) for layout in forms(elinks)
        }
        for title, code in (*codes.items(), ("companded cell code", CompandedCells.trained(elinks, pools, MODULE))):
            start = time.perf_counter()
            image = code.decode(code.encode(report))
            seconds = time.perf_counter() - start
            mean = emd(report.astype(float), image, MODULE).values.mean()
            print(f"{name:10} {elinks} eLinks  {title:32} {mean:.4f}   ({seconds:.2f} s of frames)", flush=True)


def main() -> None:
    samples = {"pu200": pu200, "cms": cms, "generated": generated}
    for name in sys.argv[1:] or samples:
        table(name, *samples[name]())


if __name__ == "__main__":
    main()
