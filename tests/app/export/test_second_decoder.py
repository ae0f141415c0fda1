"""The decoder without conditions that campaigns train beside a run's own: in every format, when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app.campaign import unconditional
from econ_ae.app.export.cmssw.suite import verify_package
from econ_ae.app.export.networks import BOUND, compare, networks_of, received
from econ_ae.app.export.triton.write import events, write
from econ_ae.app.reconstruction import Receiver, reconstruct
from econ_ae.app.run.context import Context
from econ_ae.errors import ConfigError
from econ_ae.files import sha256
from econ_ae.progress import Silent
from econ_ae.tensor.onnx import to_onnx
from econ_ae.tensor.onnx_runtime import OnnxModel
from econ_ae.training.export.saved import SavedModel
from tests.app.export.made import made, second_decoder
from tests.hls_toolchain import require_toolchain
from tests.required import require_onnx

Command = Callable[..., tuple[int, str, str]]
require_onnx()


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A run with both decoders, as a member of a campaign."""
    return second_decoder(made(tmp_path_factory.mktemp("member") / "knowing", "knowing"))


def second(context: Context) -> Receiver:
    found = unconditional.receiver(context)
    assert found is not None
    return found


def exported(context: Context, command: Command, out: Path, form: str) -> dict[str, Any]:
    arguments = ("export", str(context.run.path), "--format", form, "--out", str(out))
    code, _, error = command(*arguments, "--decoder", "unconditional")
    assert code == 0, error
    manifest: dict[str, Any] = json.loads((out / "export.json").read_text(encoding="utf-8"))
    return manifest


def check_charges(context: Context, charges: Any) -> None:
    rows = context.rows("report")
    for receiver, same in ((second(context), True), (None, False)):
        own = reconstruct(context, context.model(), rows, receiver).charges
        assert ((np.abs(charges - own) / rows.total[:, None]).max() < BOUND) is np.bool_(same)


def check_origin(context: Context, manifest: dict[str, Any]) -> None:
    (run,) = manifest["runs"].values()
    assert run["decoder"] == "unconditional"
    (weights,) = second(context).folder.glob("decoder*h5")
    assert run["decoder_weights_sha256"] == sha256(weights)


def test_graphs(member: Context, command: Command, tmp_path: Path) -> None:
    given = received(member, member.model(), member.rows("report"), second(member))
    assert set(given) == {"latents", "sum"}
    manifest = exported(member, command, tmp_path / "onnx", "onnx")
    check_origin(member, manifest)
    decoder = OnnxModel((tmp_path / "onnx" / "decoder.onnx").read_bytes())
    assert set(decoder.inputs) <= set(given)
    check_charges(member, decoder.run(given)["charges"])
    assert "trained for the same encoder and knows nothing but the" in (tmp_path / "onnx" / "README.md").read_text()
    check_origin(member, exported(member, command, tmp_path / "saved", "savedmodel"))
    check_charges(member, SavedModel(tmp_path / "saved" / "decoder").run(given)["charges"])


def test_a_server_can_have_both(member: Context, tmp_path: Path) -> None:
    for decoder in ("own", "unconditional"):
        (tmp_path / decoder).mkdir()
        write(tmp_path / decoder, {"knowing": member}, 1, decoder)
    first, other = ({path.name for path in (tmp_path / name / "models").iterdir()} for name in ("own", "unconditional"))
    assert first == {"knowing", "knowing_frame", "knowing_decoder"}
    assert other == {f"knowing_unconditional{part}" for part in ("", "_frame", "_decoder")}
    check_origin(member, json.loads((tmp_path / "unconditional" / "export.json").read_text(encoding="utf-8")))
    assert set(events(networks_of(member, "unconditional"), member.rows("report"))) == {"frame"}
    assert "trained without conditions" in (tmp_path / "unconditional" / "README.md").read_text(encoding="utf-8")


def test_a_library(member: Context, command: Command, tmp_path: Path) -> None:
    require_toolchain()
    out = tmp_path / "out"
    manifest = exported(member, command, out, "emulator")
    check_origin(member, manifest)
    (name,) = manifest["libraries"]
    assert name == f"{member.model().name}_unconditional_v1"
    taken = (out / name / f"{name}.h").read_text(encoding="utf-8").split("struct DecoderInput {")[1].split("};")[0]
    assert [line for line in taken.splitlines() if line.strip()] == ["  std::uint32_t frame[FRAME_WORDS];"]
    assert "knows nothing but the frame" in (out / name / "README.md").read_text(encoding="utf-8")


def test_graphs_for_cmssw_where_conditions_could_be_told(member: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    manifest = exported(member, command, out, "cmssw")
    assert (manifest["target"], manifest["decoder"]) == ("fork", "unconditional")
    assert [pair["conditions"] for pair in manifest["pairs"]] == [[]]
    assert [one.passed for one in verify_package(member.run.path, out, 20, Silent())] == [True]


def test_what_the_own_decoder_computes_is_not_the_second_ones(member: Context) -> None:
    own, other = networks_of(member), networks_of(member, "unconditional")
    assert (own.second, other.second) == (False, True)

    class Own:
        def run(self, given: Any) -> Any:
            known = received(member, own.model, member.rows("report"))
            return OnnxModel(_onnx(own)).run(known | given)

    assert compare("x", member, other, {}, OnnxModel(_onnx(other))).charges < BOUND
    assert compare("x", member, other, {}, Own()).charges > BOUND


def _onnx(networks: Any) -> bytes:
    return to_onnx(networks.decoder, {})


def test_runs_without_one(run: Callable[[str], Context], command: Command, tmp_path: Path) -> None:
    plain = run("chip")  # whose own decoder has no conditions, so that it is both
    assert networks_of(plain, "unconditional").second is False
    with pytest.raises(ConfigError, match=r"its decoder knows layer, thickness, .* one without conditions was not tra"):
        networks_of(run("knowing"), "unconditional")
    arguments = ("export", str(plain.run.path), "--out", str(tmp_path / "out"), "--decoder", "unconditionl")
    for form in ("cmssw", "onnx", "savedmodel", "emulator", "triton"):
        code, _, error = command(*arguments, "--format", form)
        assert (code, error.count("\n")) == (2, 1), error
        assert "decoder 'unconditionl' is unknown; expected own or unconditional; did you mean 'uncond" in error
    assert not list(tmp_path.iterdir())
