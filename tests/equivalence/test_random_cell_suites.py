"""The suites of ``econ-ae verify`` on encoders that send cells and that nobody chose; the log names the fresh seeds.

``ECON_AE_SEED=N pytest ...`` repeats one of them.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.hls import CATAPULT, VITIS, Flavour
from rtl_gen.registers import address_map, flagged_events, weight_writes
from rtl_gen.verilog import VerilogOptions, default_options, generate_block, register_stages
from sim.bench.verify import verify_datapath
from sim.hls import verify_hls
from sim.i2c import verify_block, verify_registers
from sim.result import Outcome
from sim.stimulus.events import random_events
from sim.verilator import verify_million
from tests.equivalence.test_random_suites import SEED
from tests.random_cells import PRESET_CELLS, hostile_charges, random_cell_model

pytestmark = pytest.mark.simulator

SMALL, TINY = 8, 6
"""Cells; weight bytes of an encoder that is loaded at 1 MHz in a fast test, 40 clocks per bit."""
MANY = range(223, 243)


def fresh(most_bytes: int) -> EncoderModel:
    """Return a small encoder of a seed that is new in every session, or of the one in the environment."""
    given = os.environ.get(SEED)
    start = int(given) if given else random.SystemRandom().randrange(1 << 24)
    return next(model for model in map(random_cell_model, itertools.count(start), itertools.repeat(SMALL))
                if model.input.cells <= SMALL and len(weights.pack(model)) <= most_bytes)  # fmt: skip


def real_events(model: EncoderModel, options: VerilogOptions, seed: int) -> IntArray:
    return random_events(model, options, 20, np.random.default_rng(seed))


def passed(result: Outcome) -> None:
    assert result.events
    assert result.passed, result.first_mismatch


def registers(model: EncoderModel, folder: Path, seed: int) -> None:
    """Registers over I2C, and every bit of every copy upset: all masked, all counted."""
    result = verify_registers(model, folder, suite="sweep", upsets=50, seed=seed)
    passed(result)
    assert result.upsets == 3 * address_map(model).stored_bits
    assert not result.not_reached
    assert result.weight_bytes == len(weights.pack(model))


def test_datapath_and_registers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fresh(64)
    with capsys.disabled():
        print(f"\nregisters of {model.name}: {SEED}={model.name.removeprefix('cells')}")
    options = default_options(model)
    passed(verify_datapath(model, options, real_events(model, options, 1), tmp_path / "datapath", random_events=36))
    registers(model, tmp_path / "registers", 1)
    if shutil.which("g++"):
        cpp(model, tmp_path / "hls", random.choice((CATAPULT, VITIS)))


def test_block_and_the_events_that_a_reload_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unflagged events are exact with old settings before, with new ones behind; as many are flagged as is stated."""
    model = fresh(TINY)
    with capsys.disabled():
        print(f"\nblock of {model.name}: {SEED}={model.name.removeprefix('cells')}")
    result = verify_block(model, tmp_path, real_events(model, default_options(model), 1), random_count=60,
                          reload_hertz=1_000_000)  # fmt: skip
    passed(result)
    assert result.upsets == 20
    assert result.flagged
    size = len(weights.pack(model))
    assert result.reloaded_flagged == 40 * (9 * (size - 1) + 1) + 8
    assert result.reloaded_flagged == stated(model, 1_000_000)


def cpp(model: EncoderModel, folder: Path, flavour: Flavour) -> None:
    charges = hostile_charges(model, 1, 200)
    passed(verify_hls(model, charges, folder, flavour=flavour, random_events=200))


def stated(model: EncoderModel, hertz: int) -> int:
    return flagged_events(weight_writes(address_map(model), weights.pack(model)), hertz, 8)


@pytest.mark.slow
@pytest.mark.parametrize("hertz", [400_000, 1_000_000])
@pytest.mark.parametrize("seed", [13, 21])
def test_reload_at_frequencies_of_i2c(seed: int, hertz: int, tmp_path: Path) -> None:
    model = random_cell_model(seed, 16)
    result = verify_block(model, tmp_path, real_events(model, default_options(model), seed), reload_hertz=hertz)
    passed(result)
    assert result.reloaded_flagged == stated(model, hertz)


@pytest.mark.slow
def test_events_that_are_not_flagged_are_found(tmp_path: Path) -> None:
    model = random_cell_model(21, 16)
    options = default_options(model)
    files = generate_block(model, options)
    flag, none = "{(STAGES+1){reconfiguring}}", "{{STAGES{1'b0}}, reconfiguring}"
    assert flag in files["econ_ae_mixed.v"]
    files["econ_ae_mixed.v"] = files["econ_ae_mixed.v"].replace(flag, none)
    result = verify_block(model, tmp_path, real_events(model, options, 1), files=files)
    assert "out_mixed of the event" in str(result.first_mismatch)


def test_many_have_every_operation_at_every_size() -> None:
    models = [random_cell_model(seed, PRESET_CELLS) for seed in MANY]
    operations = Counter(type(op).__name__ for model in models for op in model.ops)
    assert set(operations) == {"Normalise", "Order", "Choose", "Merge", "Apportion", "Enumerate"}
    assert min(operations.values()) >= 5
    assert len(models) - operations["Merge"] >= 5
    sizes = [model.input.cells for model in models]
    assert sizes.count(PRESET_CELLS) >= 5
    assert len(set(sizes)) >= 8
    assert {len(model.cell_code.choose.limits) for model in models} == set(range(5))


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_many_encoders(seed: int, tmp_path: Path) -> None:
    model, rng = random_cell_model(seed, PRESET_CELLS), random.Random(seed)
    options = default_options(model)
    some = replace(options, registers=frozenset(s for s in register_stages(model, options) if rng.random() < 0.5))
    real = real_events(model, options, seed)
    for name, chosen in (("encoder", some), ("datapath", options)):
        passed(verify_datapath(model, chosen, real, tmp_path / name, random_events=200, seed=seed))
    registers(model, tmp_path / "registers", seed)
    for flavour in (CATAPULT, VITIS):
        cpp(model, tmp_path / flavour, flavour)
    passed(verify_block(model, tmp_path / "block", real, random_count=100, seed=seed))
    result = verify_million(model, tmp_path / "million", some, events=20_000, real=real, seed=seed)
    passed(result)
    assert result.events == 20_000
