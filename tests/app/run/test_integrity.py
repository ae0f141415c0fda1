"""A run is what its manifest says, or one line says what is not: changed, missing and damaged files of every stage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.context import open_run
from econ_ae.errors import RunDirectoryError
from econ_ae.files import write_text
from econ_ae.ir import codec
from econ_ae.progress import Silent
from tests.untrained import give_encoder

Run = Callable[..., tuple[int, str, str]]

READERS = [
    ("report", "{run}"),
    ("verify", "{run}", "--suite", "datapath"),
    ("registers", "export", "{run}"),
    ("registers", "map", "{run}"),
    ("evaluate", "{run}"),
    ("costs", "{run}", "--block", "encoder"),
    ("generate", "{run}", "--block", "block"),
    ("retrain", "{run}", "--dead", "3"),
]


def one_line(command: Run, *arguments: str) -> str:
    code, out, err = command(*arguments)
    assert (code, out) == (2, ""), (out, err)
    assert err.startswith("econ-ae: ")
    lines = [line for line in err.splitlines() if not line.startswith("*")]
    assert len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize("arguments", READERS, ids=lambda a: "-".join(a[:1]))
def test_an_encoder_that_nobody_froze_is_refused(arguments: tuple[str, ...], path: Path, command: Run) -> None:
    """Negated dense weights make a valid encoder, which was compared with nothing."""
    raw = json.loads((path / "encoder.json").read_text())
    dense = next(op for op in raw["ops"] if op["op"] == "dense")
    dense["kernel"] = (-np.array(dense["kernel"])).clip(-32, 31).tolist()
    write_text(path / "encoder.json", codec.dumps(codec.from_dict(raw)))
    said = one_line(command, *(a.format(run=path) for a in arguments))
    assert "stage 'freeze' has other files than recorded (encoder.json was changed); run: econ-ae freeze" in said


@pytest.mark.parametrize("arguments", READERS, ids=lambda a: "-".join(a[:1]))
def test_a_missing_encoder_is_named(arguments: tuple[str, ...], path: Path, command: Run) -> None:
    (path / "encoder.json").unlink()
    said = one_line(command, *(a.format(run=path) for a in arguments))
    assert "encoder.json is missing" in said


def test_an_encoder_of_other_weights_is_refused(path: Path) -> None:
    context = open_run(path, Silent())
    context.model()
    (path / "training").mkdir()
    write_text(path / "training" / "history.json", "[]\n")
    context.run.record("train", context.run.inputs_of(["data"]), [path / "training" / "history.json"], 0.0)
    with pytest.raises(RunDirectoryError, match=r"stage 'freeze' has other inputs than recorded; run: econ-ae freeze"):
        context.model()
    give_encoder(context, codec.loads((path / "encoder.json").read_text()))
    context.model()


def test_flipped_bytes_in_the_dataset(path: Path, command: Run) -> None:
    (dataset,) = (file for file in path.iterdir() if file.stem == "dataset" and file.suffix != ".json")
    content = bytearray(dataset.read_bytes())
    content[len(content) // 2] ^= 0xFF
    dataset.write_bytes(content)
    for arguments in (("run", "--out", str(path), "--resume"), ("train", str(path)), ("evaluate", str(path))):
        said = one_line(command, *arguments)
        assert f"{dataset.name} was changed" in said
        assert said.endswith(f"run: econ-ae run --config {path / 'config.json'} --out {path} --overwrite")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"stages": {}}', '{"stages": {"data": 3}}', "\0\xff"])
def test_a_damaged_manifest(content: str, path: Path, command: Run) -> None:
    (path / "manifest.json").write_text(content, encoding="latin-1")
    for arguments in (("report", str(path)), ("run", "--out", str(path), "--resume")):
        assert "manifest.json is damaged" in one_line(command, *arguments)


def test_settings_of_a_run_are_fixed(path: Path, command: Run) -> None:
    raw = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(raw | {"seed": 5}))
    assert "config.json was changed after the run was made" in one_line(command, "report", str(path))


def test_directories_without_newer_records_open(path: Path) -> None:
    """Earlier versions recorded neither the version of a stage nor the hash of the settings' file."""
    raw = json.loads((path / "manifest.json").read_text())
    del raw["config_file_sha256"]
    for record in raw["stages"].values():
        del record["version"]
    raw["stages"]["data"]["inputs"] = "hash of the source"
    (path / "manifest.json").write_text(json.dumps(raw))
    context = open_run(path, Silent())
    assert len(context.rows("report"))
    assert context.model().latents == 16


def test_a_run_that_stopped_in_its_data_stage_says_how_it_goes_on(path: Path, command: Run) -> None:
    raw = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(raw | {"stages": {}}))
    said = one_line(command, "train", str(path))
    assert said.endswith(f"stage 'data' has not finished; run: econ-ae run --out {path} --resume")


def test_missing_verification_is_named(path: Path, command: Run) -> None:
    context = open_run(path, Silent())
    for stage in ("generate", "verify"):
        file = path / stage / "result.json"
        write_text(file, "{}")
        context.run.record(stage, context.run.inputs_of(context.run.earlier(stage)), [file], 0.0)
    shutil.rmtree(path / "verify")
    said = one_line(command, "report", str(path))
    assert "verify/result.json is missing" in said
    assert said.endswith(f"run: econ-ae verify {path}")


VOUCHED = [
    ("data", "dataset.json"),
    ("train", "training/history.json"),
    ("train", "training/decoder.weights.h5"),
    ("freeze", "freeze.json"),
    ("generate", "rtl/small_encoder.v"),
    ("verify", "verify/verification.json"),
]


@pytest.mark.parametrize(("stage", "name"), VOUCHED, ids=[name for _, name in VOUCHED])
def test_everything_that_the_page_says_is_checked(
    stage: str, name: str, path: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is made of what the stages wrote, to the byte, or there is no page."""
    context = open_run(path, Silent())
    for made, file in VOUCHED:
        if made not in {"data", "freeze"}:
            write_text(path / file, "{}")
    for made in ("train", "freeze", "generate", "verify"):
        frozen = ["encoder.json", "freeze.json"] if made == "freeze" else []
        files = [path / file for file in (*frozen, *(f for s, f in VOUCHED if s == made and f not in frozen))]
        context.run.record(made, context.run.inputs_of(context.run.earlier(made)), files, 0.0)
    monkeypatch.setitem(pipeline.STAGES, "report", lambda _: [])
    assert command("report", str(path))[0] == 2, "nothing to show, but nothing is refused"
    assert context.run.has("report")
    write_text(path / name, (path / name).read_text() + " ")
    said = one_line(command, "report", str(path))
    assert f"stage {stage!r} has other files than recorded ({name} was changed); run: econ-ae " in said


@pytest.mark.parametrize(("stage", "name"), [VOUCHED[2], VOUCHED[4], VOUCHED[5]], ids=["train", "generate", "verify"])
def test_an_evaluation_takes_nothing_that_was_changed(stage: str, name: str, path: Path, command: Run) -> None:
    context = open_run(path, Silent())
    write_text(path / "verify" / "verification.json", '{"mismatches": 0, "events": 5}')
    write_text(path / name, "{}")
    for made in ("train", "freeze", "generate", "verify"):
        files = [path / "encoder.json"] if made == "freeze" else [path / name] if made == stage else []
        context.run.record(made, context.run.inputs_of(context.run.earlier(made)), files, 0.0)
    write_text(path / name, "{} ")
    assert f"({name} was changed)" in one_line(command, "evaluate", str(path), "--elinks", "2")
