"""The package for CMSSW: equal to the integer model, as the class loads it, refused where the class cannot carry it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from econ_ae.app.export.cmssw import check, expected, suite, write
from econ_ae.app.export.cmssw.check import check_package
from econ_ae.app.export.cmssw.plan import bits_per_link, kept_bits, plan_of, plan_of_pairs
from econ_ae.app.export.cmssw.replica import cms_sw, fork
from econ_ae.app.export.cmssw.target import CMS_SW, FORK, TARGETS
from econ_ae.app.export.package import check_files
from econ_ae.app.run.context import Context
from econ_ae.config import parse
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, EconAeError, ModelError, VerificationError
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import Pack
from econ_ae.progress import Silent
from tests.app.export.made import made
from tests.untrained import untrained

Run = Callable[[str], Context]
CASES = [(name, target) for name in ("chip", "paper", "signed") for target in TARGETS] + [("knowing", "fork")]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def package(request: pytest.FixtureRequest, run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    name, target = request.param
    out = tmp_path_factory.mktemp("packages") / f"{name}-{target}"
    write.export(run(name).run.path, target, out, Silent())
    return plan_of(run(name).run.path, TARGETS[target], Silent()), out


def nodes(path: Path) -> Any:
    return tf.compat.v1.GraphDef.FromString(path.read_bytes()).node


def test_every_latent_is_the_integer_models_and_every_charge_the_decoders(package: tuple[Any, Path]) -> None:
    plan, out = package
    (one,) = check_package(plan, out)
    assert one.passed, one.why
    assert one.events > 50
    assert (one.differing, one.grid_differing) == (0, 0)
    assert one.latents == one.events * plan.pairs[0].model.latents
    assert one.largest <= one.bound
    if plan.target is FORK:
        assert (one.chip_differing, one.chip_events) == (0, 0)
    else:
        assert one.chip_differing > 0, "the release normalises in its own way"
    assert one.sums_differing == (
        0 if plan.pairs[0].name != "knowing" else pytest.approx(one.events / 4, abs=one.events / 4 - 1)
    )


def test_graphs_are_as_the_class_loads_them(package: tuple[Any, Path]) -> None:
    plan, out = package
    for kind, values in (("encoder", 16), ("decoder", len(plan.image.cells))):
        found = nodes(out / f"{kind}_0.pb")
        assert (found[0].op, found[0].name, found[-1].name) == ("Placeholder", "econ_ae_input", "econ_ae_output")
        operations = {node.op for node in found}
        assert not {op for op in operations if "Variable" in op or "Call" in op or "Assert" in op}
        assert values
    # A division by a constant becomes an approximate reciprocal in TensorFlow's optimiser.
    assert not {"RealDiv", "Div", "Reciprocal", "FloorDiv"} & {node.op for node in nodes(out / "encoder_0.pb")}


def test_the_manifest_has_the_hashes_of_what_it_was_made_of(package: tuple[Any, Path]) -> None:
    plan, out = package
    manifest = check_files(out)
    assert {path.name for path in out.iterdir()} == {*manifest["files"], "export.json"}
    (pair,) = manifest["pairs"]
    context = plan.pairs[0].context
    assert pair["model_sha256"] == json.loads(context.path("freeze.json").read_text())["sha256"]
    assert pair["config_sha256"] == sha256(context.path("config.json"))
    assert pair["encoder_sha256"] == manifest["files"]["encoder_0.pb"]
    assert "## Not verified here" in (out / "README.md").read_text()
    assert str(context.run.path.parent) not in "".join(p.read_text() for p in out.glob("*.[mjp][dsy]*"))


def test_tables_of_cells_agree_with_the_geometry() -> None:
    u, v = LOW_DENSITY.lattice.T
    assert cms_sw._CELL[u, v].tolist() == list(range(48))
    assert [FORK.image.cells[pixel] for pixel in fork._PIXEL[u, v]] == list(range(48))
    assert (cms_sw._CELL >= 0).sum() == (fork._PIXEL >= 0).sum() == 48


MUTATIONS = [
    (
        "fork",
        "(0, 1, 3, 5, 5,",
        "(0, 1, 3, 3, 5,",
        "modules with 3 links get graph 0 and 3 bits; expected graph 0 and 5",
    ),
    ("fork", "(0, 1, 3, 5, 5,", "(0, 1, 3, 5,", "bitsPerLink has 14 entries and linkToGraphMap 15"),
    ("fork", "linkToGraphMap = cms.vuint32(0, 0, 0, 0,", "linkToGraphMap = cms.vuint32(0, 0, 0, 1,", "names graph 1"),
    ("fork", "bitShiftNormalization = cms.bool(True)", "bitShiftNormalization = cms.bool(False)", "latents differ"),
    ("fork", "nBitsPerInput = cms.uint32(8)", "nBitsPerInput = cms.uint32(7)", "latents differ"),
    (
        "fork",
        "nBitsPerInput = cms.uint32(8)",
        "nBitsPerInput = cms.int32(8)",
        "nBitsPerInput is a int32; expected a uint32",
    ),
    ("fork", "normByMax = cms.bool(False)", "normByMax = cms.bool(True)", "latents differ"),
    ("fork", "bitsPerCALQ = cms.uint32(23)", "bitsPerCALQ = cms.uint32(22)", "differ"),
    ("fork", "preserveModuleSum = cms.bool(True)", "preserveModuleSum = cms.bool(False)", "charge differs"),
    ("fork", "skipAE = cms.bool(False)", "skipAE = cms.bool(True)", "latents differ"),
    ("fork", "decoderShape = cms.vuint32(1, 16)", "decoderShape = cms.vuint32(1, 17)", "the class fills 16 or 24"),
    ("fork", "encoderShape = cms.vuint32(1, 8, 8, 1)", "encoderShape = cms.vuint32(1, 4, 4, 3)", "fills 64"),
    ("cms-sw", "28, 29, 30, 31,", "29, 28, 30, 31,", "differ"),
    ("cms-sw", "cms.vint32(\n        28, 29, 30, 31,", "cms.vint32(\n        29, 28, 30, 31,", "latents differ"),
    ("cms-sw", "46, 42, 38, 34, -1", "46, 42, 38, -1, 34", "differ"),
    ("cms-sw", "28, 29, 30, 31,", "28, 29, 30, 48,", "cellRemap names cell 48"),
    ("cms-sw", "bitShiftNormalization = cms.bool(True)", "bitShiftNormalization = cms.bool(False)", "latents differ"),
    ("cms-sw", "nBitsPerInput = cms.int32(8)", "nBitsPerInput = cms.int32(6)", "latents differ"),
    (
        "cms-sw",
        "zeroSuppresionThreshold = cms.double(0.1)",
        "zeroSuppresionThreshold = cms.double(2.0)",
        "charge differs",
    ),
    ("cms-sw", "preserveModuleSum = cms.bool(True)", "preserveModuleSum = cms.bool(False)", "charge differs"),
    (
        "cms-sw",
        "zeroSuppresionThreshold",
        "zeroSuppressionThreshold",
        "zeroSuppressionThreshold is no parameter that the class reads; did you mean 'zeroSuppres",
    ),
    ("cms-sw", "import autoEncoder", "import os, autoEncoder", "cannot be executed: ImportError"),
    ("cms-sw", "chip_conc_proc =", "chip_conc_proc +=", "cannot be executed: NameError"),
    ("cms-sw", "import FWCore", "import os\nimport FWCore", "no module os in this check"),
    ("cms-sw", "chip/encoder_0.pb", "chip/encoder_1.pb", "encoder_1.pb is missing"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m[2])
def test_mutated_configurations_are_caught(mutation: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    target, old, new, message = mutation
    plan = plan_of(run("chip").run.path, TARGETS[target], Silent())
    write.write_files(plan, tmp_path)
    path = tmp_path / "chip_autoencoder_cff.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    (one,) = check_package(plan, tmp_path, 60)
    assert not one.passed
    assert any(part in one.why for part in message.split("|")), one.why


@pytest.mark.parametrize("change", ["bits", "graph"])
def test_map_against_bits_is_wrong_in_the_numbers_too(
    change: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the check of the two lists the latents, or the charges, still show it."""
    pairs = {"far": run("paper"), "near": run("chip")}
    plan = plan_of_pairs("both", FORK, pairs, "test")
    assert (plan.link_to_graph, plan.bits_per_link) == (
        (0, 0, 0, *[1] * 12),
        (0, 1, 3, *[5] * 12),
    )
    write.write_files(plan, tmp_path)
    assert all(one.passed for one in check_package(plan, tmp_path, 40))
    path = tmp_path / "both_autoencoder_cff.py"
    old, new = {
        "bits": ("cms.vint32(0, 1, 3, 5,", "cms.vint32(0, 1, 3, 4,"),
        "graph": ("cms.vuint32(0, 0, 0, 1,", "cms.vuint32(0, 0, 0, 0,"),
    }[change]
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert [one.passed for one in check_package(plan, tmp_path, 40)] == [False, False]
    monkeypatch.setattr(check, "check_links", lambda *_: None)
    far, near = check_package(plan, tmp_path, 40)
    assert (far.passed, near.passed) == (True, False)
    assert near.differing > 0


def test_a_pair_with_other_node_names_is_refused(run: Run, tmp_path: Path) -> None:
    plan = plan_of_pairs("both", FORK, {"far": run("paper"), "near": run("chip")}, "test")
    write.write_files(plan, tmp_path)
    graph = tf.compat.v1.GraphDef.FromString((tmp_path / "decoder_1.pb").read_bytes())
    graph.node[-1].name = "another"
    (tmp_path / "decoder_1.pb").write_bytes(graph.SerializeToString())
    assert "have different input or output nodes" in check_package(plan, tmp_path, 40)[0].why
    (tmp_path / "decoder_1.pb").write_bytes(b"\x00not a graph")
    assert "decoder_1.pb is no serialised TensorFlow graph" in check_package(plan, tmp_path, 40)[0].why


def test_weights_of_another_run_are_caught(run: Run, tmp_path: Path) -> None:
    plan = plan_of(run("chip").run.path, CMS_SW, Silent())
    write.write_files(plan, tmp_path)
    graph = tf.compat.v1.GraphDef.FromString((tmp_path / "encoder_0.pb").read_bytes())
    bias = next(
        node
        for node in graph.node
        if node.op == "Const"
        and len(tf.make_ndarray(node.attr["value"].tensor).shape) == 1
        and tf.make_ndarray(node.attr["value"].tensor).shape[0] == 16
    )
    values = tf.make_ndarray(bias.attr["value"].tensor).copy()
    values[3] += 8
    bias.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
    (tmp_path / "encoder_0.pb").write_bytes(graph.SerializeToString())
    (one,) = check_package(plan, tmp_path, 40)
    assert "random images differ" in one.why


@pytest.mark.parametrize(
    "case",
    [
        (
            "knowing",
            "cms-sw",
            {},
            "its decoder knows layer, thickness, eta, log_sum, v, u, the module sum, and the rele",
        ),
        (
            "many",
            "fork",
            {"encoder": {"dense": [{"units": 17}]}, "hardware": {"elinks": 5}},
            "sends 17 latents; CMSSW's class holds 16",
        ),
        ("fine", "fork", {"encoder": {"input": "u1.8"}}, "its inputs have 8 fractional bits; CMSSW's class gives 7"),
        ("chip", "cmssw", {}, "target 'cmssw' is unknown; expected cms-sw or fork; did you mean 'cms-sw'"),
    ],
)
def test_what_the_class_cannot_carry_is_refused(
    case: tuple[str, str, Any, str], run: Run, command: Any, tmp_path: Path
) -> None:
    name, target, changes, message = case
    path = run(name).run.path if not changes else made(tmp_path / "run", name, **changes).run.path
    out = tmp_path / "out"
    code, text, error = command("export", str(path), "--format", "cmssw", "--target", target, "--out", str(out))
    assert (code, text, len(error.strip().splitlines())) == (2, "", 1), error
    assert message in error
    assert not out.exists()


def test_other_masks_and_encoders_of_cells_are_refused(run: Run) -> None:
    model = run("chip").model()
    odd = replace(model, ops=(*model.ops[:-1], Pack((0b000011111,) * 16, 5)))
    with pytest.raises(ModelError, match=r"latent 0 is sent with mask 0x1f, and CMSSW's class cuts trailing bits"):
        kept_bits(odd, "run")
    lost = replace(model, ops=(*model.ops[:-1], Pack((0b111111111,) * 16, 2)))
    with pytest.raises(ModelError, match=r"keeps 144 bits and its frame carries 50"):
        kept_bits(lost, "run")
    with pytest.raises(ModelError, match=r"keeps at least 2 of one"):
        bits_per_link(replace(model.latent, signed=True), (1,) * 16, "run")
    with pytest.raises(ConfigError, match=r"one has 3, two has 3 eLinks: CMSSW chooses the graph by the number of lin"):
        plan_of_pairs("two", FORK, {"one": run("chip"), "two": run("chip")}, "test")
    with pytest.raises(ConfigError, match=r"images 4x4x3, 8x8x1; CMSSW has one encoderShape"):
        plan_of_pairs("two", CMS_SW, {"one": run("chip"), "two": run("paper")}, "test")


def test_cells_are_refused(command: Any, tmp_path: Path) -> None:
    config = parse({"encoder": {"family": "cells"}, "hardware": {"elinks": 3}}, "test")
    made_of_cells = untrained(tmp_path / "run", skeleton(config, LOW_DENSITY), config, events=20)
    out = ("--out", str(tmp_path / "out"))
    code, _, error = command("export", str(made_of_cells.run.path), "--format", "cmssw", *out)
    assert (code, len(error.splitlines())) == (2, 1)
    assert "sends cells as pulses, not latents; CMSSW's class has no place for them. the emulator library" in error


def test_a_package_is_never_replaced_unasked(run: Run, command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(run("chip").run.path), "--format", "cmssw", "--out", str(out))
    assert command(*arguments)[0] == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, _, error = command(*arguments)
    assert (code, error) == (2, f"econ-ae: {out} exists; give --overwrite to replace it, or another --out\n")
    monkeypatch.setattr(expected, "BOUND", -1.0)
    monkeypatch.setattr(check.Compared, "why", property(lambda _: "made to fail"))
    with pytest.raises(VerificationError, match="made to fail"):
        write.export(run("chip").run.path, "fork", out, Silent(), overwrite=True)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert command(*arguments, "--overwrite", "--target", "cms-sw")[0] == 0
    assert json.loads((out / "export.json").read_text())["target"] == "cms-sw"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    code, _, error = command(*arguments[:-1], str(other), "--overwrite")
    assert (code, "holds something else than an export; it is not replaced" in error) == (2, True)


def test_the_suite_reads_the_files_as_they_were_written(run: Run, command: Any, tmp_path: Path) -> None:
    path, out = run("chip").run.path, tmp_path / "out"
    write.export(path, "fork", out, Silent())
    code, text, _ = command("verify", str(path), "--suite", "cmssw", "--package", str(out), "--json")
    (one,) = json.loads(text)
    assert (code, one["passed"], one["target"]) == (0, True, "fork")
    code, text, _ = command("verify", str(path), "--suite", "cmssw", "--json")
    assert (code, [one["target"] for one in json.loads(text)]) == (0, ["cms-sw", "fork"])
    edited = out / "chip_autoencoder_cff.py"
    edited.write_text(edited.read_text() + "\n")
    code, _, error = command("verify", str(path), "--suite", "cmssw", "--package", str(out))
    assert (code, "was changed after it was exported" in error) == (2, True)
    code, _, error = command("verify", str(path), "--suite", "i2c", "--package", str(out))
    assert (code, "--package goes with --suite cmssw, not i2c" in error) == (2, True)
    write.export(path, "fork", out, Silent(), overwrite=True)
    with pytest.raises(EconAeError, match="was made of other encoders than those of"):
        suite.verify_package(run("paper").run.path, out, 5, Silent())


def test_a_decoder_that_the_release_cannot_feed_is_verified_for_the_fork_alone(run: Run) -> None:
    found = suite.verify_run(run("knowing"), 30)
    assert [(one.target, one.passed) for one in found] == [("fork", True)]
    assert found[0].sums_differing > 0, "the class leaves pixel 0 out of the sum"


def test_modules_of_which_the_sum_is_below_one_mip(run: Run) -> None:
    """The release truncates a negative exponent towards 0; both sides must do that."""
    pair = plan_of(run("chip").run.path, CMS_SW, Silent()).pairs[0]
    plan = plan_of(run("chip").run.path, CMS_SW, Silent())
    charges = np.zeros((4, 48), np.uint32)
    charges[:, 3] = [1, 9, 20, 36]
    images = expected.images(plan, pair, charges)
    # 1 count is 1/35 MIP_T: log2 is -5.1, the exponent -5, and 32/35 of 256, rounded, is 234: 117 in units of 1/128.
    # 9 counts: exponent -1; 20 and 36 counts: exponent 0.
    assert images.max(axis=(1, 2, 3)).tolist() == [117, 66, 73, 131]
