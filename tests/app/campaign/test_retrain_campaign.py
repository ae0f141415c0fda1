"""Retraining of a campaign on other images: per class EMD, bytes and times; mistakes in one line, nothing written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from econ_ae.app.run.context import Context, open_run
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.studies.retrain import retrain as retrain_run
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.config import ConditionsConfig
from econ_ae.data.batch import Batch
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.readers.cms_events import EventsOptions, read_events
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import weights
from econ_ae.progress import Silent
from econ_ae.training.cells import artifact
from rtl_gen.registers import address_map
from tests.data import whole_events
from tests.icarus import needs_icarus

Command = Callable[..., tuple[int, str, str]]

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events that the campaign has never seen."""
    path = tmp_path_factory.mktemp("other") / "other.npz"
    np.savez_compressed(path, **whole_events.arrays(events=14, modules=60, seed=5))
    return path


def opened(path: Path) -> Context:
    return open_run(path, Silent())


def test_every_class_on_other_images(
    finished: CampaignDirectory, other: Path, command: Command, tmp_path: Path
) -> None:
    untouched = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
    out = tmp_path / "out"
    options = ("retrain", str(finished.path), "--data", str(other), "--dead-count", "3", "--per-module")
    code, printed, error = command(*options, "--out", str(out), "--json")
    assert code == 0, error
    assert {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()} == untouched
    told = json.loads(printed)
    assert told["conditions"] == ["images of other.npz", "3 dead cells of every module, drawn at random"]
    assert [row["class"] for row in told["classes"]] == ["front", "back"]
    for row in told["classes"]:
        before, after = (opened(out / row["class"] / part) for part in ("before", "after"))
        for context in (before, after):
            modules = context.config.data.modules
            assert modules is not None
            assert (modules.take, context.rows("train").provenance.source) == (row["class"], "other.npz")
        assert weights.pack(before.model()) == weights.pack(opened(finished.path / row["class"]).model())
        old, new = (weights.pack(context.model()) for context in (before, after))
        assert row["changed"] == sum(a != b for a, b in zip(old, new, strict=True))
        layout = address_map(after.model())
        memory = {b.address: v for b, v in zip(_weight_bytes(layout), old, strict=True)}
        changed = yaml.safe_load((out / row["yaml"]).read_text())
        for address, values in changed["bytes"].items():
            assert memory[int(address, 16)] == values["old"]
            memory[int(address, 16)] = values["new"]
        assert bytes(memory.values()) == new
        was, now = before.model().cell_code.choose, after.model().cell_code.choose
        bias = np.array(was.bias)
        for number, modes in changed["bias"].items():
            for mode, (_, value) in modes.items():
                bias[number, mode] = value
        assert bias.tolist() == [list(line) for line in now.bias]
        assert row["verified"].startswith("0 mismatches")
        # The table of the receiver stays as it was.
        table = [np.load(path / "training" / "table.npz") for path in (finished.path / row["class"], after.run.path)]
        assert all(np.array_equal(table[0][name], table[1][name]) for name in table[0].files)
    rows = [opened(out / row["class"] / "after").rows("report") for row in told["classes"]]
    assert sum(row["images"] for row in told["classes"]) == sum(int((batch.total > 0).sum()) for batch in rows)
    mean = sum(row["new"] * row["images"] for row in told["classes"]) / sum(row["images"] for row in told["classes"])
    assert told["total"]["new"]["value"] == pytest.approx(mean)
    page = (out / "index.html").read_text()
    assert 'href="front/index.html"' in page
    assert 'href="back/registers_changed.yaml"' in page

    code, _, error = command(*options, "--out", str(out))
    assert code == 2
    assert "exists; give another --out, or --resume" in error
    code, printed, error = command(*options, "--out", str(out), "--resume", "--json")
    assert (code, json.loads(printed)) == (0, told), error
    code, _, error = command(*options[:-2], "4", "--out", str(out), "--resume")
    assert code == 2
    assert "with other settings" in error


def _weight_bytes(layout: Any) -> list[Any]:
    return [byte for byte in layout.stored if byte.register.name in layout.weight_blocks]


@pytest.mark.parametrize("trains", ["encoder", "decoder"])
def test_one_part_of_one_class(finished: CampaignDirectory, tmp_path: Path, trains: str) -> None:
    plan = Plan(ConditionsConfig(drift=0.3, per_module=True), epochs=1, trains=trains, whole=False)
    told = retrain_run(finished.path / "front", tmp_path / "out", plan, Silent())
    if trains == "decoder":
        assert told["changed"] == 0
        assert "nothing in the chip" in told["facts"]["trained"]
    else:
        values = [_weights(tmp_path / "out" / part) for part in ("before", "after")]
        assert all(np.array_equal(a, b) for a, b in zip(*values, strict=True))


def _weights(run: Path) -> list[Any]:
    context = opened(run)
    return list(artifact.load(context.config, context.geometry, context.path("training")).network.get_weights())


def test_retraining_that_brings_nothing_writes_nothing(finished: CampaignDirectory, tmp_path: Path) -> None:
    plan = Plan(ConditionsConfig(drift=1e-9), epochs=1, learning_rate=1e-9, whole=False)
    told = retrain_run(finished.path / "back", tmp_path / "out", plan, Silent())
    learned = json.loads((tmp_path / "out" / "after" / "training" / "learned.json").read_text())["validation_emd"]
    kept = min(learned["network"], learned["rule learned anew"], learned["rule of the start"])
    assert (told["changed"] == 0) == (learned["rule of the start"] <= kept)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--dead", "3", "--classes", "frnt"), "class 'frnt' is no class of small; expected some of front, back, rest"),
        (
            ("--dead", "3", "--classes", "rest"),
            "class 'rest' sends with bc, an algorithm of the chip: it has no encoder",
        ),
        (("--dead", "3", "--classes", "back,back"), "name one twice"),
        ((), "nothing changed; give at least one of --data, --dead"),
        (("--dead", "99"), "dead trigger cell 99"),
        (("--dead-count", "48"), "every trigger cell is dead or cut away"),
        (("--dead", "3", "--only", "dense"), "--only dense: an encoder of cells has no layers"),
        (("--data", "none.npz"), "none.npz"),
        (("--dead", "3", "--resume"), "--resume needs --out"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    finished: CampaignDirectory, command: Command, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    out = () if "--resume" in options else ("--out", str(tmp_path / "out"))
    code, _, error = command("retrain", str(finished.path), *options, *out)
    assert (code, len(error.strip().splitlines())) == (2, 1), error
    assert says in error
    assert not (tmp_path / "out").exists()


def test_images_without_what_the_decoder_knows_are_refused(
    finished: CampaignDirectory, other: Path, command: Command, tmp_path: Path
) -> None:
    whole = read_events(other, EventsOptions(calibration="counts"), LOW_DENSITY)
    path = tmp_path / "flat.h5"
    with DatasetWriter(path) as writer:
        kept = {name: values for name, values in whole.metadata.items() if name != "eta"}
        writer.append(Batch(whole.charges, whole.provenance, kept))
    code, _, error = command("retrain", str(finished.path), "--data", str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "decoder.conditions has 'eta', but" in error
    assert "no column eta" in error
    assert not (tmp_path / "out").exists()
    arrays = whole_events.arrays(events=14, modules=60, seed=5)
    few = arrays["layer"] != 0
    path = tmp_path / "few.npz"
    np.savez_compressed(path, **{n: v if n == "z_cm_of_layer" else v[few] for n, v in arrays.items()})
    code, _, error = command("retrain", str(finished.path), "--data", str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "the data have no module of class 'front'" in error


@pytest.fixture
def copied(finished: CampaignDirectory, tmp_path: Path) -> Path:
    path = tmp_path / "copy"
    shutil.copytree(finished.path, path)
    return path


def test_an_unfinished_member_is_named_with_the_command_that_mends_it(copied: Path, command: Command) -> None:
    manifest = json.loads((copied / "back" / "manifest.json").read_text())
    for stage in ("freeze", "generate", "verify"):
        del manifest["stages"][stage]
    (copied / "back" / "manifest.json").write_text(json.dumps(manifest))
    for arguments in (("retrain", "--dead", "3"), ("evaluate",), ("verify",), ("report",), ("drift",)):
        code, _, error = command(arguments[0], str(copied), *arguments[1:])
        assert (code, len(error.strip().splitlines())) == (2, 1), (arguments, error)
        assert "back is unfinished (stage 'freeze'); continue the campaign with: econ-ae campaign --out" in error
    shutil.rmtree(copied / "back")
    code, _, error = command("retrain", str(copied), "--dead", "3", "--classes", "front")
    assert code == 2
    assert "back has not begun; continue the campaign with" in error


def test_a_damaged_decoder_is_named(copied: Path, command: Command) -> None:
    path = copied / "front" / "training" / "decoder.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    for arguments in (("retrain", "--dead", "3"), ("evaluate",), ("drift",)):
        code, _, error = command(arguments[0], str(copied), *arguments[1:])
        assert (code, len(error.strip().splitlines())) == (2, 1), (arguments, error)
        assert "front: stage 'train' has other files than recorded (training/decoder.weights.h5 was changed)" in error
