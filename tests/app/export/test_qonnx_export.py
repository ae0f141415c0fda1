"""`encoder.qonnx` of an export: there, executed by the qonnx package, right to the last bit, or said not to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.app.export import onnx as export
from econ_ae.app.export.networks import images_of
from econ_ae.app.run.context import Context
from econ_ae.errors import ToolMissingError, VerificationError
from econ_ae.tensor import qonnx_run
from econ_ae.tensor.qonnx import to_qonnx
from tests.required import only_where, require_onnx

Command = Callable[..., tuple[int, str, str]]
Run = Callable[[str], Context]
require_onnx()
installed = only_where(qonnx_run.has_qonnx(), "pip install qonnx==1.0.0")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "QONNX_EVENTS", 40)


def exported(run: Context, command: Command, out: Path) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    code, printed, error = command("export", str(run.run.path), "--format", "onnx", "--out", str(out), "--json")
    assert code == 0, error
    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    (row,) = json.loads(printed)
    return row, manifest, (out / "README.md").read_text(encoding="utf-8"), error


@installed
@pytest.mark.usefixtures("few")
def test_it_is_written_and_executed(run: Run, command: Command, tmp_path: Path) -> None:
    context = run("paper")
    row, manifest, page, _ = exported(context, command, tmp_path / "out")
    assert row["QONNX latents that differ"] == 0
    assert "encoder.qonnx" in manifest["files"]
    assert list(manifest["qonnx"].values()) == ["executed by the qonnx package on 40 report events: 0 latents differ"]
    assert "| `encoder.qonnx` | the encoder with the bits of weights and activations (QONNX, batch 1); executed" in page
    (found,) = json.loads((tmp_path / "out" / "verification.json").read_text(encoding="utf-8"))
    assert found["qonnx"] == {"events": 40, "differ": 0, "problem": ""}
    model, rows = context.model(), context.rows("report")[:20]
    ready = qonnx_run.QonnxModel((tmp_path / "out" / "encoder.qonnx").read_bytes())
    latents = ready.run(images_of(model, rows))["latents"] * 2.0**model.latent.fraction
    assert np.array_equal(latents, emulator.encode(model, rows.charges))
    assert len(np.unique(latents)) > 5


@installed
@pytest.mark.usefixtures("few")
def test_a_model_with_another_weight_is_not_handed_out(run: Run) -> None:
    context = run("paper")
    model = context.model()
    weights = {op.name: (op.kernel.copy(), op.bias.copy()) for op in model.layers}
    weights[model.layers[-1].name][1][0] ^= 4
    other = to_qonnx(model.with_weights(weights), {})
    with pytest.raises(VerificationError, match=r"x: \d+ latents of encoder.qonnx differ from the integer model"):
        export.executed("x", context, other)


def test_without_the_package_the_export_says_so(
    run: Run, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "has_qonnx", lambda: False)
    row, manifest, page, _ = exported(run("paper"), command, tmp_path / "out")
    assert row["QONNX latents that differ"] == "not executed"
    assert list(manifest["qonnx"].values()) == [export.NOT_EXECUTED]
    assert "not executed here: the qonnx package is not installed" in page
    arguments = ("export", str(run("paper").run.path), "--format", "onnx", "--out", str(tmp_path / "out"))
    code, _, error = command(*arguments, "--overwrite")
    assert (code, "warning: encoder.qonnx was not executed here" in " ".join(error.split())) == (0, True)
    monkeypatch.setattr(qonnx_run, "has_qonnx", lambda: False)
    with pytest.raises(ToolMissingError, match="qonnx package is not installed"):
        qonnx_run.QonnxModel(b"")


def test_an_encoder_without_one_says_why(run: Run, command: Command, tmp_path: Path) -> None:
    row, manifest, page, _ = exported(run("chip"), command, tmp_path / "out")
    assert row["QONNX latents that differ"] == "no QONNX"
    assert list(manifest["qonnx"].values()) == [None]
    assert "encoder.qonnx" not in manifest["files"]
    assert "(no QONNX)" in page
