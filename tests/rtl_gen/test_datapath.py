"""The Verilog of normaliser and datapath as text: options, ports, and what the linters say about it."""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.econt.autoencoder import template
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import (
    BLOCKS,
    DATAPATH,
    ENCODER,
    LOOP,
    NORMALISER,
    SUM,
    VerilogOptions,
    default_options,
    generate,
    latency,
    manifest,
    register_stages,
    top_module,
)
from rtl_gen.verilog.options import LEAVES
from rtl_gen.writer import write_files
from tests.random_models import random_model
from tests.required import require_program


def lint(model: EncoderModel, options: VerilogOptions, directory: Path) -> None:
    """Verilator has nothing to say, with and without assertions."""
    require_program("verilator")
    paths = write_files(generate(model, options), directory / "rtl", overwrite=True)
    sources = [str(path) for path in paths if path.suffix == ".v"]
    top = top_module(model, options)
    for extra in ([], ["-DECON_AE_ASSERT"]):
        command = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top, *extra]
        done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), options


def synthesise(model: EncoderModel, options: VerilogOptions, directory: Path) -> None:
    """Yosys reads it, finds no latch, no loop and no undriven wire."""
    require_program("yosys")
    paths = write_files(generate(model, options), directory / "rtl", overwrite=True)
    script = (
        f"read_verilog {' '.join(str(p) for p in paths if p.suffix == '.v')}; "
        f"hierarchy -check -top {top_module(model, options)}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )
    done = subprocess.run(["yosys", "-q", "-p", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def options_of(model: EncoderModel, seed: int, leaf: str | None = None) -> VerilogOptions:
    rng = random.Random(seed)
    options = replace(
        default_options(model, rng.choice(BLOCKS)),
        front_end=rng.random() < 0.7,
        calibration=rng.random() < 0.6,
        density=rng.choice((1, 3)),
        leaf=leaf or rng.choice(LEAVES),
    )
    return replace(
        options, registers=frozenset(s for s in register_stages(model, options) if rng.random() < 0.5)
    )  # fmt: skip


@pytest.mark.parametrize("block", [NORMALISER, DATAPATH])
def test_lint_of_the_chip_is_clean(block: str, tmp_path: Path) -> None:
    lint(template(), default_options(template(), block), tmp_path)


def test_synthesis_of_the_chip_is_clean(tmp_path: Path) -> None:
    synthesise(template(), default_options(template(), DATAPATH), tmp_path)


def test_lint_of_loops_is_clean(tmp_path: Path) -> None:
    lint(template(), replace(default_options(template(), DATAPATH), leaf=LOOP), tmp_path)


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("seed", range(4))
def test_lint_is_clean(seed: int, leaf: str, tmp_path: Path) -> None:
    lint(random_model(seed), options_of(random_model(seed), seed, leaf), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 320))
def test_many_are_clean(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    for n in range(3):
        options = options_of(model, 100 * seed + n)
        lint(model, options, tmp_path)
        synthesise(model, replace(options, leaf=SUM if options.leaf == LOOP else options.leaf), tmp_path)


def test_register_stages_in_order() -> None:
    model = template()
    options = default_options(model, DATAPATH)
    everything = ["input", "front_end", "normaliser", "conv_relu", "dense_relu", "frame"]
    assert register_stages(model, options) == everything
    assert register_stages(model, replace(options, front_end=False)) == [s for s in everything if s != "front_end"]
    assert register_stages(model, default_options(model, NORMALISER)) == [*everything[:1], *everything[2:5]]
    assert register_stages(model, default_options(model)) == ["input", "conv_relu", "dense_relu"]
    assert [latency(model, default_options(model, block)) for block in BLOCKS] == [2, 4, 5]
    assert latency(model, replace(options, registers=frozenset(everything))) == 6


def test_ports_of_the_chip() -> None:
    model = template()
    found = manifest(model, default_options(model, DATAPATH))
    widths = {name: port["width"] for name, port in found["ports"].items()}
    assert widths == {
        "clk": 1, "rst_n": 1, "in_valid": 1, "bx0": 1, "codes": 336, "mux": 288, "calibration": 576,
        "weights": 12864, "keep_mask": 144, "elinks": 4, "out_valid": 1, "latents": 144, "sum_code": 9, "frame": 160,
    }  # fmt: skip
    assert (found["top"], found["block"], found["density"]) == ("econ_t_chip_datapath", DATAPATH, 1)
    assert found["multiplications"] == {"conv": 680, "dense": 2048}


def test_without_calibration_there_is_no_multiplier() -> None:
    model = template()
    files = generate(model, replace(default_options(model, DATAPATH), calibration=False))
    text = "".join(files[name] for name in ("econ_t_chip_front_end.v", "econ_ae_float_to_fix.v"))
    assert "econ_ae_calibrated_charge.v" not in files
    assert "calibration" not in files["econ_t_chip_datapath.v"]
    code = re.sub(r"//.*|\[[^\]]*\]", "", text)
    assert "*" not in code.replace("@*", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"block": "datapth"},
            "block 'datapth' is unknown; expected one of encoder, normaliser, datapath",
        ),
        ({"leaf": "tree"}, "leaf 'tree' is unknown; expected one of sum, loop, structural"),
        ({"density": 2}, "density is 2; expected 1 (low density) or 3 (high density)"),
        ({"block": ENCODER, "registers": frozenset({"frame"})}, "register stage 'frame' is unknown"),
        ({"front_end": False, "registers": frozenset({"front_end"})}, "register stage 'front_end' is unknown"),
    ],
)
def test_wrong_options_are_refused(change: dict[str, object], message: str) -> None:
    model = template()
    with pytest.raises(ConfigError, match=re.escape(message)):
        generate(model, replace(default_options(model, DATAPATH), **change))  # type: ignore[arg-type]


def test_charges_that_do_not_fit_are_refused() -> None:
    model = template()
    narrow = replace(model, input=replace(model.input, charge=FixedFormat(False, 20, 0)))
    options = default_options(narrow, DATAPATH)
    generate(narrow, options)
    with pytest.raises(ConfigError, match=r"gives charges up to 4062240, the model takes u20\.0"):
        generate(narrow, replace(options, density=3))


def test_the_documented_ports_are_current() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rtl.md").read_text(encoding="utf-8")
    ports = manifest(template(), default_options(template(), DATAPATH))["ports"]
    lines = ["| port | direction | bits | role | meaning |", "|---|---|---|---|---|"]
    for name, port in ports.items():
        lines.append(f"| `{name}` | {port['direction']} | {port['width']} | {port['role']} | {port['meaning']} |")
    assert "\n".join(lines) + "\n\n" in text
