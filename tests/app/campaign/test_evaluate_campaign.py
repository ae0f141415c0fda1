"""`evaluate`, `report` and `verify` on a campaign: every module by its own class; the total is that of all images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import open_run
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.stages.data import read_batch
from econ_ae.config import changed
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.emd import emd
from tests.data import whole_events
from tests.icarus import needs_icarus

Command = Callable[..., tuple[int, str, str]]

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]
KEYS = ["receiver", "algorithm", "variant", "eLinks", "mean", "error", "median", "16 %", "84 %", "events", "undefined"]


def test_other_events_each_by_the_class_of_its_module(
    finished: CampaignDirectory, command: Command, tmp_path: Path
) -> None:
    other = tmp_path / "other.npz"
    np.savez_compressed(other, **whole_events.arrays(events=5, modules=60, seed=5))
    out = tmp_path / "out"
    options = ("evaluate", str(finished.path), "--data", str(other), "--algorithms", "ae,bc", "--out", str(out))
    code, printed, error = command(*options, "--json")
    assert code == 0, error
    rows = json.loads(printed)
    assert all(list(row) == ["class", *KEYS] for row in rows)
    assert list(dict.fromkeys(row["class"] for row in rows)) == ["front", "back", "rest", "all"]
    values, elinks = {}, {"front": 3, "back": 2, "rest": 1}
    for name in ("front", "back"):
        context = open_run(finished.path / name, Silent())
        batch = read_batch(changed(context.config, "test", data={"source": str(other)}), LOW_DENSITY)
        values[name] = emd(batch.charges, reconstruct(context, context.model(), batch).charges, LOW_DENSITY).of_defined
    ours = {row["class"]: row for row in rows if row["algorithm"] == "autoencoder"}
    filled = {row["class"]: row for row in rows if (row["algorithm"], row["variant"]) == ("best choice", "filled")}
    for name, count in elinks.items():
        assert ours[name]["eLinks"] == count
        if name in values:
            assert ours[name]["mean"] == pytest.approx(values[name].mean())
    # What the class without an encoder sends is the best choice that it is told to send.
    of_rest = [row for row in rows if row["class"] == "rest" and row["algorithm"] == "best choice"]
    told = json.loads((finished.path / "report" / "report.json").read_text())["variants"]["rest"]
    assert ours["rest"]["mean"] == next(row["mean"] for row in of_rest if f"bc {row['variant']}" == told)
    for total in (ours, filled):
        events = sum(total[name]["events"] for name in elinks)
        assert events == total["all"]["events"] == 300
        mean = sum(total[name]["mean"] * total[name]["events"] for name in elinks) / events
        assert total["all"]["mean"] == pytest.approx(mean)
    page = (out / "index.html").read_text()
    assert 'href="front/index.html"' in page
    assert 'href="rest/index.html"' in page
    assert json.loads((out / "evaluation.json").read_text())["rows"] == rows
    code, _, error = command(*options)
    assert (code, "exists; give --overwrite" in error) == (2, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--elinks", "2"), "a campaign is evaluated alone, every class on its own eLinks"),
        (("--algorithms", "ae,bd"), "algorithm 'bd' is unknown"),
        (("--data", "none.npz"), "none.npz"),
    ],
)
def test_mistakes_are_one_line(
    finished: CampaignDirectory, command: Command, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    code, _, error = command("evaluate", str(finished.path), *options, "--out", str(tmp_path / "out"))
    assert (code, len(error.strip().splitlines())) == (2, 1), error
    assert says in error


def test_a_class_without_a_module_in_the_file_is_named(
    finished: CampaignDirectory, command: Command, tmp_path: Path
) -> None:
    arrays = whole_events.arrays(events=5, modules=60, seed=5)
    few = arrays["layer"] != 0
    cut = {name: values if name == "z_cm_of_layer" else values[few] for name, values in arrays.items()}
    np.savez_compressed(tmp_path / "few.npz", **cut)
    out = str(tmp_path / "out")
    code, _, error = command("evaluate", str(finished.path), "--data", str(tmp_path / "few.npz"), "--out", out)
    assert code == 2
    assert "the data have no module of class 'front'" in error


def test_report_is_made_anew_and_links_to_every_class(
    finished: CampaignDirectory, command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    shutil.copytree(finished.path, path)
    told = json.loads((path / "report" / "report.json").read_text())
    (path / "report" / "index.html").write_text("old")
    code, printed, error = command("report", str(path), "--json")
    assert code == 0, error
    assert json.loads(printed)["groups"] == told["groups"]
    page = (path / "report" / "index.html").read_text()
    for name in ("front", "back", "rest"):
        assert f'href="class_{name}.html"' in page
        text = (path / "report" / f"class_{name}.html").read_text()
        assert "best choice" in text
        for file in (f"../registers/{name}.yaml", f"../registers/{name}.i2c", f"../{name}/"):
            assert (f'href="{file}"' in text) == (name != "rest")
            assert name == "rest" or (path / "report" / file).exists()
    assert "Class rest: 1 eLinks" in (path / "report" / "class_rest.html").read_text()


def test_verify_simulates_every_class(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    shutil.copytree(finished.path, path)
    code, printed, error = command("verify", str(path), "--events", "3", "--json")
    assert code == 0, error
    results = json.loads(printed)
    assert len(results) == 2
    assert all(result["mismatches"] == 0 for result in results)
