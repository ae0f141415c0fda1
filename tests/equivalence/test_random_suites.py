"""Every suite of ``econ-ae verify`` on encoders that nobody chose: new ones in every session; the log names the seeds.

``ECON_AE_SEED=N pytest ...`` repeats one of them: every test here then takes the encoder of that seed.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from econ_ae.ir.model import EncoderModel
from rtl_gen.costs import synthesise
from rtl_gen.costs.library import generic
from rtl_gen.hls import CATAPULT, VITIS
from rtl_gen.registers import address_map
from rtl_gen.verilog import DATAPATH, block_module, default_options, generate_block
from rtl_gen.writer import write_files
from sim.bench.verify import verify_datapath, verify_encoder
from sim.hls import verify_hls
from sim.i2c import verify_block, verify_registers
from sim.netlist import MappedNetlist, verify_netlist
from sim.result import Outcome
from sim.stimulus.events import random_events
from sim.stimulus.images import random_images
from tests.random_models import ODD, odd_model

pytestmark = pytest.mark.simulator

SEED = "ECON_AE_SEED"
KINDS = len(ODD) + 1
MOST_GATES = 1200
"""Stored bits up to which a block is synthesised: larger ones take minutes."""


def fresh_seed(kind: int) -> int:
    """A seed that is new in every session, of an encoder of the given kind; or the one in the environment."""
    given = os.environ.get(SEED)
    return int(given) if given else KINDS * random.SystemRandom().randrange(1 << 24) + kind % KINDS


@pytest.fixture
def seed(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> int:
    chosen = fresh_seed(request.param)
    with capsys.disabled():
        print(f"\n{request.node.name}: {SEED}={chosen}")
    return chosen


def suites(model: EncoderModel, seed: int, folder: Path, count: int) -> Iterator[tuple[str, Outcome]]:
    """Run suite after suite: encoder, datapath, registers with every upset, block, C++, gates."""
    options = default_options(model, DATAPATH)
    images, real = random_images(model, 20, seed), random_events(model, options, 20, np.random.default_rng(seed))
    given = {"random_events": count, "seed": seed}
    yield "encoder", verify_encoder(model, default_options(model), images, folder / "encoder", **given)
    yield "datapath", verify_datapath(model, options, real, folder / "datapath", **given)
    registers = verify_registers(model, folder / "registers", suite="sweep", upsets=50, seed=seed)
    assert registers.upsets == 3 * address_map(model).stored_bits
    assert not registers.not_reached
    yield "i2c and seu", registers
    yield "block", verify_block(model, folder / "block", real, random_count=count, seed=seed)
    if shutil.which("g++"):
        for flavour in (CATAPULT, VITIS):
            yield flavour, verify_hls(model, images, folder / flavour, flavour=flavour, **given)
    if shutil.which("yosys") and address_map(model).stored_bits <= MOST_GATES:
        gates = folder / "gates"
        files = write_files(generate_block(model, options), gates / "rtl")
        done = synthesise([path for path in files if path.suffix == ".v"], block_module(model), gates)
        mapped = MappedNetlist(gates, done.top, gates / f"{generic.NAME}.lib")
        yield "netlist", verify_netlist(mapped, model, options, real, folder / "netlist", rtl=gates / "rtl")


def check(seed: int, folder: Path, count: int) -> None:
    model = odd_model(seed)
    for suite, result in suites(model, seed, folder, count):
        assert result.events, suite
        assert result.passed, (suite, result.first_mismatch)


@pytest.mark.parametrize("seed", [0, 2], indirect=True)
def test_small_encoders(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, 36)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2 * KINDS), indirect=True)
def test_encoders_of_every_kind(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, 200)


def test_seeds_are_new_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SEED, raising=False)
    drawn = [fresh_seed(number) for number in range(KINDS)]
    assert [seed % KINDS for seed in drawn] == list(range(KINDS))
    assert drawn != [fresh_seed(number) for number in range(KINDS)]
    monkeypatch.setenv(SEED, "17")
    assert fresh_seed(3) == 17
