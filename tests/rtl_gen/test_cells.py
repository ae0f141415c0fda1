"""The Verilog of models of cells: every frame is the emulator's, and the linters are silent."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae import process
from econ_ae.errors import ConfigError
from econ_ae.floatcodes import LOW_DENSITY, decode_4e3m
from econ_ae.ir import weights
from econ_ae.ir.cells import Apportion
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.verilog import (
    ENCODER,
    VerilogOptions,
    block_module,
    default_options,
    generate,
    generate_block,
    latency,
    leaf_files,
    register_stages,
)
from rtl_gen.writer import write_files
from tests.cells_bench import Setting, expected, simulate
from tests.random_cells import PRESET_CELLS, hostile_charges, random_cell_model
from tests.rtl_gen.test_datapath import lint, synthesise

SMALL = 16
SEEDS = (0, 4, 5, 7, 9, 13, 21, 23)


def options_of(model: EncoderModel, seed: int) -> VerilogOptions:
    rng = random.Random(seed)
    options = replace(default_options(model), front_end=False)
    return replace(options, registers=frozenset(s for s in register_stages(model, options) if rng.random() < 0.5))


def differences(model: EncoderModel, options: VerilogOptions, seed: int, events: int, folder: Path) -> list[int]:
    charges = hostile_charges(model, seed, events)
    found, wanted = simulate(model, options, charges, folder / "rtl"), expected(model, charges)
    assert len(found) == events
    return [n for n in range(events) if found[n] != wanted[n]]


@pytest.mark.simulator
@pytest.mark.parametrize("seed", SEEDS)
def test_frames_are_the_emulators(seed: int, tmp_path: Path) -> None:
    model = random_cell_model(seed, SMALL)
    assert differences(model, options_of(model, seed), seed, 400, tmp_path) == []


def test_the_models_have_what_can_be_had() -> None:
    models = [random_cell_model(seed, SMALL) for seed in SEEDS]
    assert {model.cell_code.merge is None for model in models} == {False, True}
    assert any(len(model.cell_code.choose.modes) == 1 for model in models)
    assert any(len(model.cell_code.choose.modes) == model.input.cells for model in models)
    assert any(model.normalise.out.width <= model.normalise.out.fraction for model in models)


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("seed", range(100, 120))
def test_frames_of_many_models(seed: int, tmp_path: Path) -> None:
    model = random_cell_model(seed, PRESET_CELLS)
    assert differences(model, options_of(model, seed), seed, 1000, tmp_path) == []


@pytest.mark.simulator
def test_frames_from_codes_behind_mux_and_calibration(tmp_path: Path) -> None:
    model = random_cell_model(21, SMALL)
    cells, rng = model.input.cells, np.random.default_rng(3)
    codes = rng.integers(0, 128, (300, cells))
    codes[::3] = np.where(rng.random((100, cells)) < 0.7, 0, codes[::3])
    setting = Setting(rng.permutation(cells), rng.integers(0, 4096, cells) * (rng.random(cells) < 0.9))
    charges = decode_4e3m(codes[:, setting.mux], LOW_DENSITY) * setting.calibration >> 11
    found = simulate(model, default_options(model), codes, tmp_path / "rtl", setting)
    assert found == expected(model, charges)


@pytest.mark.parametrize("seed", [0, 2, 6, 9, 12, 20])
def test_lint_is_clean(seed: int, tmp_path: Path) -> None:
    model = random_cell_model(seed, SMALL)
    lint(model, options_of(model, seed), tmp_path)


@pytest.mark.parametrize("seed", [4, 8])
def test_synthesis_is_clean(seed: int, tmp_path: Path) -> None:
    model = random_cell_model(seed, SMALL)
    synthesise(model, default_options(model), tmp_path)


def test_the_default_takes_eight_clocks() -> None:
    model = random_cell_model(5, SMALL)
    assert latency(model, default_options(model)) == 8
    assert leaf_files(model, default_options(model)) == ()


def test_what_there_is_not(tmp_path: Path) -> None:
    model = random_cell_model(5, SMALL)
    with pytest.raises(ConfigError, match="a model of cells has one block: set block='datapath'"):
        generate(model, default_options(model, ENCODER))
    with pytest.raises(ConfigError, match="has no weights to multiply: set leaf='sum'"):
        generate(model, replace(default_options(model), leaf="structural"))
    apportion = Apportion(0, 7)
    ops = tuple(apportion if isinstance(op, Apportion) else op for op in model.ops)
    with pytest.raises(ConfigError, match="remainders of 7 bits; the Verilog counts the cells of every remainder"):
        generate(replace(model, ops=ops), default_options(model))


def test_registers_of_a_model_of_cells(tmp_path: Path) -> None:
    """The rule of the choice is the weight image; there is neither a keep mask nor a number of links."""
    model = random_cell_model(21, SMALL)
    layout = address_map(model)
    assert layout.weight_bits == weights.image_bits(model)
    assert not layout.keep_blocks
    assert {"mux", "calibration", "weights_0"} <= {register.name for register in layout.registers}
    assert not {"links", "keep_mask"} & {register.name for register in layout.registers}
    stored = [byte for byte in layout.stored if byte.register.name in layout.weight_blocks]
    assert len(stored) == len(weights.pack(model))
    files = generate_block(model, default_options(model))
    paths = write_files({n: t for n, t in files.items() if n.endswith(".v")}, tmp_path / "rtl")
    command = ["verilator", "--lint-only", "-Wall", "--top-module", block_module(model), *map(str, paths)]
    log = tmp_path / "lint.log"
    process.run(command, log, timeout=300.0)
    assert not log.read_text(encoding="utf-8")
