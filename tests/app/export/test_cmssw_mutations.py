"""Packages for CMSSW that are not right: every change of configuration or graph is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from econ_ae.app.export.cmssw import check, write
from econ_ae.app.export.cmssw.check import check_package
from econ_ae.app.export.cmssw.plan import plan_of, plan_of_pairs
from econ_ae.app.export.cmssw.target import CMS_SW, FORK, TARGETS
from econ_ae.app.run.context import Context
from econ_ae.progress import Silent

Run = Callable[[str], Context]

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
