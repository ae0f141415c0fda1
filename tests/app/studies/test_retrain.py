"""Retraining: a run under new conditions, before and after, the bytes that change, and mistakes in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.pipeline import Context
from econ_ae.app.run.context import open_run
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.studies import retrain as retraining
from econ_ae.app.studies import retrain_parts
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.config import ConditionsConfig, parse
from econ_ae.data import store
from econ_ae.data.dataset import BLOCK, Dataset
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.errors import RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import weights
from econ_ae.progress import Silent
from econ_ae.training import artifact
from rtl_gen.registers import address_map
from tests.icarus import needs_icarus
from tests.training.small import InterruptedInEpochTwo
from tests.training.test_stream import random_batch

Run = Callable[..., tuple[int, str, str]]
Json = dict[str, Any]

SETTINGS: Json = {
    "name": "small",
    "data": {"events": 700},
    "encoder": {"conv": [{"filters": 3}]},
    "decoder": {"hidden": [32]},
    "training": {"epochs": 3, "batch": 50, "loss": "pyramid"},
    "verify": {"real_events": 60, "random_events": 20},
    "report": {"elinks": [5]},
}


def trained(path: Path, settings: Json) -> Context:
    config = parse(settings, "test")
    data = dataset_stage.prepare(config, LOW_DENSITY)
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    dataset_stage.write(context, data)
    for stage in ("train", "freeze"):
        pipeline.run_stage(context, stage, repeat=False)
    return context


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return trained(tmp_path_factory.mktemp("retraining") / "run", SETTINGS)


def opened(path: Path) -> Context:
    return open_run(path, Silent())


def content(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.simulator
@needs_icarus
def test_dead_cells_before_and_after(run: Context, command: Run, here: Path) -> None:
    untouched = content(run.run.path)
    options = ("retrain", str(run.run.path), "--dead", "3,17", "--epochs", "2", "--out", "out")
    code, out, err = command(*options, "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert content(run.run.path) == untouched
    assert summary["conditions"] == ["dead cells 3, 17"]
    before, after = opened(here / "out" / "before"), opened(here / "out" / "after")

    # The rows are those of the run, without the dead cells' charge; none that trains is reported.
    expected = run.rows("report").charges.copy()
    expected[:, [3, 17]] = 0
    for context in (before, after):
        np.testing.assert_array_equal(context.rows("report").charges, expected)
        images = [{row.tobytes() for row in context.rows(n).charges} for n in ("train", "validation", "report")]
        assert not (images[0] | images[1]) & images[2]
        assert not context.rows("train").charges[:, [3, 17]].any()
        assert set(context.run.manifest().stages) == set(pipeline.STAGES) - {"costs"}
        result = json.loads(context.path("verify", "verification.json").read_text())
        assert (result["mismatches"], result["real_events"]) == (0, 60)

    # Old weights are the run's; EMDs are those of the two reports, and the difference is theirs.
    assert weights.pack(before.model()) == weights.pack(run.model())
    means = [step["mean"]["value"] for step in summary["steps"]]
    for context, mean in ((before, means[1]), (after, means[2])):
        rows = json.loads(context.path("report", "headline.json").read_text())
        assert [r["mean"] for r in rows if "autoencoder" in r["algorithm"]] == pytest.approx([mean], abs=1e-12)
    assert summary["difference"]["mean"]["value"] == pytest.approx(means[2] - means[1], abs=1e-9)

    # The I2C files turn one weight image into the other.
    old, new = (weights.pack(context.model()) for context in (before, after))
    layout = address_map(after.model())
    addresses = [b.address for b in layout.stored if b.register.name in layout.weight_blocks]
    assert summary["changed"] == sum(a != b for a, b in zip(old, new, strict=True)) > 0
    for file, only_changed in (("i2c_changed_bytes.txt", True), ("i2c_shortest.txt", False)):
        memory = dict(zip(addresses, old, strict=True))
        for line in (here / "out" / file).read_text().splitlines()[1:]:
            fields = [int(f, 16) for f in line.split() if f not in {"S", "P"}]
            assert fields[0] == 0x40
            for i, value in enumerate(fields[3:]):
                address = fields[1] << 8 | fields[2] + i
                assert address in memory
                assert not only_changed or memory[address] != value
                memory[address] = value
        assert bytes(memory.values()) == new
    changed = (here / "out" / "i2c_changed_bytes.csv").read_text().splitlines()[1:]
    assert len(changed) == summary["changed"]
    assert all(old[addresses.index(int(a, 16))] == int(o, 16) for a, _, o, _ in (line.split(",") for line in changed))
    alone, joined, everything = summary["bus"]
    assert alone["size"] == summary["changed"] <= joined["size"] <= everything["size"] == len(new)
    assert joined["milliseconds"]["400"] <= alone["milliseconds"]["400"]
    page = (here / "out" / "index.html").read_text()
    assert "dead cells 3, 17" in page
    assert f"{means[2]:.3f}" in page

    code, _, err = command(*options)
    assert (code, err) == (2, "econ-ae: out exists; give another --out, or --resume to continue a retraining there\n")
    code, _, err = command(*options[:3], "3", *options[4:], "--resume")
    assert code == 2
    assert "with other settings" in err


def test_only_a_part_is_trained(run: Context, tmp_path: Path) -> None:
    after = _retrained(run, tmp_path, Plan(ConditionsConfig(drift=0.2), epochs=1, trains="decoder"))
    assert weights.pack(after.model()) == weights.pack(run.model())
    dense = _retrained(run, tmp_path / "dense", Plan(ConditionsConfig(drift=0.2), epochs=1, trains="dense"))
    conv, *others = (
        np.array_equal(a.kernel, b.kernel) for a, b in zip(dense.model().layers, run.model().layers, strict=True)
    )
    assert conv
    assert not all(others)
    encoder = _retrained(run, tmp_path / "encoder", Plan(ConditionsConfig(drift=0.2), epochs=1, trains="encoder"))
    assert weights.pack(encoder.model()) != weights.pack(run.model())
    kept, old = (artifact.load(c.config, LOW_DENSITY, c.path("training")).decoder.get_weights() for c in (encoder, run))
    assert all(np.array_equal(a, b) for a, b in zip(kept, old, strict=True))


def _retrained(run: Context, folder: Path, plan: Plan) -> Context:
    """Train and freeze under a plan, without verification and report."""
    after = retrain_parts.member(run, folder / "after", plan.config(run.config))
    retrain_parts.write_data(run, after)
    retrain_parts.give_start(run, after)
    for stage in ("train", "freeze"):
        pipeline.run_stage(after, stage, repeat=False)
    return after


def test_training_goes_on_from_the_old_weights_also_after_an_interruption(run: Context, tmp_path: Path) -> None:
    plan = Plan(ConditionsConfig(dead=(3,)), epochs=3, learning_rate=1e-9)
    after = _retrained(run, tmp_path / "still", plan)
    assert weights.pack(after.model()) == weights.pack(run.model()), "a rate of 1e-9 changes no 6-bit weight"
    plan = replace(plan, learning_rate=1e-3)
    straight = _retrained(run, tmp_path / "straight", plan)
    cut = retrain_parts.member(run, tmp_path / "cut" / "after", plan.config(run.config))
    retrain_parts.write_data(run, cut)
    retrain_parts.give_start(run, cut)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_stage(replace(cut, progress=InterruptedInEpochTwo()), "train", repeat=False)
    for stage in ("train", "freeze"):
        pipeline.run_stage(cut, stage, repeat=False)
    assert weights.pack(cut.model()) == weights.pack(straight.model())
    assert weights.pack(cut.model()) != weights.pack(run.model())


def test_a_streamed_run(tmp_path: Path) -> None:
    file = tmp_path / "data.h5"
    with DatasetWriter(file) as writer:
        writer.append(random_batch(4 * BLOCK))
    data = {"source": str(file), "memory_mb": 2, "report": "0:100", "validation": 0.05}
    run = trained(tmp_path / "run", SETTINGS | {"data": data})
    assert store.streamed(run.run.path) is not None
    after = _retrained(run, tmp_path / "new", Plan(ConditionsConfig(dead=tuple(range(30))), epochs=1))
    assert store.streamed(after.run.path) is not None
    with Dataset.open(after.path(store.DATASET), "train") as rows:
        charges = rows.read().charges
    assert not charges[:, :30].any()
    assert charges.any(axis=1).all()
    reported = {row.tobytes() for row in after.rows("report").charges}
    assert not reported & {row.tobytes() for row in charges}
    facts = json.loads(after.path("dataset.json").read_text())
    assert facts["train_events"] == len(charges)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("RUN",),
            "nothing changed; give at least one of --data, --dead, --dead-count, --noisy",
        ),
        (("RUN", "--dead", "48"), "dead trigger cell 48; expected 0..47"),
        (("RUN", "--noisy", "-1"), "noisy trigger cell -1; expected 0..47"),
        (("RUN", "--dead", "three"), "--dead 'three' is no list of numbers; expected for example 3,17"),
        (("RUN", "--partial", "tip"), "did you mean 'top'"),
        (("RUN", "--drift", "-0.1"), "conditions.drift = -0.1"),
        (("RUN", "--dead", "3", "--only", "conv"), "training.trains = 'conv'"),
        (("RUN", "--dead", "3", "--resume"), "--resume needs --out"),
        (("nowhere", "--dead", "3"), "nowhere does not exist; make one with: econ-ae run --out nowhere"),
        ((".", "--dead", "3"), ". is not a run directory"),
        (("UNTRAINED", "--dead", "3"), "stage 'freeze' has not finished"),
        (("RUN", "--dead", "3", "--out", "thesis"), "thesis exists; give another --out"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    options: tuple[str, ...], message: str, run: Context, here: Path, command: Run
) -> None:
    (here / "thesis").mkdir()
    (here / "thesis" / "chapter").write_text("x")
    shutil.copytree(run.run.path, here / "untrained")
    manifest = json.loads((here / "untrained" / "manifest.json").read_text())
    del manifest["stages"]["freeze"]
    (here / "untrained" / "manifest.json").write_text(json.dumps(manifest))
    before = content(here)
    names = {"RUN": str(run.run.path), "UNTRAINED": "untrained"}
    code, _, err = command("retrain", *(names.get(option, option) for option in options))
    assert (code, len(err.strip().splitlines())) == (2, 1), err
    assert message in err
    assert content(here) == before
    assert not list(run.run.path.parent.glob("*retrained*"))


def test_a_broken_plan_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"run": "a", "enc')
    with pytest.raises(RunDirectoryError, match=r"/plan\.json is damaged; choose another --out$"):
        retraining._check_same(tmp_path, {})
