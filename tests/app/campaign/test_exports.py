"""The encoders of a campaign in every form: one of each class, by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from econ_ae.app.campaign import unconditional
from econ_ae.app.campaign.members import opened
from econ_ae.app.export.networks import BOUND, received
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.progress import Silent
from econ_ae.tensor.onnx_runtime import OnnxModel
from econ_ae.training.export.saved import SavedModel
from tests.hls_toolchain import require_toolchain
from tests.required import require_onnx, require_program

Command = Callable[..., tuple[int, str, str]]
require_onnx()


def test_every_class_has_its_graphs(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, error = command("export", str(finished.path), "--format", "onnx", "--out", str(out), "--json")
    assert code == 0, error
    members = opened(finished.path, Silent())[1]
    assert [row["encoder"] for row in json.loads(printed)] == list(members)
    assert set(json.loads((out / "export.json").read_text(encoding="utf-8"))["runs"]) == set(members)
    for name, context in members.items():
        rows = context.rows("report")
        given = received(context, context.model(), rows)
        found = OnnxModel((out / name / "decoder.onnx").read_bytes()).run(given)["charges"]
        own = reconstruct(context, context.model(), rows).charges
        assert (np.abs(found - own) / given["sum"]).max() < BOUND


def test_the_second_decoders_of_all_classes(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(finished.path), "--format", "onnx", "--out", str(out), "--decoder", "unconditional")
    code, _, error = command(*arguments)
    assert code == 0, error
    runs = json.loads((out / "export.json").read_text(encoding="utf-8"))["runs"]
    assert {one["decoder"] for one in runs.values()} == {"unconditional"}
    for name, context in opened(finished.path, Silent())[1].items():
        rows, second = context.rows("report"), unconditional.receiver(context)
        decoder = OnnxModel((out / name / "decoder.onnx").read_bytes())
        assert set(decoder.inputs) == {"mode", "exact", "pulses", "sum"}
        given = received(context, context.model(), rows, second)
        own = reconstruct(context, context.model(), rows, second).charges
        assert (np.abs(decoder.run(given)["charges"] - own) / given["sum"]).max() < BOUND


def test_a_server_has_a_decoder_per_class_and_one_by_links(
    finished: CampaignDirectory, command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, _, error = command("export", str(finished.path), "--format", "triton", "--out", str(out))
    assert code == 0, error
    members = opened(finished.path, Silent())[1]
    models = {path.name for path in (out / "models").iterdir()}
    assert {f"{name}{part}" for name in members for part in ("", "_frame", "_decoder")} <= models
    assert "by_links" in models  # the classes differ in their eLinks
    links = json.loads((out / "models" / "by_links" / "1" / "links.json").read_text(encoding="utf-8"))
    expected = {str(context.model().elinks): name for name, context in members.items()}
    assert len(expected) == len(members) == 2
    assert {number: one["name"] for number, one in links.items()} == expected


def test_every_class_has_its_saved_models(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, error = command("export", str(finished.path), "--format", "savedmodel", "--out", str(out), "--json")
    assert code == 0, error
    members = opened(finished.path, Silent())[1]
    assert [row["encoder"] for row in json.loads(printed)] == list(members) == ["front", "back"]
    for name, context in members.items():
        given = received(context, context.model(), context.rows("report"))
        found = SavedModel(out / name / "decoder").run(given)["charges"]
        own = reconstruct(context, context.model(), context.rows("report")).charges
        assert (np.abs(found - own) / given["sum"]).max() < BOUND


def test_every_class_has_its_library(finished: CampaignDirectory, command: Command, tmp_path: Path) -> None:
    require_toolchain()
    require_program("make")
    out = tmp_path / "out"
    code, printed, error = command("export", str(finished.path), "--format", "emulator", "--out", str(out), "--json")
    assert code == 0, error
    rows, members = json.loads(printed), opened(finished.path, Silent())[1]
    libraries = json.loads((out / "export.json").read_text(encoding="utf-8"))["libraries"]
    assert [row["library"] for row in rows] == libraries
    assert len(set(libraries)) == len(members) == 2
    for row, context in zip(rows, members.values(), strict=True):
        assert (row["events"], row["frames that differ"]) == (len(context.rows("report")), 0)
        assert float(row["largest difference of a charge / module sum"]) < BOUND
        assert (out / row["library"] / "Makefile").is_file()
