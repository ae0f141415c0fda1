"""The suites of `econ-ae verify`: what is asked for runs, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app import hardware as generation
from econ_ae.app import suites as verification
from econ_ae.app.hardware import HlsChoice, VerilogChoice
from econ_ae.app.pipeline import run_stage
from econ_ae.app.run.context import Context
from econ_ae.app.stages import verify as verify_stage
from econ_ae.config import parse
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, RunDirectoryError, VerificationError
from econ_ae.files import write_text
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.floatcodes import decode_4e3m
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.process import YOSYS, has
from rtl_gen.verilog import DATAPATH, STRUCTURAL, default_options, generate_block, verilog_sha256
from rtl_gen.verilog import generate as generate_verilog
from tests.required import require_program
from tests.untrained import untrained


@pytest.fixture
def context(tmp_path: Path, econ_t_model: EncoderModel) -> Context:
    """A run with data and an encoder, never trained."""
    return untrained(tmp_path / "run", econ_t_model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("datpath", "icarus"), "did you mean 'datapath'"),
        (("datapath", "verilog"), "simulator 'verilog' is unknown; expected icarus or verilator"),
        (("i2c", "verilator"), "suite 'i2c' runs in Icarus; Verilator runs --suite datapath"),
    ],
)
def test_unknown_suites(arguments: tuple[str, str], message: str, context: Context) -> None:
    suite, simulator = arguments
    with pytest.raises(ConfigError, match=message):
        verification.run_suites(context, suite, None, simulator=simulator, waves=False)


def test_codes_are_those_that_made_the_charges(context: Context) -> None:
    codes = context.codes(20)
    charges = context.rows("report").charges[:20]
    assert np.array_equal(np.where(charges == 0, 0, decode_4e3m(codes, LOW_DENSITY_BITS)), charges)


def test_all_runs_every_suite(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, int]] = []

    def record(name: str) -> Any:
        return lambda _, request: ran.append((name, request.events))

    monkeypatch.setattr(verification, "SUITES", {name: record(name) for name in verification.SUITES})
    monkeypatch.delenv(verification.WAVES, raising=False)
    verification.run_suites(context, "all", 7, simulator="icarus", waves=False)
    assert ran == [(name, 7) for name in ("encoder", "datapath", "i2c", "block", "seu", "hls")]
    assert verification.WAVES not in os.environ


@pytest.fixture(scope="module")
def of_cells(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A run whose encoder sends up to four of 48 cells, never trained."""
    settings = {
        "name": "cells",
        "encoder": {"family": "cells"},
        "cells": {"most_cells": 4, "classes": 2, "bias_bits": 4},
        "hardware": {"elinks": 2},
        "verify": {"random_events": 20},
    }
    config = parse(settings, "test")
    model = skeleton(config, LOW_DENSITY).with_rule([9], [[0, 1, 2, 3], [3, 2, 1, 0]])
    return untrained(tmp_path_factory.mktemp("cells") / "run", model, config)


def test_all_runs_every_suite_of_cells(of_cells: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def record(name: str) -> Any:
        return lambda *_: ran.append(name)

    monkeypatch.setattr(verification, "SUITES", {name: record(name) for name in verification.SUITES})
    monkeypatch.setattr(verification, "_verilated", record("verilator"))
    verification.run_suites(of_cells, "all", 7)
    assert ran[:5] == ["encoder", "datapath", "i2c", "block", "seu"]
    verification.run_suites(of_cells, "datapath", 7, simulator="verilator")
    assert ran[-1] == "verilator"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ops: ops.insert(2, ops.pop(3)), "expected Normalise, Order, Choose, Merge (or none), Apportion, Enum"),
        (lambda ops: ops[2]["modes"].reverse(), "choose: modes must rise in their number of cells, not 4, 3, 2, 1"),
        (lambda ops: ops[2].update(limits=[49]), "choose: limits must rise within 1..48, not 49"),
        (lambda ops: ops[5].update(elinks=1), "bits, a frame of 1 eLinks has 18"),
        (lambda ops: ops[2].update(limit=[9]), "operation 'choose' has no 'limit'"),
    ],
)
def test_a_wrong_model_of_cells_is_one_line(
    change: Any, message: str, of_cells: Context, command: Any, tmp_path: Path
) -> None:
    made = untrained(tmp_path / "run", of_cells.model(), of_cells.config, events=20)
    raw = json.loads(made.path("encoder.json").read_text())
    change(raw["ops"])
    write_text(made.path("encoder.json"), json.dumps(raw))
    made.run.record("freeze", made.run.inputs_of(["data", "train"]), [made.path("encoder.json")], 0.0)
    code, out, error = command("verify", str(made.run.path), "--suite", "i2c")
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert message in error


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("suite", ["datapath", "i2c", "block", "seu"])
def test_suites_of_cells_simulate(suite: str, of_cells: Context) -> None:
    (result,) = verification.run_suites(of_cells, suite, 30)
    assert result.passed, result.first_mismatch
    assert result.events
    assert {"fact": "passed", "value": "True"} in verification.rows([result])
    if suite == "seu":
        assert result.sweep
        assert result.upsets == 3 * result.stored_bits


@pytest.mark.slow
def test_datapath_of_cells_in_verilator(of_cells: Context) -> None:
    require_program("verilator")
    (result,) = verification.run_suites(of_cells, "datapath", 30_000, simulator="verilator")
    assert (result.passed, result.events) == (True, 30_000)


@pytest.mark.simulator
def test_datapath_suite_simulates(context: Context) -> None:
    (result,) = verification.run_suites(context, "datapath", 30, simulator="icarus", waves=False)
    assert result.passed
    assert result.real_events == 30
    assert result.corner_events > 500
    assert {"fact": "real_events", "value": "30"} in verification.rows([result])


@pytest.mark.parametrize("block", ["normaliser", "datapath", "block"])
def test_larger_blocks_are_written_beside_the_encoder(block: str, context: Context) -> None:
    (folder,) = generation.generate(context, "verilog", block, options=HlsChoice())
    assert folder == context.path(f"rtl_{block}")
    assert (folder / "manifest.json").is_file()
    assert (folder / f"econ_t_{block}.v").is_file()


def test_options_of_the_verilog_are_in_folder_and_manifest(context: Context) -> None:
    choice = VerilogChoice("structural", ("weights", "mux"))
    (folder,) = generation.generate(context, "verilog", "block", options=HlsChoice(), verilog=choice)
    assert folder == context.path("rtl_block_structural")
    facts = json.loads((folder / "manifest.json").read_text())
    assert (facts["leaf"], facts["tmr"]) == ("structural", ["calibration", "control", "keep_mask", "links"])
    assert "econ_ae_full_adder.v" in facts["files"]
    with pytest.raises(ConfigError, match="encoder has no configuration registers; --no-tmr goes with --block block"):
        generation.generate(context, "verilog", "encoder", options=HlsChoice(), verilog=choice)


@pytest.mark.simulator
def test_what_is_costed_is_what_was_verified(context: Context) -> None:
    """The text that yosys synthesises has the hash that the verification names; nothing else may differ in it."""
    model = context.model()
    run_stage(context, "generate", repeat=False)
    written = [context.path(name) for name in context.run.manifest().stages["generate"].outputs]
    assert {path.parent for path in written} == {context.path("rtl"), context.path("rtl_encoder_structural")}
    leaf = verify_stage.verify_costed(context, 100)
    assert (leaf.leaf, leaf.passed) == ("structural", True)
    stated = json.loads(context.path("rtl_encoder_structural", "manifest.json").read_text())
    assert (stated["leaf"], stated["verilog_sha256"]) == ("structural", leaf.verilog_sha256)
    options = replace(default_options(model), leaf=STRUCTURAL)
    assert verilog_sha256(generate_verilog(model, options)) == leaf.verilog_sha256
    block = generate_block(model, replace(default_options(model, DATAPATH), leaf=STRUCTURAL))
    assert {name: hashlib.sha256(block[name].encode()).hexdigest() for name in leaf.files} == leaf.files
    changed = context.path("rtl_encoder_structural", "econ_t_encoder.v")
    changed.write_text(changed.read_text() + "\n")
    with pytest.raises(RunDirectoryError, match=r"\(rtl_encoder_structural/econ_t_encoder\.v was changed\)"):
        verify_stage.verify_costed(context, 100)
    context.run.record("generate", context.run.inputs_of(context.run.earlier("generate")), written, 0.0)
    with pytest.raises(VerificationError, match=r"econ_t_encoder\.v is not the same for synthesis and simulation"):
        verify_stage.verify_costed(context, 100)


@pytest.mark.simulator
def test_the_encoders_suite_is_the_stage(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the suite rewrites is recorded anew, so that report and manifest agree; edited Verilog is refused."""
    run_stage(context, "generate", repeat=False)
    run_stage(context, "verify", repeat=False)
    bench, *others = verification.run_suites(context, "encoder", 11, simulator="icarus", waves=False)
    assert (bench.real_events, bench.passed) == (11, True)
    assert [(leaf.leaf, leaf.passed) for leaf in others] == ([("structural", True)] if has(YOSYS) else [])
    assert json.loads(context.path("verify", "verification.json").read_text())["real_events"] == 11
    context.run.check("verify")
    edited = context.path("rtl", "econ_t_encoder.v")
    whole = edited.read_text()
    edited.write_text(whole + "// by hand\n")
    with pytest.raises(
        RunDirectoryError, match=r"'generate' has other files than recorded \(rtl/econ_t_enc.*run: econ-ae generate"
    ):
        verification.run_suites(context, "encoder", 11, simulator="icarus", waves=False)
    edited.write_text(whole)
    wrong = verify_stage.Verified(replace(bench, mismatches=1), None)
    write_text(bench.report, wrong.bench.to_json())
    monkeypatch.setattr(verify_stage, "verify", lambda *_: wrong)
    assert not verification.run_suites(context, "encoder", 11, simulator="icarus", waves=False)[0].passed
    with pytest.raises(RunDirectoryError, match=r"verification\.json was changed\); run: econ-ae verify"):
        context.run.check("verify")


def test_projects_of_both_flavours_have_their_stimulus(context: Context) -> None:
    (catapult,) = generation.generate(context, "catapult", "encoder", options=HlsChoice("struct", 4, "increment"))
    (vitis,) = generation.generate(context, "vitis", "encoder", options=HlsChoice())
    for folder, pragma in ((catapult, "#pragma hls_"), (vitis, "#pragma HLS")):
        assert pragma in (folder / "encoder.cpp").read_text()
        assert len((folder / "data" / "golden.txt").read_text().splitlines()) > 500


def test_unknown_targets(context: Context) -> None:
    with pytest.raises(ConfigError, match="did you mean 'catapult'"):
        generation.generate(context, "catapul", "encoder", options=HlsChoice())
    with pytest.raises(ConfigError, match="did you mean 'datapath'"):
        generation.generate(context, "verilog", "datapth", options=HlsChoice())
    choice = VerilogChoice("structual")
    with pytest.raises(ConfigError, match="did you mean 'structural'"):
        generation.generate(context, "verilog", "encoder", options=HlsChoice(), verilog=choice)
    choice = VerilogChoice(no_tmr=("weigths",))
    with pytest.raises(ConfigError, match="did you mean 'weights'"):
        generation.generate(context, "verilog", "block", options=HlsChoice(), verilog=choice)
