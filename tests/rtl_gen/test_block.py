"""The complete block as text: ports, what the linters say, and three flip-flops per configuration bit."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.verilog import (
    DATAPATH,
    block,
    block_module,
    block_ports,
    default_options,
    generate,
    generate_block,
    latency,
    regfile,
    top_module,
)
from rtl_gen.verilog.regfile_bits import index_width
from rtl_gen.writer import write_files
from tests.random_models import random_model
from tests.required import require_program

CASES: list[tuple[int | None, dict[str, object]]] = [
    (None, {}),
    (2, {}),
    (2, {"registers": frozenset()}),
    (6, {"front_end": False, "registers": frozenset({"input"})}),
    (1, {"calibration": False}),
]


def sources(files: dict[str, str], directory: Path) -> list[str]:
    return [str(path) for path in write_files(files, directory / "rtl") if path.suffix == ".v"]


def yosys(script: str) -> str:
    require_program("yosys")
    done = subprocess.run(["yosys", "-Q", "-T", "-p", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


@pytest.mark.parametrize(("seed", "change"), CASES)
def test_lint_and_elaboration_are_clean(
    seed: int | None, change: dict[str, object], econ_t_model: EncoderModel, tmp_path: Path
) -> None:
    require_program("verilator")
    model = econ_t_model if seed is None else random_model(seed)
    options = replace(default_options(model, DATAPATH), **change)  # type: ignore[arg-type]
    paths = sources(generate_block(model, options), tmp_path)
    assert not any("lint_off" in Path(path).read_text() for path in paths)
    top = block_module(model)
    for extra in ([], ["-DECON_AE_ASSERT"]):
        command = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top, *extra]
        done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    if seed is None:
        return  # the chip's synthesis has a test of its own
    yosys(
        f"read_verilog {' '.join(paths)}; hierarchy -check -top {top}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )


def flip_flops(files: dict[str, str], top: str, directory: Path, *, without: str = "") -> int:
    """Return the flip-flops after synthesis."""
    paths = sources(files, directory)
    leave_out = f"blackbox {without}; " if without else ""
    text = yosys(f"read_verilog {' '.join(paths)}; {leave_out}synth -flatten -noabc -top {top}; check -assert; stat")
    cells = text.rpartition("Number of cells")[2]
    assert "LATCH" not in cells
    return sum(int(n) for n in re.findall(r"\$_\w*DFF\w*\s+(\d+)", cells))


def test_synthesis_keeps_three_flip_flops_per_bit(tmp_path: Path) -> None:
    model = random_model(11)
    options, layout = default_options(model, DATAPATH), address_map(model)
    kept = flip_flops(generate_block(model, options), block_module(model), tmp_path / "block")
    datapath = flip_flops(generate(model, options), top_module(model, options), tmp_path / "datapath")
    # Three times: configuration, target, filters, read register, status, the one reset, the two bits of the wrapper.
    # Once: 4 synchronisers, the datapath (with its crossing count in triplicate), a flag per pipeline register.
    protocol = 46 + 4 + 5 + 8 + 98 + index_width(layout) + 2 + 2
    assert kept == 3 * (layout.stored_bits + protocol) + 4 + datapath + latency(model, options)


@pytest.mark.slow
def test_synthesis_of_the_chip_keeps_three_flip_flops_per_bit(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    options = default_options(econ_t_model, DATAPATH)
    files = generate_block(econ_t_model, options)
    # The datapath holds no configuration bit, and its arithmetic takes yosys many minutes.
    found = flip_flops(files, block_module(econ_t_model), tmp_path, without=top_module(econ_t_model, options))
    assert found >= 3 * address_map(econ_t_model).stored_bits


def test_manifest_of_the_chip(econ_t_model: EncoderModel) -> None:
    options = default_options(econ_t_model, DATAPATH)
    files = generate_block(econ_t_model, options)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["top"], manifest["block"], manifest["latency"]) == ("econ_t_block", "block", 5)
    assert manifest["files"] == sorted(set(files) - {"manifest.json"})
    assert {name: port["width"] for name, port in manifest["ports"].items()} == {
        "clk": 1, "rst_n": 1, "scl_i": 1, "sda_i": 1, "sda_oe": 1, "i2c_address": 7, "counters_reset": 1,
        "reconfiguring": 1, "in_valid": 1, "bx0": 1, "codes": 336, "out_valid": 1, "latents": 144, "sum_code": 9,
        "frame": 160, "out_mixed": 1,
    }  # fmt: skip
    declared = re.findall(r"^    (input|output) +wire (?:\[\d+:0\] )?(\w+),?$", files["econ_t_block.v"], re.MULTILINE)
    assert declared == [(port.direction, port.name) for port in block_ports(econ_t_model, options)]


def test_stated_ports_of_the_configuration_are_its_ports(econ_t_model: EncoderModel) -> None:
    text = regfile.generate(econ_t_model)["econ_t_config.v"].partition(");")[0]
    declared = re.findall(r"^    (input|output) +(?:wire|reg) +(?:\[(\d+)(?:-1)?:0\] +)?(\w+)", text, re.MULTILINE)
    stated = regfile.port_list(econ_t_model)
    assert [(way, name) for way, _, name in declared] == [(port.direction, port.name) for port in stated]


def test_block_refuses_another_width(econ_t_model: EncoderModel) -> None:
    options = default_options(econ_t_model, DATAPATH)
    config = [replace(p, width=3) if p.name == "elinks" else p for p in regfile.port_list(econ_t_model)]
    with pytest.raises(ConfigError, match=r"input elinks has 4 bits; the output elinks .* has 3 bits"):
        block(econ_t_model, options, config)
