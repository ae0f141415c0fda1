"""A campaign of encoders with latents, trained, delivered and read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.campaign.run import run, with_map
from econ_ae.app.export.cmssw import write
from econ_ae.app.export.cmssw.suite import verify_package
from econ_ae.config.campaign import load
from econ_ae.errors import ConfigError
from econ_ae.progress import Silent
from tests.data import whole_events
from tests.icarus import needs_icarus

pytestmark = [pytest.mark.slow, pytest.mark.simulator, needs_icarus]

ENCODER = '[hardware]\nelinks = {}\naccumulate = "trn_each"\n'
CAMPAIGN = """
name = "small"
[campaign]
map = "map.csv"
unconditional = true
[[campaign.classes]]
name = "front"
encoder = "m5.toml"
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
hidden = [16]
conditions = ["eta", "layer", "log_sum"]
[training]
epochs = 2
batch = 32
[verify]
real_events = 20
random_events = 5
"""


def test_every_class_has_its_graph_and_the_release_gets_the_second_decoders(tmp_path: Path) -> None:
    for elinks in (2, 5):
        (tmp_path / f"m{elinks}.toml").write_text(ENCODER.format(elinks))
    (tmp_path / "map.csv").write_text("layer,class\n,back\n0,front\n20,rest\n")
    np.savez_compressed(tmp_path / "events.npz", **whole_events.arrays(events=14, modules=60))
    (tmp_path / "campaign.toml").write_text(CAMPAIGN.replace("SOURCE", str(tmp_path / "events.npz")))
    path = tmp_path / "small"
    run(path, with_map(load(tmp_path / "campaign.toml")), overwrite=False, resume=False, progress=Silent())
    for target in ("fork", "cms-sw"):
        out = tmp_path / target
        found = write.export(path, target, out, Silent())
        assert [(one.modules, one.elinks, one.graph, one.passed) for one in found] == [
            ("back", 2, 0, True),
            ("front", 5, 1, True),
        ]
        assert all(one.passed for one in verify_package(path, out, None, Silent()))
        manifest = json.loads((out / "export.json").read_text())
        assert [one["graph"] for one in manifest["links"]] == [0, 0, 0, 0, 0, *[1] * 10]
        assert [one["bits"] for one in manifest["links"]] == [0, 1, 3, 3, 3, *[9] * 10]
        assert [pair["conditions"] for pair in manifest["pairs"]] == (
            [["eta", "layer", "log_sum"]] * 2 if target == "fork" else [[]] * 2
        )
        assert {pair["map"]["name"] for pair in manifest["pairs"]} == {"map.csv"}
        assert all(len(pair["map"]["sha256"]) == 64 for pair in manifest["pairs"])
        text = (out / "README.md").read_text()
        assert "Classes without an encoder are not in this package: rest (bc)." in text
        assert f"decoderShape = cms.vuint32(1, {24 if target == 'fork' else 16})" in next(out.glob("*.py")).read_text()
    with pytest.raises(ConfigError, match=r"back is a run|is no campaign|of other encoders"):
        verify_package(path / "back", tmp_path / "fork", None, Silent())
