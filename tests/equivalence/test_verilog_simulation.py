"""Emulator = Verilog, bit for bit, and what breaks the Verilog is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.emulator import encode_images
from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import LOW_DENSITY, Arrangement
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Input, Normalise, Op, Pack, Requantise, TrnEach
from econ_ae.ir.validate import check
from rtl_gen.verilog import STRUCTURAL, SUM, VerilogOptions, default_options, generate
from sim.bench.verify import verify_encoder
from sim.stimulus.images import random_images
from tests.random_models import random_model

pytestmark = pytest.mark.simulator


def trn_each(model: EncoderModel) -> EncoderModel:
    """The same encoder with every product floored to the precision of its layer's output."""
    ops: list[Op] = list(model.ops)
    for i, stage in enumerate(model.stages):
        ops[1 + 2 * i] = replace(stage.layer, accumulate=TrnEach(stage.requantise.out.fraction))
        ops[2 + 2 * i] = replace(stage.requantise, rounding=Rounding.TRN)
    return check(replace(model, ops=tuple(ops)))


def on_4x4x3(model: EncoderModel) -> EncoderModel:
    """An encoder of three sector images: stride 1, three channels."""
    rng = np.random.default_rng(3)
    weight = FixedFormat.parse("s0.5")
    conv = next(op for op in model.layers if isinstance(op, Conv2D))
    ops = (
        model.normalise,
        replace(conv, kernel=rng.integers(-32, 32, (3, 3, 3, 4)), bias=rng.integers(-32, 32, 4), stride=(1, 1),
                padding=((1, 1), (1, 1))),
        model.stages[0].requantise,
        Dense("dense", rng.integers(-32, 32, (64, 5)), rng.integers(-32, 32, 5), weight, weight),
        Requantise("latents", False, FixedFormat.parse("s2.6")),
        Pack((511,) * 5, 2),
    )  # fmt: skip
    source = replace(model.input, arrangement=LOW_DENSITY.arrangement("4x4x3"))
    return check(EncoderModel("paper", source, ops))


class Recorder:
    """Progress that remembers how far it came."""

    def __init__(self) -> None:
        self.steps = 0
        self.lines: list[str] = []

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Recorder]:
        yield self
        assert self.steps == total

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps += steps

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_econ_t_encoder(econ_t_model: EncoderModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    real = random_images(econ_t_model, 60, 9)
    options, progress = default_options(econ_t_model), Recorder()
    result = verify_encoder(econ_t_model, options, real, tmp_path, random_events=40, progress=progress)
    assert capfd.readouterr() == ("", "")
    assert progress.steps == result.events
    assert progress.lines == [
        f"events: Icarus builds and loads {len(generate(econ_t_model, options)) - 1} files of Verilog"
    ]
    assert result.passed, result.first_mismatch
    assert (result.corner_events, result.random_events, result.real_events, result.events) == (1212, 40, 60, 1312)
    assert result.latency == result.stated_latency == 2
    assert result.weight_sets[:4] == ("real", "all_max", "all_min", "alternating")
    assert len(result.weight_sets) == 12
    assert result.simulator.startswith("Icarus Verilog")
    assert result.junit.is_file()
    assert json.loads(result.report.read_text())["mismatches"] == 0


def test_trn_each_with_all_registers(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    model = trn_each(econ_t_model)
    options = VerilogOptions(frozenset({"input", "conv_relu", "dense_relu"}))
    result = verify_encoder(model, options, random_images(model, 0, 1), tmp_path, random_events=20)
    assert result.passed, result.first_mismatch
    assert result.latency == 3


def test_4x4x3_without_registers(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    model = on_4x4x3(econ_t_model)
    none = VerilogOptions(frozenset())
    result = verify_encoder(model, none, random_images(model, 0, 1), tmp_path, random_events=20)
    assert result.passed, result.first_mismatch
    assert result.latency == 0


@pytest.mark.parametrize("seed", range(4))
def test_random_models(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    result = verify_encoder(model, default_options(model), random_images(model, 0, 1), tmp_path, random_events=60)
    assert result.passed, result.first_mismatch


@pytest.mark.parametrize("seed", [4, 13])
def test_random_models_structural(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    options = replace(default_options(model), leaf=STRUCTURAL)
    result = verify_encoder(model, options, random_images(model, 0, 1), tmp_path, random_events=60)
    assert result.passed, result.first_mismatch


@pytest.mark.slow
@pytest.mark.parametrize("floored", [False, True])
def test_econ_t_encoder_structural(floored: bool, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    model = trn_each(econ_t_model) if floored else econ_t_model
    options = replace(default_options(model), leaf=STRUCTURAL)
    result = verify_encoder(model, options, random_images(model, 0, 1), tmp_path, random_events=500)
    assert result.passed, result.first_mismatch
    assert result.random_events == 500


@pytest.mark.slow
@pytest.mark.parametrize("leaf", [SUM, STRUCTURAL])
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_random_models(seed: int, leaf: str, tmp_path: Path) -> None:
    model = random_model(seed)
    options = replace(default_options(model), leaf=leaf)
    result = verify_encoder(model, options, random_images(model, 0, 1), tmp_path, random_events=500)
    assert result.passed, result.first_mismatch
    assert result.random_events == 500


@pytest.mark.parametrize(
    ("file", "change", "found"),
    [
        ("requantise_conv_relu", ("if (up) v = v + ONE;", ""), "expected"),
        ("requantise_dense_relu", ("(r[SHIFT] | (|r[SHIFT-2:0]))", "1'b1"), "expected"),
        ("requantise_dense_relu", ("if (v > MAX) y = MAX[Y_WIDTH-1:0];\n        else y", "y"), "expected"),
        ("mac128_dense", ("+ x127 * w2047", "- x127 * w2047"), "latent 15"),
        ("encoder", (".in_valid(in_valid)", ".in_valid(1'b1)"), "came out"),
        ("encoder", ("out_valid = valid_dense_relu;", "out_valid = valid_conv_relu;"), "event 0"),
        ("encoder", ("latents = data_dense_relu;", "latents = {data_dense_relu[143:1], 1'bx};"), "unknown"),
    ],
)
def test_broken_verilog_is_found(
    file: str, change: tuple[str, str], found: str, econ_t_model: EncoderModel, tmp_path: Path
) -> None:
    options = default_options(econ_t_model)
    files = generate(econ_t_model, options)
    name = f"econ_t_{file}.v"
    assert change[0] in files[name]
    files[name] = files[name].replace(*change)
    real = random_images(econ_t_model, 100, 9)
    result = verify_encoder(econ_t_model, options, real, tmp_path, random_events=0, files=files)
    assert not result.passed
    assert result.mismatches > 0
    assert found in str(result.first_mismatch)


def test_late_events_are_found(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    stated = default_options(econ_t_model)
    built = VerilogOptions(stated.registers | {"input"})
    real = random_images(econ_t_model, 0, 1)
    files = generate(econ_t_model, built)
    result = verify_encoder(econ_t_model, stated, real, tmp_path, random_events=0, files=files)
    assert result.mismatches >= result.events
    assert (result.latency, result.stated_latency) == (3, 2)
    assert "latency 3 clocks; stated 2" in str(result.first_mismatch)


def test_reset_that_does_nothing_is_found(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    options = default_options(econ_t_model)
    files = generate(econ_t_model, options)
    name = "econ_ae_pipeline_register.v"
    files[name] = files[name].replace("posedge clk or negedge rst_n", "posedge clk")
    result = verify_encoder(
        econ_t_model, options, random_images(econ_t_model, 0, 1), tmp_path, random_events=0, files=files
    )
    assert "rst_n fell" in str(result.first_mismatch)


def test_verilog_that_does_not_compile(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    options = default_options(econ_t_model)
    files = generate(econ_t_model, options) | {"econ_t_encoder.v": "module econ_t_encoder; oops endmodule\n"}
    with pytest.raises(VerificationError, match=r"syntax error; see .*simulator\.log"):
        verify_encoder(econ_t_model, options, random_images(econ_t_model, 0, 1), tmp_path, files=files)


def requantiser(relu: bool, rounding: Rounding, overflow: Overflow) -> EncoderModel:
    """One pixel through a 1x1 kernel of weight 1 (or -1 by its bias): the latent is the requantised pixel."""
    unit = np.ones((1, 1), np.int64)
    ops = (
        Normalise(FixedFormat.parse("u2.2")),
        Dense("copy", unit, np.array([-8]), FixedFormat.parse("s1.0"), FixedFormat.parse("s3.2")),
        Requantise("out", relu, FixedFormat.parse("s1.0"), rounding, overflow),
        Pack((3,), 1),
    )
    charge = FixedFormat(False, 22, 0)
    return check(EncoderModel("truth", Input(1, charge, Arrangement("one", 1, 1, 1, (0,))), ops))


# The accumulator is (pixel - 8) / 4: -2, -1.75, ..., 1.75. By hand, for every pixel 0..15:
QUARTERS = np.arange(16).reshape(-1, 1, 1, 1)
TRUTH = {
    # -2 -1.75 -1.5 -1.25 -1 -.75 -.5 -.25 0 .25 .5 .75 1 1.25 1.5 1.75, ties to even, then -2..1
    (False, "rnd_conv", "sat"): (-2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
    (False, "rnd_conv", "wrap"): (-2, -2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, -2, -2),
    (False, "trn", "sat"): (-2, -2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1),
    (True, "rnd_conv", "wrap"): (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, -2, -2),
}


@pytest.mark.parametrize("rule", TRUTH, ids=str)
def test_requantiser_truth(rule: tuple[bool, str, str], tmp_path: Path) -> None:
    relu, rounding, overflow = rule
    model = requantiser(relu, Rounding(rounding), Overflow(overflow))
    assert tuple(encode_images(model, QUARTERS)[:, 0]) == TRUTH[rule]
    result = verify_encoder(model, default_options(model), QUARTERS, tmp_path, random_events=0)
    assert result.passed, result.first_mismatch
    assert result.real_events == 16
