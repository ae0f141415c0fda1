"""The same blocks in Verilator, at a speed that allows a million events."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.errors import ToolMissingError, VerificationError
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import DATAPATH, LOOP, NORMALISER, default_options, generate
from sim.verilator import require_verilator, verify_million
from tests.random_models import random_model
from tests.required import absent


@pytest.fixture(autouse=True)
def verilator() -> None:
    try:
        require_verilator()
    except ToolMissingError as problem:
        absent(str(problem))


def test_econ_t_datapath(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    result = verify_million(econ_t_model, tmp_path, events=20_000)
    assert result.passed, result.first_mismatch
    assert (result.events, result.latency) == (20_000, 5)
    assert json.loads(result.report.read_text())["mismatches"] == 0


@pytest.mark.parametrize("block", [pytest.param(NORMALISER, marks=pytest.mark.slow), DATAPATH])
def test_without_registers(block: str, tmp_path: Path) -> None:
    model = random_model(4)
    options = replace(default_options(model, block), registers=frozenset())
    result = verify_million(model, tmp_path, options, events=3000)
    assert result.passed, result.first_mismatch


def test_differences_are_found(tmp_path: Path) -> None:
    model = random_model(2)
    options = replace(default_options(model, DATAPATH), leaf=LOOP)
    files = generate(model, options)
    late = replace(options, registers=options.registers | {"front_end"})
    header = files["econ_ae_bx_header.v"].replace("LAST = 12'd3563", "LAST = 12'd3562")
    result = verify_million(
        model, tmp_path / "orbit", options, events=6000, files=files | {"econ_ae_bx_header.v": header}
    )
    assert result.mismatches > 0
    assert "frame differs" in str(result.first_mismatch)
    result = verify_million(model, tmp_path / "late", options, events=3000, files=generate(model, late))
    assert not result.passed


def test_too_few_events_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="10 events are too few"):
        verify_million(random_model(2), tmp_path, events=10)


@pytest.mark.slow
def test_a_million_events(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    result = verify_million(econ_t_model, tmp_path)
    assert result.passed, result.first_mismatch
    assert result.events == 1_000_000
