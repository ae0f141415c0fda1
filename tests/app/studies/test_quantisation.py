"""The cost of quantization: every way is trained once, and measured on the same events."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.stages import train as stage_train
from econ_ae.app.studies import quantisation
from econ_ae.config import parse
from econ_ae.errors import RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

CONFIG = {
    "data": {"events": 500},
    "decoder": {"hidden": [16], "use_sum": True},
    "training": {"epochs": 2},
    "hardware": {"accumulate": "trn_each", "elinks": 2},
}


def test_ways_of_quantizing_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse(CONFIG, "test")
    context = Context(RunDirectory.create(tmp_path / "run", config), LOW_DENSITY, Silent())
    dataset_stage.write(context, dataset_stage.prepare(config, LOW_DENSITY))
    pipeline.run_stage(context, "train", repeat=False)
    trained = []
    train = stage_train.train
    monkeypatch.setattr(stage_train, "train", lambda run, c, out: (trained.append(c.training), train(run, c, out)))
    table = {row["network"]: row for row in quantisation.compare(context)}
    assert [(t.quantise, t.arithmetic) for t in trained] == [
        ("post", "hardware"),
        ("latents", "hardware"),
        ("aware", "exact"),
    ], "float is trained once for two ways; the run itself is the fifth and is not trained again"
    assert table[quantisation.REFERENCE]["change [%]"] == 0
    assert table["float, rounded after training"]["mean EMD"] > table["float"]["mean EMD"]
    written = json.loads((tmp_path / "run" / quantisation.FOLDER / "emd.json").read_text())
    assert [row["network"] for row in written] == list(table)
    assert quantisation.compare(context) == written, "what was trained is not trained anew"
    assert len(trained) == 3
    weights = tmp_path / "run" / quantisation.FOLDER / "float" / "encoder.weights.h5"
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(
        RunDirectoryError, match=r"quantisation/float is not what was trained \(.*h5 was changed\); delete"
    ):
        quantisation.compare(context)
    shutil.rmtree(weights.parent)
    assert quantisation.compare(context) == written
    assert len(trained) == 4
