"""The drift study on a small scale: every point is a retraining under its condition; it stops and goes on; mistakes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.run.context import open_run
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.studies.retrain import short
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.config import ConditionsConfig
from econ_ae.progress import Silent
from tests.icarus import needs_icarus

Command = Callable[..., tuple[int, str, str]]

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]
QUICK = ("--classes", "back", "--rows", "300", "--epochs", "1", "--dead", "6", "--gain", "0.3", "--pileup", "")


def test_every_point_and_an_answer_per_condition(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, error = command("drift", str(finished.path), *QUICK, "--out", str(out), "--json")
    assert code == 0, error
    told = json.loads(printed)
    assert [(p["axis"], p["value"]) for p in told["points"]] == [("as it is", 0), ("dead", 6), ("gain", 0.3)]
    assert [answer["axis"] for answer in told["answers"]] == ["dead cells per module", "spread of the cells' gains"]
    rows = list(csv.DictReader((out / "drift.csv").read_text().splitlines()))
    for row, point in zip(rows, told["points"], strict=True):
        assert float(row["gain"]) == pytest.approx(point["old"]["value"] - point["new"]["value"], abs=1e-9)
        assert 0 <= int(row["changed"]) <= int(row["size"]) == 67
        assert int(row["images"]) > 0
    page = (out / "index.html").read_text()
    assert page.count("data:image/png") == 1
    assert told["answers"][0]["text"] in page
    assert not list(out.rglob("dataset.h5")), "rows of the points are not kept"
    assert len(list(out.rglob("registers_changed.yaml"))) == 3

    # One point is the retraining that its condition says.
    again = Plan(ConditionsConfig(dead_count=6, per_module=True), epochs=1, whole=False, rows=300)
    found = short(open_run(finished.path / "back", Silent()), tmp_path / "short", again)
    assert np.nanmean(found.emd.old) == pytest.approx(told["points"][1]["old"]["value"])
    assert np.nanmean(found.emd.new) == pytest.approx(told["points"][1]["new"]["value"])
    charges = found.before.rows("report").charges
    assert (charges > 0).any(axis=1).all()
    layer, u, v = (found.before.rows("report").metadata[name] for name in ("layer", "wafer_u", "wafer_v"))
    for place in {*zip(layer.tolist(), u.tolist(), v.tolist(), strict=True)}:
        mine = (layer == place[0]) & (u == place[1]) & (v == place[2])
        assert (charges[mine] == 0).all(axis=0).sum() >= 6
    assert told["points"][1]["old"] != told["points"][0]["old"]

    # A point that is there is not repeated; one that was cut off is.
    point = out / "points" / "back" / "dead-6" / "point.json"
    kept = json.loads(point.read_text())
    point.write_text(json.dumps(kept | {"changed": 66}))
    (out / "points" / "back" / "gain-0.3" / "point.json").unlink()
    code, printed, error = command("drift", str(finished.path), *QUICK, "--out", str(out), "--resume", "--json")
    assert code == 0, error
    resumed = json.loads(printed)["points"]
    assert resumed[1]["changed"] == 66
    assert resumed[2] == told["points"][2]
    code, _, error = command("drift", str(finished.path), *QUICK[:-4], "--out", str(out), "--resume")
    assert code == 2
    assert "is of another study or other runs" in error


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--dead", "", "--gain", "", "--pileup", ""), "nothing to study; give some of --dead, --gain and --pileup"),
        (("--dead", "0"), "--dead 0; expected numbers above 0"),
        (("--dead", "47"), "--dead 47; expected numbers above 0, up to 40"),
        (("--gain", "0.1,x"), "--gain '0.1,x' is no list of numbers; expected for example 0.05,0.1"),
        (("--pileup", "nan"), "--pileup 'nan' is no list of numbers"),
        (("--classes", "bakc"), "class 'bakc' is no class of small; expected some of front, back, rest"),
        (("--only", "dense"), "--only dense: an encoder of cells has no layers"),
        (("--resume",), "--resume needs --out"),
    ],
)
def test_mistakes_are_one_line(
    finished: CampaignDirectory, command: Command, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    out = () if "--resume" in options else ("--out", str(tmp_path / "out"))
    code, _, error = command("drift", str(finished.path), *options, *out)
    assert (code, len(error.strip().splitlines())) == (2, 1), error
    assert says in error
    assert not (tmp_path / "out").exists()
