"""The Verilog of the configuration: lint, latches, and three flip-flops per bit after synthesis."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.registers.model import CLASSES
from rtl_gen.verilog import DATAPATH, default_options, generate_block, triplicated
from rtl_gen.verilog.regfile import config_module, generate
from rtl_gen.writer import write_files
from tests.random_models import random_model
from tests.required import require_program


def sources(model: EncoderModel, directory: Path, tmr: Collection[str] = CLASSES) -> list[str]:
    return [str(path) for path in write_files(generate(model, tmr), directory / model.name)]


TMR = {None: {"control"}, 0: set(), 1: {"control", "weights"}}
"""What is in triplicate, by the seed of the model; everything where nothing is said."""


@pytest.mark.parametrize("assertions", [False, True])
@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3, 4, 5])
def test_lint_is_clean(seed: int | None, assertions: bool, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    require_program("verilator")
    model = econ_t_model if seed is None else random_model(seed)
    paths = sources(model, tmp_path, TMR.get(seed, CLASSES))
    assert not any("lint_off" in Path(path).read_text() for path in paths)
    command = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", config_module(model)]
    command += ["-DECON_AE_ASSERT"] if assertions else []
    done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def yosys(script: str) -> str:
    require_program("yosys")
    done = subprocess.run(["yosys", "-Q", "-T", "-p", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


def flip_flops(paths: list[str], top: str, synthesis: str) -> int:
    text = yosys(f"read_verilog {' '.join(paths)}; {synthesis} -top {top}; check -assert; stat")
    cells = text.rpartition("Number of cells")[2]
    assert "LATCH" not in cells
    return sum(int(n) for n in re.findall(r"\$_DFF\w*\s+(\d+)", cells))


def test_synthesis_keeps_three_flip_flops_per_bit(tmp_path: Path) -> None:
    model = random_model(5)
    paths = sources(model, tmp_path)
    bits = address_map(model).stored_bits
    kept = flip_flops(paths, config_module(model), "synth -flatten -noabc")
    # Besides the configuration: target, filters, read register, status, all in triplicate; 4 synchronisers.
    index_bits = 7
    protocol = 46 + 4 + 5 + 8 + 98 + index_bits
    assert kept == 3 * (bits + protocol) + 4
    # What this test is for: without the kept hierarchy the copies become one. (Those of the configuration bits differ
    # in what they keep while the refresh is off, which synthesis cannot merge today.)
    for path in paths:
        Path(path).write_text(Path(path).read_text().replace("(* keep_hierarchy *)\n", ""))
    assert flip_flops(paths, config_module(model), "synth -flatten -noabc") <= kept - 2 * protocol


@pytest.mark.parametrize("single", [("weights",), ("control", "calibration", "mux"), CLASSES])
def test_classes_without_triplication_have_one_flip_flop_per_bit(single: tuple[str, ...], tmp_path: Path) -> None:
    model = random_model(5)
    layout = address_map(model)
    tmr = triplicated(single)
    kept = flip_flops(sources(model, tmp_path, tmr), config_module(model), "synth -flatten -noabc")
    bits = {
        name: sum(byte.width for byte in layout.stored if byte.register.name in layout.registers_of(name))
        for name in CLASSES
    }
    assert sum(bits.values()) == layout.stored_bits
    assert all(bits.values())
    protocol = 46 + 4 + 5 + 8 + 98 + 7
    stored = sum((3 if name in tmr else 1) * count for name, count in bits.items())
    assert kept == stored + 3 * protocol + 4
    options = replace(default_options(model, DATAPATH), tmr=tmr)
    facts = json.loads(generate_block(model, options)["manifest.json"])
    assert (facts["tmr"], facts["configuration_flip_flops"]) == (sorted(tmr), stored)


def test_unknown_class(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        generate(random_model(5), ("weight",))
    assert str(caught.value) == (
        "class of registers 'weight' is unknown; expected one of control, links, keep_mask, mux, calibration, weights; "
        "did you mean 'weights'?"
    )


@pytest.mark.slow
def test_synthesis_of_the_chip_keeps_three_flip_flops_per_bit(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    paths = sources(econ_t_model, tmp_path)
    kept = flip_flops(paths, config_module(econ_t_model), "synth -flatten -noabc")
    assert kept >= 3 * address_map(econ_t_model).stored_bits


def test_no_latch_in_the_chip(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    paths = sources(econ_t_model, tmp_path)
    yosys(
        f"read_verilog {' '.join(paths)}; hierarchy -check -top {config_module(econ_t_model)}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )
