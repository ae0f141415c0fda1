"""Codes to frames: Verilog = econ_ae.econt, bit for bit, and what breaks the Verilog is found."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.econt.autoencoder import template
from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import (
    BLOCKS,
    DATAPATH,
    LOOP,
    NORMALISER,
    VerilogOptions,
    default_options,
    generate,
    register_stages,
)
from rtl_gen.verilog.options import LEAVES
from sim.bench.replay import replay_rtl
from sim.bench.vectors import vectors
from sim.bench.verify import verify_datapath, verify_encoder, verify_vectors
from sim.stimulus.events import random_events
from sim.stimulus.images import random_images
from sim.stimulus.phases import Phase
from sim.stimulus.settings import Settings
from tests.random_models import random_model

pytestmark = pytest.mark.simulator


def chip() -> EncoderModel:
    """The chip's encoder with random weights, so small that sums stay inside the formats."""
    rng = np.random.default_rng(5)
    model = template()
    return model.with_weights(
        {
            op.name: (rng.integers(-8, 12, op.kernel.shape), rng.integers(-8, 20, op.bias.shape))
            for op in model.layers
        }
    )  # fmt: skip


def none(model: EncoderModel) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.zeros((0, model.input.cells), np.int64)


def test_chip_datapath(tmp_path: Path) -> None:
    model = chip()
    options = default_options(model, DATAPATH)
    rng = np.random.default_rng(1)
    real = random_events(model, options, 40, rng)
    result = verify_datapath(model, options, real, tmp_path, random_events=180)
    assert result.passed, result.first_mismatch
    # 18 settings x (zeros, all 127, two alternating patterns, 48 single cells) and twice all 128 codes
    assert (result.corner_events, result.random_events, result.real_events) == (18 * 52 + 2 * 128, 180, 40)
    assert result.latency == result.stated_latency == 5
    assert len(result.weight_sets) == 18


@pytest.mark.parametrize(
    "change",
    [
        {"front_end": False},
        {"calibration": False, "density": 3, "registers": frozenset()},
        {"leaf": LOOP, "density": 3},
    ],
    ids=["charges", "no-calibration-no-register", "loop"],
)
def test_options(change: dict[str, object], econ_t_model: EncoderModel, tmp_path: Path) -> None:
    options = replace(default_options(econ_t_model, DATAPATH), **change)  # type: ignore[arg-type]
    result = verify_datapath(econ_t_model, options, none(econ_t_model), tmp_path, random_events=36)
    assert result.passed, result.first_mismatch


def random_options(model: EncoderModel, block: str, seed: int) -> VerilogOptions:
    rng = random.Random(f"{block}{seed}")
    options = replace(
        default_options(model, block),
        front_end=rng.random() < 0.7,
        calibration=rng.random() < 0.6,
        density=rng.choice((1, 3)),
        leaf=rng.choice(LEAVES),
    )
    stages = register_stages(model, options)
    return replace(options, registers=frozenset(stage for stage in stages if rng.random() < 0.5))


def check_block(block: str, seed: int, events: int, directory: Path) -> None:
    model = random_model(seed)
    options = random_options(model, block, seed)
    if block in {NORMALISER, DATAPATH}:
        result = verify_datapath(model, options, none(model), directory, random_events=events)
    else:
        result = verify_encoder(model, options, random_images(model, 0, 1), directory, random_events=events)
    assert result.passed, (options, result.first_mismatch)
    assert result.latency == len(options.registers)


@pytest.mark.parametrize("seed", [2, 4])
@pytest.mark.parametrize("block", [NORMALISER, DATAPATH])
def test_random_models(block: str, seed: int, tmp_path: Path) -> None:
    check_block(block, seed, 36, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 220))
@pytest.mark.parametrize("block", BLOCKS)
def test_many_random_models(block: str, seed: int, tmp_path: Path) -> None:
    check_block(block, seed, 500, tmp_path)


def test_the_orbit_ends_by_itself(tmp_path: Path) -> None:
    model = random_model(2)
    options = default_options(model, DATAPATH)
    rows = random_events(model, options, 3570, np.random.default_rng(1))
    phase = Phase("random", Settings.plain(model), rows, np.zeros(len(rows), np.bool_))
    phases = list(vectors(model, options, phase.split()))
    headers = np.concatenate([p.outputs["frame"][:, -1] >> 3 for p in phases])
    assert list(np.flatnonzero(headers == 31)) == [0, 3564]
    result = verify_vectors(model, options, phases, tmp_path)
    assert result.passed, result.first_mismatch


@pytest.mark.parametrize(
    ("file", "change", "found"),
    [
        ("econ_ae_bx_header", ("LAST = 12'd3563", "LAST = 12'd31"), "frame"),
        ("econ_ae_bx_header", ("bx0 ? 12'd0", "1'b0 ? 12'd0"), "frame"),
        ("econ_ae_squeeze", ("dropped & ~parity", "dropped"), "frame"),
        ("econ_ae_frame", ("data[81:0], 64'd0", "data[145:64], 64'd0"), "frame"),
        ("econ_ae_calibrated_charge", ("4'd0 : code[6:3] - 4'd1", "4'd1 : code[6:3] - 4'd1"), "expected"),
        (
            "econ_t_chip_front_end",
            (".code(code_47)", ".code(code_46)"),
            "expected",
        ),
        ("econ_t_chip_normalise", ("for (i = 1; i < SUM_WIDTH", "for (i = 1; i < SUM_WIDTH-3"), "expected"),
        ("econ_t_chip_normalise", ("if (log2 > 5'd3)", "if (log2 > 5'd4)"), "sum_code"),
    ],
)
def test_broken_verilog_is_found(file: str, change: tuple[str, str], found: str, tmp_path: Path) -> None:
    model = chip()
    options = default_options(model, DATAPATH)
    files = generate(model, options)
    assert change[0] in files[f"{file}.v"]
    files[f"{file}.v"] = files[f"{file}.v"].replace(*change)
    real = np.zeros((40, 48), np.int64)
    result = verify_datapath(model, options, real, tmp_path, random_events=180, files=files)
    assert result.mismatches > 0
    assert found in str(result.first_mismatch)


def test_an_assertion_that_fails_alone_is_found(tmp_path: Path) -> None:
    model = random_model(2)
    options = default_options(model, DATAPATH)
    files = generate(model, options)
    name = f"{model.name}_normalise.v"
    assert "if (checked >= " in files[name]
    files[name] = files[name].replace("if (checked >= ", "if (checked <= ")
    result = verify_datapath(model, options, none(model), tmp_path, random_events=0, files=files)
    assert not result.passed
    assert "the normalised charges add up" in str(result.first_mismatch)


def test_published_vectors(reference: Path, tmp_path: Path) -> None:
    (result,) = replay_rtl(reference / "econt_vectors", None, tmp_path)
    assert (result.name, result.rows, result.equal) == ("AE_8x8_c8_S2_ele_qkeras", 3564, 3564)
    assert result.ok
    assert result.first_difference is None


def test_wrong_vectors_are_found(reference: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vectors" / "AE"
    source = reference / "econt_vectors"
    shutil.copytree(source / "AE_8x8_c8_S2_ele_qkeras", folder)
    shutil.copy(source / "testInput.csv", folder.parent)
    lines = (folder / "testOutput.csv").read_text().splitlines()[:700]
    word = lines[601].split(",")[1]
    lines[601] = lines[601].replace(word, f"{int(word, 16) ^ 1:08x}", 1)
    (folder / "testOutput.csv").write_text("\n".join(lines) + "\n")
    (result,) = replay_rtl(folder.parent, None, tmp_path / "work")
    assert (result.rows, result.equal) == (699, 698)
    assert result.first_difference is not None
    assert result.first_difference.row == 600
    assert result.first_difference.got[1] == word.lower()


def test_replay_of_another_algorithm_is_refused(reference: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="BC_5eTx is algorithm best_choice; the Verilog is the autoencoder"):
        replay_rtl(reference / "econt_vectors", ["BC_5eTx"], tmp_path)
