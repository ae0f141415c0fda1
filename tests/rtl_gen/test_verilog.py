"""The generated Verilog as text: structure, options, files, and what the linters say about it."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import ConfigError, ModelError, RunDirectoryError
from econ_ae.ir import codec, weights
from econ_ae.ir.model import Conv2D, EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.verilog import (
    MANIFEST,
    VerilogOptions,
    default_options,
    generate,
    latency,
    manifest,
    top_module,
    verilog_sha256,
)
from rtl_gen.verilog.plan import plan, runs
from rtl_gen.writer import write_files
from tests.random_models import random_model
from tests.required import require_program

NO_REGISTERS = VerilogOptions(frozenset())


def sources(model: EncoderModel, options: VerilogOptions, directory: Path) -> list[str]:
    paths = write_files(generate(model, options), directory / model.name)
    return [str(path) for path in paths if path.suffix == ".v"]


def test_only_taps_on_trigger_cells_are_multiplied(econ_t_model: EncoderModel) -> None:
    conv, dense = plan(econ_t_model)
    live = {p for p, cell in enumerate(econ_t_model.input.arrangement.cells) if cell >= 0}
    # Counted without the plan: a window's taps are the live pixels that a 3x3 square at stride 2 covers.
    taps = [
        sum(8 * (r + i) + c + j in live for i in range(3) for j in range(3) if r + i < 8 and c + j < 8)
        for r in range(0, 8, 2)
        for c in range(0, 8, 2)
    ]
    assert [len(w.inputs) for w in conv.windows] == taps
    assert conv.products == 8 * sum(taps) == 680
    assert dense.products == 128 * 16
    assert set(conv.inputs) == live


def test_outputs_that_nothing_reads_are_not_built(econ_t_model: EncoderModel) -> None:
    ones = np.ones((1, 1, 8, 2), np.int64)
    first = next(op for op in econ_t_model.layers if isinstance(op, Conv2D))
    second = replace(first, name="sparse", kernel=ones, bias=ones[0, 0, 0], stride=(3, 3), padding=((0, 0), (0, 0)))
    requantise = econ_t_model.stages[0].requantise
    ops = (*econ_t_model.ops[:3], second, replace(requantise, name="sparse_relu"))
    pack = replace(econ_t_model.pack, keep=(511,) * 8)
    model = check(replace(econ_t_model, ops=(*ops, pack)))
    conv, sparse = plan(model)
    assert [w.outputs[0] // 8 for w in conv.windows] == [0, 3, 12, 15]
    assert len(sparse.outputs) == 8


def test_runs_are_maximal() -> None:
    assert runs([3, 4, 5, 9, 1, 2]) == ((3, 3), (9, 1), (1, 2))
    assert runs([]) == ()


def test_image_that_reaches_nothing_is_refused(econ_t_model: EncoderModel) -> None:
    empty = replace(econ_t_model.input.arrangement, cells=(-1,) * 64)
    model = replace(econ_t_model, input=replace(econ_t_model.input, arrangement=empty))
    with pytest.raises(ModelError, match="conv: reads only zeros"):
        generate(model, NO_REGISTERS)


def test_unknown_register_is_refused_with_a_suggestion(econ_t_model: EncoderModel) -> None:
    with pytest.raises(ConfigError) as caught:
        generate(econ_t_model, VerilogOptions(frozenset({"conv_rely"})))
    assert str(caught.value) == (
        "register stage 'conv_rely' is unknown; expected one of input, conv_relu, dense_relu; did you mean 'conv_relu'?"
    )


def test_latency_counts_the_registers(econ_t_model: EncoderModel) -> None:
    assert latency(econ_t_model, NO_REGISTERS) == 0
    assert latency(econ_t_model, default_options(econ_t_model)) == 2
    assert latency(econ_t_model, VerilogOptions(frozenset({"input", "conv_relu", "dense_relu"}))) == 3


def test_manifest_describes_the_files(econ_t_model: EncoderModel) -> None:
    options = default_options(econ_t_model)
    files = generate(econ_t_model, options)
    facts = json.loads(files[MANIFEST])
    assert facts == manifest(econ_t_model, options)
    assert set(facts["files"]) == set(files) - {MANIFEST}
    assert facts["model_sha256"] == codec.sha256(econ_t_model)
    assert (facts["latency"], facts["initiation_interval"], facts["top"]) == (2, 1, "econ_t_encoder")
    assert facts["ports"]["weights"]["width"] == weights.image_bits(econ_t_model) == 12864
    assert (facts["ports"]["image"]["width"], facts["ports"]["latents"]["width"]) == (64 * 8, 16 * 9)


def test_the_weights_are_not_in_the_verilog(econ_t_model: EncoderModel) -> None:
    other = econ_t_model.with_weights({op.name: (op.kernel * 0, op.bias * 0) for op in econ_t_model.layers})
    texts = []
    for m in (econ_t_model, other):
        files = generate(m, NO_REGISTERS)
        named = {codec.sha256(m), verilog_sha256(files)}
        assert all(hash_ in files[MANIFEST] for hash_ in named)
        texts.append({name: re.sub("|".join(named), "", text) for name, text in files.items()})
    assert codec.sha256(econ_t_model) != codec.sha256(other)
    assert texts[0] == texts[1]


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_lint_is_clean(seed: int | None, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    require_program("verilator")
    model = econ_t_model if seed is None else random_model(seed)
    options = default_options(model) if seed is None or seed % 2 else NO_REGISTERS
    paths = sources(model, options, tmp_path)
    assert not any("lint_off" in Path(path).read_text() for path in paths)
    command = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005", "--top-module", top_module(model)]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("seed", [None, 1, 4, 5])
def test_yosys_reads_it_and_finds_no_latch(seed: int | None, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    require_program("yosys")
    model = econ_t_model if seed is None else random_model(seed)
    paths = sources(model, default_options(model), tmp_path)
    script = (
        f"read_verilog {' '.join(paths)}; hierarchy -check -top {top_module(model)}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )
    done = subprocess.run(["yosys", "-q", "-p", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_writer_replaces_only_when_told(tmp_path: Path) -> None:
    target = tmp_path / "rtl"
    write_files({"a.v": "one\n", "sub/b.v": "two\n"}, target)
    with pytest.raises(RunDirectoryError, match="exists"):
        write_files({"a.v": "three\n"}, target)
    assert (target / "a.v").read_text() == "one\n"
    write_files({"a.v": "three\n"}, target, overwrite=True)
    assert [p.name for p in target.rglob("*")] == ["a.v"]
    assert list(tmp_path.iterdir()) == [target], "no temporary directory is left"


def test_writer_stays_in_its_directory(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="leaves the output directory"):
        write_files({"../a.v": ""}, tmp_path / "rtl")
    assert not list(tmp_path.iterdir())
