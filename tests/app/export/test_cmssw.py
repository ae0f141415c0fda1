"""The package for CMSSW: equal to the integer model, and as the class loads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from econ_ae.app.export.cmssw import expected, suite, write
from econ_ae.app.export.cmssw.check import check_package
from econ_ae.app.export.cmssw.plan import plan_of
from econ_ae.app.export.cmssw.replica import cms_sw, fork
from econ_ae.app.export.cmssw.target import CMS_SW, FORK, TARGETS
from econ_ae.app.export.package import check_files
from econ_ae.app.run.context import Context
from econ_ae.errors import EconAeError
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

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
