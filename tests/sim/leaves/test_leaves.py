"""The costed leaf, computed as yosys reads it: every sum of a campaign, and what it must refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import STRUCTURAL, VerilogOptions, default_options, generate, verilog_sha256
from rtl_gen.writer import write_files
from sim.leaves import verify_leaf
from sim.leaves.elaborated import Elaborated
from sim.leaves.verify import to_words
from sim.netlist.words import from_words
from sim.stimulus.images import campaign, random_images
from tests.random_models import random_model
from tests.required import needs

pytestmark = needs("yosys")


def structural(model: EncoderModel) -> tuple[VerilogOptions, dict[str, str]]:
    options = replace(default_options(model), leaf=STRUCTURAL)
    return options, generate(model, options)


def real(model: EncoderModel, events: int) -> IntArray:
    return random_images(model, events, 5)


@pytest.mark.parametrize("seed", range(6))
def test_every_sum_of_random_models(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    options, files = structural(model)
    found = verify_leaf(model, options, campaign(model, real(model, 40), 60, seed), files, tmp_path)
    assert found.passed, found.first_mismatch
    assert found.sums > found.events > 100
    assert json.loads(found.report.read_text())["verilog_sha256"] == verilog_sha256(files)


def test_the_chip_and_a_wrong_gate_of_it(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    options, files = structural(econ_t_model)
    given = campaign(econ_t_model, real(econ_t_model, 30), 60, 1)
    found = verify_leaf(econ_t_model, options, given, files, tmp_path)
    assert (found.passed, found.sums) == (True, given.events() * (16 * 8 + 16))
    name = "econ_t_mac128_dense_output.v"
    broken = files[name].replace("& {1'b0, x1}", "& {1'b0, x0}", 1)
    assert broken != files[name]
    wrong = verify_leaf(econ_t_model, options, given, files | {name: broken}, tmp_path)
    assert not wrong.passed
    assert wrong.first_mismatch is not None
    assert "econ_t_mac128_dense, row" in wrong.first_mismatch
    assert wrong.files[name] != found.files[name]


def test_words_round_trip() -> None:
    bits = np.random.default_rng(1).integers(0, 2, (70, 5)).astype(np.uint8)
    words = to_words(bits)
    assert words.shape == (5, 2)
    assert np.array_equal(from_words(words)[:70], bits)
    assert not from_words(words)[70:].any()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("reg q; always @(posedge a) q <= b; assign y = q;", r"m has a cell '\$dff'"),
        ("wire p = a & ~n; wire n = b & ~p; assign y = p;", "cells of m form a loop"),
        ("assign y = a & 1'bx;", "an unknown value is part of the Verilog"),
    ],
)
def test_what_is_no_logic_is_refused(body: str, message: str, tmp_path: Path) -> None:
    text = f"module m (input a, input b, output y); {body} endmodule\n"
    design = Elaborated.read(write_files({"m.v": text}, tmp_path / "rtl"), tmp_path)
    one = np.zeros((1, 1), np.uint64)
    with pytest.raises(VerificationError, match=message):
        design.evaluate("m", {"a": one, "b": one})
