"""Registers over I2C in simulation, and what breaks the Verilog of the registers is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.errors import VerificationError
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.registers.model import CLASSES
from rtl_gen.verilog import triplicated
from rtl_gen.verilog.regfile import generate
from sim.i2c import verify_registers
from sim.i2c.registers import TESTS
from tests.random_models import random_model

pytestmark = pytest.mark.simulator


def test_the_chip(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    result = verify_registers(econ_t_model, tmp_path)
    assert result.passed, result.first_mismatch
    assert not result.not_reached, result.not_reached
    assert set(result.tests) == set(TESTS)
    assert result.weight_bytes == len(weights.pack(econ_t_model)) == 1608
    assert (result.upsets, result.unprotected_upsets) == (500, 0)
    assert result.protocol_upsets >= 500
    assert result.stored_bits == address_map(econ_t_model).stored_bits
    assert json.loads(result.report.read_text())["passed"]


def test_no_run_of_addresses_that_starts_with_a_whole_byte(tmp_path: Path) -> None:
    """With 16 cells mux, calibration and weights are one run of addresses, which starts with a select of 4 bits."""
    model = random_model(736)
    layout = address_map(model)
    first = {segment.address for segment in layout.segments}
    assert all(byte.width < 8 for byte in layout.stored if byte.address in first)
    result = verify_registers(model, tmp_path, upsets=60)
    assert result.passed, result.first_mismatch
    assert not result.not_reached


@pytest.mark.parametrize("single", [("weights", "mux"), CLASSES])
def test_upsets_of_classes_without_triplication_are_seen(single: tuple[str, ...], tmp_path: Path) -> None:
    model = random_model(5)
    result = verify_registers(model, tmp_path, upsets=60, tmr=triplicated(single))
    assert result.passed, result.first_mismatch
    assert result.unprotected_upsets == 60
    assert result.upsets == (0 if single == CLASSES else 60)


def test_a_register_that_is_not_in_triplicate_as_stated_is_found(tmp_path: Path) -> None:
    model = random_model(5)
    files = generate(model, triplicated(["weights"]))
    result = verify_registers(model, tmp_path, upsets=60, files=files)
    assert "copies differ before and after" in str(result.first_mismatch)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 4])
def test_other_shapes_and_every_bit_of_every_copy(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    result = verify_registers(model, tmp_path, suite="sweep", upsets=100)
    assert result.passed, result.first_mismatch
    assert not result.not_reached
    assert result.upsets == 3 * result.stored_bits


MUTANTS = {
    "one copy decides": ("econ_ae_tmr_bank.v", "voted = (a & (b | c | single)) | (b & c)", "voted = a"),
    "no correction": ("econ_ae_tmr_bank.v", "heal = refresh & upset", "heal = 1'b0 & refresh & upset"),
    "no filter": ("econ_ae_i2c_filter.v", "next = (level & (|window)) | (&window)", "next = synchronised[1]"),
    "written before the acknowledge": (
        "econ_ae_i2c_target.v",
        "next_state = writable ? WRITE_ACK : IGNORE;",
        "next_write = writable; next_reconfiguring = 1'b1; next_state = writable ? WRITE_ACK : IGNORE;",
    ),
    "anybody may write": ("econ_ae_i2c_target.v", "writable ? WRITE_ACK : IGNORE", "1'b1 ? WRITE_ACK : IGNORE"),
    "flag falls late": ("econ_ae_i2c_target.v", "            next_reconfiguring = 1'b0;\n", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_broken_verilog_is_found(name: str, tmp_path: Path) -> None:
    model = random_model(5)
    files = generate(model)
    path, good, bad = MUTANTS[name]
    assert files[path].count(good) == 1
    result = verify_registers(model, tmp_path, upsets=50, files=files | {path: files[path].replace(good, bad)})
    assert not result.passed
    assert result.first_mismatch


def test_verilog_that_does_not_compile_is_an_error(tmp_path: Path) -> None:
    model = random_model(5)
    files = {path: text.replace("endmodule", "") for path, text in generate(model).items()}
    with pytest.raises(VerificationError, match=r"the simulation failed: .*; see .*simulator\.log"):
        verify_registers(replace(model), tmp_path, files=files)
