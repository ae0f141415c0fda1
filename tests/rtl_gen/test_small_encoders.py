"""Small encoders as complete blocks: they generate, lint, compile and elaborate, with and without triplication."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.config import ConvConfig, DenseConfig, EncoderConfig, RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers.model import CLASSES
from rtl_gen.verilog import DATAPATH, STRUCTURAL, SUM, block_module, default_options, generate_block
from rtl_gen.writer import write_files
from tests.required import require_program

ENCODERS = {
    "few_registers": EncoderConfig(
        arrangement="4x4x3",
        conv=(ConvConfig(filters=5, kernel=1, stride=2),),
        dense=(DenseConfig(units=16, activation="s0.7"),),
    ),
    "one_dense": EncoderConfig(conv=(), dense=(DenseConfig(units=3, activation="u1.2"),)),
    "one_latent": EncoderConfig(arrangement="4x4x3", conv=(), dense=(DenseConfig(units=1, activation="s0.1"),)),
    "one_latent_of_one_bit": EncoderConfig(
        arrangement="4x4x3",
        conv=(ConvConfig(filters=1, kernel=2, stride=2, weight="s0.1", activation="u0.1"),),
        dense=(DenseConfig(units=1, weight="s0.1", activation="u0.1"),),
    ),
}


def model_of(name: str) -> EncoderModel:
    return skeleton(RunConfig(name=name, encoder=ENCODERS[name]), LOW_DENSITY)


@pytest.mark.parametrize(
    ("name", "leaf", "tmr"),
    [
        ("few_registers", SUM, CLASSES),
        ("few_registers", SUM, ()),
        ("one_dense", SUM, ()),
        ("one_latent", SUM, CLASSES),
        ("one_latent_of_one_bit", STRUCTURAL, ()),
        ("one_latent_of_one_bit", SUM, CLASSES),
    ],
)
def test_complete_block(name: str, leaf: str, tmr: tuple[str, ...], tmp_path: Path) -> None:
    for tool in ("verilator", "iverilog", "yosys"):
        require_program(tool)
    model = model_of(name)
    options = replace(default_options(model, DATAPATH), tmr=frozenset(tmr), leaf=leaf)
    files = write_files(generate_block(model, options), tmp_path / "rtl")
    sources = [str(path) for path in files if path.suffix == ".v"]
    top = block_module(model)
    lint = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top]
    commands = [
        [*lint, *sources],
        [*lint, "-DECON_AE_ASSERT", *sources],
        ["iverilog", "-g2005", "-s", top, "-o", str(tmp_path / "block.vvp"), *sources],
    ]
    script = (
        f"read_verilog {' '.join(sources)}; hierarchy -check -top {top}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )
    for command in (*commands, ["yosys", "-q", "-p", script]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), command[0]
