"""The complete block: settings over I2C, frames every clock, both at once; and what breaks it is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.econt.autoencoder import template
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.replay import INPUT, OUTPUT, REGISTERS
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.econt.words import unpack_codes
from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import DATAPATH, STRUCTURAL, default_options, generate_block
from sim.bench.replay import chip_datapath
from sim.i2c import BlockResult, verify_block
from sim.stimulus.buses import from_fields
from sim.stimulus.golden import LINK_BITS, crossings, expected
from sim.stimulus.settings import FRAME_WORDS
from tests.random_models import random_model

pytestmark = pytest.mark.simulator

CHIP_VECTORS = "AE_8x8_c8_S2_ele_qkeras"
ORBIT_HEADER = 9


def none(model: EncoderModel) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.zeros((0, model.input.cells), np.int64)


def check(result: BlockResult) -> None:
    assert result.passed, result.first_mismatch
    assert len(result.tests) == 5
    assert result.flagged
    # Without a true mixture the comparison of the flagged events would be worth nothing.
    assert result.mixtures
    assert result.exact > 1000


def chip(econ_t_model: EncoderModel) -> EncoderModel:
    """The chip's encoder with random weights, so small that sums stay inside the formats."""
    rng = np.random.default_rng(5)
    return econ_t_model.with_weights(
        {
            op.name: (rng.integers(-8, 12, op.kernel.shape), rng.integers(-8, 20, op.bias.shape))
            for op in econ_t_model.layers
        }
    )


def test_the_chip(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    result = verify_block(chip(econ_t_model), tmp_path, none(econ_t_model), rewritten=6, random_count=400)
    check(result)
    assert (result.latency, result.load_bytes, result.upsets) == (5, 1 + 18 + 48 + 96 + 1608, 20)
    assert result.streamed is not None
    assert result.streamed >= 400


@pytest.mark.parametrize(
    ("seed", "change"),
    [
        (2, {}),
        # Outputs that read the settings: an event is in the datapath in the clock of its output too.
        (6, {"registers": frozenset({"input"})}),
        (2, {"tmr": frozenset({"links", "mux"}), "leaf": STRUCTURAL}),
        pytest.param(1, {"registers": frozenset(), "calibration": False}, marks=pytest.mark.slow),
        pytest.param(8, {"front_end": False}, marks=pytest.mark.slow),
        pytest.param(4, {}, marks=pytest.mark.slow),
    ],
)
def test_other_shapes(seed: int, change: dict[str, object], tmp_path: Path) -> None:
    model = random_model(seed)
    options = replace(default_options(model, DATAPATH), **change)  # type: ignore[arg-type]
    result = verify_block(model, tmp_path, none(model), options=options)
    assert result.passed, result.first_mismatch
    assert result.flagged


def test_only_a_datapath_makes_a_block() -> None:
    with pytest.raises(
        ConfigError, match="block is 'encoder'; the complete block has a datapath: set block='datapath'"
    ):
        generate_block(template(), default_options(template()))


MUTANTS = {
    "events in the pipeline are not flagged": (
        "econ_ae_mixed.v", "{(STAGES+1){reconfiguring}}", "{{STAGES{1'b0}}, reconfiguring}", "out_mixed of the event"),
    "the target says late that it writes": (
        "econ_ae_i2c_target.v", "next_reconfiguring = 1'b1;", "next_reconfiguring = reconfiguring | scl;", ""),
    "the status is never cleared": ("econ_ae_mixed.v", "& ~(clear | clearing)", "", "status after it was cleared"),
    "events of a disabled block are taken": ("random2_block.v", "in_valid & enable", "in_valid", "disabled"),
    "one copy decides": (
        "econ_ae_tmr_bank.v", "voted = (a & (b | c | single)) | (b & c)", "voted = a", "upsets_while_streaming"),
}  # fmt: skip
_FAST = "events in the pipeline are not flagged"


@pytest.mark.parametrize("name", [n if n == _FAST else pytest.param(n, marks=pytest.mark.slow) for n in MUTANTS])
def test_broken_verilog_is_found(name: str, tmp_path: Path) -> None:
    file, old, new, found = MUTANTS[name]
    model = random_model(2)
    files = generate_block(model, default_options(model, DATAPATH))
    assert old in files[file]
    files[file] = files[file].replace(old, new)
    result = verify_block(model, tmp_path, none(model), files=files)
    assert not result.passed
    assert found in str(result.first_mismatch)


@pytest.mark.slow
def test_all_weights_of_the_chip_while_streaming(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    check(verify_block(chip(econ_t_model), tmp_path, none(econ_t_model)))


@pytest.mark.slow
def test_published_vectors(reference: Path, tmp_path: Path) -> None:
    """300 crossings of the chip's vectors, with the register file loaded over I2C."""
    rows, folder = 300, reference / "econt_vectors" / CHIP_VECTORS
    config = read_config(folder / REGISTERS)
    settings, options = chip_datapath(replace(config, elinks=min(config.elinks, FRAME_WORDS)))
    words = read_input(folder.parent / INPUT)[:rows]
    bx0 = words[:, 0] >> 28 == ORBIT_HEADER
    codes = unpack_codes(words, config.numbering)
    published = read_output(folder / OUTPUT)[:rows]
    # The bench compares with econ_ae's frames: here they are the published ones, headers included.
    frames = expected(settings, options, codes, crossings(bx0))["frame"]
    assert np.array_equal(frames, from_fields(published[:, FRAME_WORDS - 1 :: -1].astype(np.int64), LINK_BITS))
    result = verify_block(
        settings.model, tmp_path, codes, options=options, settings=settings, bx0=bx0, rewritten=6, random_count=0
    )
    check(result)
    assert result.streamed is not None
    assert result.streamed >= rows
