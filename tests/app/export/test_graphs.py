"""ONNX models and SavedModels of runs: equal to the integer model and to our decoder, or not handed out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.app.export import networks as export_networks
from econ_ae.app.export.networks import BOUND, compare, fractions_differ, images_of, networks_of, received
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.errors import VerificationError
from econ_ae.files import sha256
from econ_ae.ir import codec
from econ_ae.tensor.onnx import to_onnx
from econ_ae.tensor.onnx_runtime import OnnxModel
from econ_ae.training.export.saved import SavedModel
from tests.required import require_onnx

Command = Callable[..., tuple[int, str, str]]
require_onnx()


def test_onnx_models_compute_what_the_run_does(exported: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(exported.run.path), "--format", "onnx", "--out", str(out))
    code, printed, error = command(*arguments, "--json")
    assert code == 0, error
    model, rows = exported.model(), exported.rows("report")
    row = json.loads(printed)[0]
    assert row["events"] == len(rows) > 50
    assert row["latents that differ"] == ("no graph" if model.sends_cells else 0)

    decoder = OnnxModel((out / "decoder.onnx").read_bytes())
    given = received(exported, model, rows)
    own = reconstruct(exported, model, rows).charges
    assert (np.abs(decoder.run(given)["charges"] - own) / given["sum"]).max() < BOUND
    assert {"eta", "layer"} <= set(decoder.inputs)  # conditions are inputs, as they are in the data
    turned = given | {"eta": given["eta"] + 0.3}
    assert (decoder.run(turned)["charges"] != decoder.run(given)["charges"]).any()
    if not model.sends_cells:
        latents = emulator.encode(model, rows.charges) * 2.0**-model.latent.fraction
        for name, inputs in (
            ("encoder.onnx", images_of(model, rows)),
            ("encoder_from_charges.onnx", {"charges": rows.charges.astype(np.int64)}),
        ):
            assert np.array_equal(OnnxModel((out / name).read_bytes()).run(inputs)["latents"], latents)
        assert not (out / "encoder.qonnx").exists()
        assert "floors every product before it is added" in (out / "README.md").read_text(encoding="utf-8")

    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert (manifest["format"], manifest["opset"]) == ("onnx", 17)
    assert manifest["runs"][exported.run.path.name]["model_sha256"] == codec.sha256(model)
    assert manifest["files"]["decoder.onnx"] == sha256(out / "decoder.onnx")
    assert set(manifest["files"]) | {"export.json"} == {p.name for p in out.iterdir()}

    code, _, error = command(*arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert "give --overwrite" in error
    assert command(*arguments, "--overwrite")[0] == 0


def test_saved_models_compute_what_the_run_does(exported: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, error = command(
        "export", str(exported.run.path), "--format", "savedmodel", "--out", str(out), "--json"
    )
    assert code == 0, error
    model, rows = exported.model(), exported.rows("report")
    given = received(exported, model, rows)
    own = reconstruct(exported, model, rows).charges
    found = SavedModel(out / "decoder").run(given)["charges"]
    assert (np.abs(found - own) / given["sum"]).max() < BOUND
    if not model.sends_cells:
        latents = emulator.encode(model, rows.charges) * 2.0**-model.latent.fraction
        assert np.array_equal(SavedModel(out / "encoder").run(images_of(model, rows))["latents"], latents)
    assert float(json.loads(printed)[0]["largest difference of a charge / module sum"]) < BOUND


def test_a_graph_that_computes_something_else_is_not_handed_out(
    layers_run: Context, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_networks.networks_of

    def broken(context: Context, decoder: str) -> Any:
        found = whole(context, decoder)
        kernel = found.model.layers[0].kernel.copy()
        kernel.flat[0] += 1
        layers = {op.name: (op.kernel, op.bias) for op in found.model.layers}
        other = found.model.with_weights(layers | {found.model.layers[0].name: (kernel, found.model.layers[0].bias)})
        return replace(found, encoder=export_networks.encoder_program(other))

    monkeypatch.setattr("econ_ae.app.export.onnx.networks_of", broken)
    code, _, error = command("export", str(layers_run.run.path), "--format", "onnx", "--out", str(tmp_path / "out"))
    assert code == 1
    assert "latents differ from the integer model" in error
    assert not list(tmp_path.iterdir())


def test_every_decoder_input_matters_to_the_comparison(cells_run: Context) -> None:
    networks = networks_of(cells_run)
    ready = OnnxModel(to_onnx(networks.decoder, {}))

    class Swapped:
        def run(self, given: Any) -> Any:
            return ready.run({**given, "mode": given["mode"][::-1]})

    assert compare("x", cells_run, networks, {}, ready).charges < BOUND
    assert compare("x", cells_run, networks, {}, Swapped()).charges > BOUND


def test_fractions_belong_to_charges_to_the_last_bit(exported: Context) -> None:
    networks, rows = networks_of(exported), exported.rows("report")
    ready, said = OnnxModel(to_onnx(networks.decoder, {})), received(exported, networks_of(exported).model, rows)
    right = ready.run(said)
    assert fractions_differ(right, said) == 0
    for where in ((3, 0), (3, int(np.argmax(right["fractions"][3])))):
        wrong = {name: values.copy() for name, values in right.items()}
        largest = int(np.argmax(right["fractions"][3]))
        wrong["fractions"][where] += wrong["fractions"][3, largest] / 2
        wrong["fractions"][7] = np.nan
        assert fractions_differ(wrong, said) == 2
    if networks.model.sends_cells:
        assert 0 < (said["exact"] > 0).mean() < 1  # both rules are tried

    class Halved:
        def run(self, given: Any) -> Any:
            found = ready.run(given)
            return found | {"fractions": found["fractions"] * np.float32(0.5)}

    found = compare("x", exported, networks, {}, Halved())
    assert found.charges < BOUND
    with pytest.raises(VerificationError, match=rf"the fractions of {found.fractions_differ} of {len(rows)} events "):
        found.check()


def test_unknown_formats_and_foreign_folders_are_refused(layers_run: Context, command: Command, tmp_path: Path) -> None:
    code, _, error = command("export", str(layers_run.run.path), "--format", "onxx", "--out", str(tmp_path / "x"))
    assert code == 2
    assert "format 'onxx' is unknown; expected one of cmssw, onnx" in error
    assert "did you mean 'onnx'?" in error
    (tmp_path / "own.txt").write_text("mine")
    code, _, error = command(
        "export", str(layers_run.run.path), "--format", "onnx", "--out", str(tmp_path), "--overwrite"
    )
    assert code == 2
    assert "holds something else than an export" in error
    assert (tmp_path / "own.txt").read_text() == "mine"
