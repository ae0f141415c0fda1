"""A class of modules with one eLink (18 payload bits): what the chip's algorithms and the codes without a network give.

``python benchmarks/one_elink.py EVENTS.npz [--layers 24:34] [--encoder]`` prints, for modules of these trigger layers,
the mean EMD on validation events (54 to 59) of every algorithm of a campaign, its best variant chosen there too; tables
and thresholds are of training events (0 to 53). Events of the report are not touched. With ``--encoder`` also that of
cells as pulses on one eLink, which is trained here for minutes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.campaign import judge
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data
from econ_ae.config import changed
from econ_ae.config.campaign import CampaignConfig, load
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.detector.judged import Judged
from metrics.emd import emd

CAMPAIGN = """
name = "one"
[campaign]
map = "map.csv"
[[campaign.classes]]
name = "others"
encoder = "frontier-2elinks"
[[campaign.classes]]
name = "1elink"
{sends}
[data]
source = "{source}"
[data.cms_events]
section = "all"
calibration = "counts"
train_events = "0:54"
validation_events = "54:60"
report_events = "60:70"
[decoder]
conditions = ["eta", "layer", "u", "v", "thickness"]
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path)
    parser.add_argument("--layers", default="24:34", help="first trigger layer, and the one behind the last")
    parser.add_argument("--encoder", action="store_true", help="also train cells as pulses")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder), given.events, given.layers, 'algorithm = "abc"\nelinks = 1')
        rows = judge.rows_of(config, "1elink", {})
        print(f"{len(rows.train)} training images, {len(rows.validation)} validation images with one eLink")
        for key, name in judge.RIVALS.items():
            found = judge.variants(rows.validation, 1, key, rows.train)
            if not found:
                print(f"| {name} | does not fit | |")
                continue
            best = min(found, key=lambda variant: judge.rank(found[variant], rows.validation))
            _print(name, best, found[best], rows.validation.metadata["event"])
        if given.encoder:
            _encoder(Path(folder), given.events, given.layers)


def _config(folder: Path, events: Path, layers: str, sends: str) -> CampaignConfig:
    first, end = (int(part) for part in layers.split(":"))
    lines = ["layer,class", ",others", *(f"{layer},1elink" for layer in range(first, end))]
    (folder / "map.csv").write_text("\n".join(lines) + "\n")
    (folder / "one.toml").write_text('[encoder]\nfamily = "cells"\n[hardware]\nelinks = 1\n')
    (folder / "campaign.toml").write_text(CAMPAIGN.format(sends=sends, source=events.resolve()))
    return load(folder / "campaign.toml")


def _encoder(folder: Path, events: Path, layers: str) -> None:
    config = _config(folder, events, layers, 'encoder = "one.toml"').members["1elink"]
    config = changed(config, "benchmark", training={"epochs": 6})
    context = Context(RunDirectory.create(folder / "run", config), LOW_DENSITY, Silent())
    data.write(context, data.prepare(config, LOW_DENSITY))
    for stage in ("train", "freeze"):
        pipeline.run_stage(context, stage, repeat=False)
    rows = context.rows("validation")
    result = emd(rows.charges, reconstruct(context, context.model(), rows).charges, LOW_DENSITY)
    _print("cells as pulses", "", np.where(result.defined, result.values, np.nan), rows.metadata["event"])


def _print(name: str, variant: str, values: np.ndarray, event: np.ndarray) -> None:
    judged = Judged(("1elink",), np.zeros(len(values), np.int64), event.astype(np.int64), {}, {name: values})
    mean = judged.mean(name, judged.everything)
    assert mean is not None
    print(f"| {name} | {variant} | {mean.value:.4f} ± {mean.error:.4f} |")


if __name__ == "__main__":
    main()
