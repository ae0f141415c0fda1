"""A campaign on a file larger than ``data.memory_mb`` takes no more memory when the file is four times as long."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.stages import data
from econ_ae.app.stages.streamed import Streamed
from econ_ae.config.campaign import load
from econ_ae.geometry import LOW_DENSITY
from econ_ae.process import run
from tests.data import whole_events
from tests.icarus import needs_icarus

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]
ENCODER = '[encoder]\nfamily = "cells"\n[hardware]\nelinks = 2\n'
CAMPAIGN = """
name = "long"
[campaign]
map = "map.csv"
unconditional = false
[[campaign.classes]]
name = "front"
encoder = "m2.toml"
[[campaign.classes]]
name = "rest"
algorithm = "bc"
elinks = 1
[data]
source = "SOURCE"
memory_mb = 16
[data.cms_events]
calibration = "counts"
train_events = "6:TRAIN"
validation_events = "3:6"
report_events = "0:3"
[decoder]
conditions = ["eta", "layer"]
[cells]
rule_events = 100
units = 4
depth = 1
steps = 2
refits = 0
[training]
epochs = 1
batch = 32
[verify]
real_events = 2
random_events = 2
"""
MODULES = 500  # per event: 3 report and 3 validation events fit into 16 MB
EVENTS = (160, 640)


def settings(folder: Path, events: int) -> Path:
    folder.mkdir()
    (folder / "m2.toml").write_text(ENCODER)
    (folder / "map.csv").write_text("layer,class\n,front\n20,rest\n")
    arrays = whole_events.arrays(events=events, modules=MODULES)
    number = np.repeat(np.arange(events), MODULES).astype(np.uint16)
    np.savez_compressed(folder / "events.npz", **arrays | {"event": number})
    text = CAMPAIGN.replace("SOURCE", str(folder / "events.npz")).replace("TRAIN", str(events))
    (folder / "campaign.toml").write_text(text)
    return folder / "campaign.toml"


PEAK = """
    with open("/proc/self/status") as status:  # getrusage would also count the process that started this one
        print("PEAK", int(status.read().split("VmHWM:")[1].split()[0]) >> 10)
"""
CAMPAIGN_IN = (
    """
import sys
from econ_ae.app.cli.main import main
sys.argv = ["econ-ae", "campaign", {toml!r}, "--out", {out!r}, "--jobs", "1"]
try:
    main()
finally:
"""
    + PEAK
)
DATA_IN = (
    """
from pathlib import Path
from econ_ae.app.stages import data
from econ_ae.config.campaign import load
from econ_ae.geometry import LOW_DENSITY
prepared = data.prepare(load(Path({toml!r})).first, LOW_DENSITY)
Path({out!r}).mkdir()
prepared.write(Path({out!r}))
if True:
"""
    + PEAK
)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks: dict[str, list[int]] = {"largest process": [], "campaign's own process": [], "data stage": []}
    for events in EVENTS:
        toml = settings(tmp_path / str(events), events)
        assert isinstance(data.prepare(load(toml).first, LOW_DENSITY), Streamed)
        log = tmp_path / f"{events}.log"
        for name, code in (("campaign's own process", CAMPAIGN_IN), ("data stage", DATA_IN)):
            text = code.format(toml=str(toml), out=str(tmp_path / f"{name[0]}{events}"))
            done = run([sys.executable, "-c", text], log=log, timeout=1800)
            peaks[name].append(int(log.read_text().rpartition("PEAK")[2].split()[0]))
            if code == CAMPAIGN_IN:
                peaks["largest process"].append(done.peak_memory >> 20)
    rows = [events * MODULES for events in EVENTS]
    for name, (one, four) in peaks.items():
        print(f"{name}: {one} MB at {rows[0]} rows, {four} MB at {rows[1]} rows")
        # 240,000 rows more, held in memory, are 400 MB (``event_bytes``); streamed, some 70 bytes each.
        assert four - one < 50, name
