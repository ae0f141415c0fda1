"""Mean EMD of trained runs on the public sample, whatever they were trained on.

Usage: ``python benchmarks/transfer_synthetic.py RUN...``. Needs the reference data beside the checkout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import open_run
from econ_ae.data.readers import read
from econ_ae.progress import Silent
from metrics.emd import emd
from metrics.statistics import summarise

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "hgcal_pu200_eportrx.csv"
ROWS = slice(8000, 10_000)


def main(runs: list[Path]) -> None:
    batch = read(REFERENCE)[ROWS]
    print("| trained on | mean EMD |\n|---|---|")
    for run in runs:
        context = open_run(run, Silent())
        received = reconstruct(context, context.model(), batch)
        mean = summarise(emd(batch.charges, received.charges, context.geometry), context.config.seed).mean
        source = json.loads((context.path("dataset.json")).read_text(encoding="utf-8"))["source"]
        print(f"| {source} | {mean.value:.3f} ± {mean.error:.3f} |")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
