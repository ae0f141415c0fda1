"""A small campaign that several test files look at: made once, never changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.campaign.run import run, with_map
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.config.campaign import CampaignConfig, load
from econ_ae.progress import Silent
from tests.data import whole_events

ENCODER = '[encoder]\nfamily = "cells"\n[hardware]\nelinks = {}\n'
CAMPAIGN = """
name = "small"
[campaign]
map = "map.csv"
[[campaign.classes]]
name = "front"
encoder = "m3.toml"
settings = { training = { epochs = 3 } }
[[campaign.classes]]
name = "back"
encoder = "m2.toml"
[[campaign.classes]]
name = "rest"
algorithm = "bc"
elinks = 1
[data]
source = "SOURCE"
[data.cms_events]
calibration = "counts"
[decoder]
conditions = ["eta", "layer"]
[cells]
rule_events = 100
units = 4
depth = 1
steps = 2
[training]
epochs = 2
batch = 32
[verify]
real_events = 20
random_events = 5
"""


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    for elinks in (2, 3):
        (folder / f"m{elinks}.toml").write_text(ENCODER.format(elinks))
    (folder / "map.csv").write_text("layer,class\n,back\n0,front\n20,rest\n")
    np.savez_compressed(folder / "events.npz", **whole_events.arrays(events=14, modules=60))
    (folder / "campaign.toml").write_text(CAMPAIGN.replace("SOURCE", str(folder / "events.npz")))
    return folder / "campaign.toml"


@pytest.fixture(scope="session")
def config(settings: Path) -> CampaignConfig:
    return with_map(load(settings))


@pytest.fixture(scope="session")
def finished(config: CampaignConfig, tmp_path_factory: pytest.TempPathFactory) -> CampaignDirectory:
    path = tmp_path_factory.mktemp("campaign") / "small"
    return run(path, config, overwrite=False, resume=False, progress=Silent())
