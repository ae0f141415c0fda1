"""The encoders of a campaign as graphs and on a server: one of each class, by its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.campaign import unconditional
from econ_ae.app.campaign.members import opened
from econ_ae.app.export.networks import BOUND, received
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.progress import Silent
from econ_ae.tensor.onnx_runtime import OnnxModel

Command = Callable[..., tuple[int, str, str]]
pytest.importorskip("onnxruntime", reason="pip install 'econ-ae[onnx]'")


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
    elinks = [context.model().elinks for context in members.values()]
    assert ("by_links" in models) == (len(set(elinks)) == len(elinks))
    if "by_links" in models:
        links = json.loads((out / "models" / "by_links" / "1" / "links.json").read_text(encoding="utf-8"))
        expected = {str(context.model().elinks): name for name, context in members.items()}
        assert {number: one["name"] for number, one in links.items()} == expected
