"""The gate-level chain for encoders that send cells: frames, triplication, proofs; what breaks them is found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import VerificationError
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs import part_areas, synthesise
from rtl_gen.costs.library import generic
from rtl_gen.costs.library.cells import read_cells
from rtl_gen.costs.library.models import cell_models
from rtl_gen.costs.netlist.flat import flatten
from rtl_gen.registers import address_map
from rtl_gen.verilog import VerilogOptions, block_module, default_options, generate_block
from rtl_gen.writer import write_files
from sim.netlist import MappedNetlist, verify_netlist
from sim.netlist.formal import prove_equal
from sim.netlist.run import run_netlist
from sim.netlist.verify import CELLS_PROVEN
from sim.stimulus.events import random_events
from sim.stimulus.settings import settings_list
from tests.random_cells import PRESET_CELLS, random_cell_model
from tests.required import needs

pytestmark = [
    pytest.mark.simulator,
    needs("yosys"),
]
SEED, SMALL = 17, 6
MANY = ((1, 6), (9, 6), (13, 6), (16, 6), (28, 6), (37, 6), (60, 16), (61, PRESET_CELLS))
"""Seeds and the most cells: one to six modes, with and without merging, one to five classes, 1 to 13 eLinks."""
EVENTS = 64 * 16


@dataclass(frozen=True)
class Made:
    """A complete block of gates, and events for it."""

    model: EncoderModel
    options: VerilogOptions
    mapped: MappedNetlist
    parts: dict[str, float]
    events: np.ndarray[tuple[int, int], np.dtype[np.int64]]


def made(seed: int, largest: int, folder: Path, library: Path | None = None) -> Made:
    model = random_cell_model(seed, largest)
    options = default_options(model)
    files = write_files(generate_block(model, options), folder / "rtl", overwrite=True)
    done = synthesise([path for path in files if path.suffix == ".v"], block_module(model), folder, library)
    liberty = folder / f"{generic.NAME}.lib" if library is None else library
    events = random_events(model, options, EVENTS, np.random.default_rng(seed))
    parts = part_areas(done.modules, done.top, done.cell_areas())
    return Made(model, options, MappedNetlist(folder, done.top, liberty), parts, events)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(SEED, SMALL, tmp_path_factory.mktemp("netlist"))


def checked(of: Made, folder: Path, bench_events: int) -> None:
    """Verify a netlist in all four ways."""
    result = verify_netlist(
        of.mapped, of.model, of.options, of.events, folder, rtl=of.mapped.folder / "rtl", bench_events=bench_events
    )
    assert result.passed, result.first_mismatch
    assert result.events == 64 * (EVENTS // 64 - 8)
    assert result.bench_events == bench_events
    assert result.configuration_bits == address_map(of.model).stored_bits
    assert result.voters == result.triplicated - 1 > result.configuration_bits
    assert set(result.proven) == {f"{of.model.name}_{name}" for name in CELLS_PROVEN}
    assert json.loads(result.report.read_text())["passed"]


def test_a_netlist_equals_the_emulator(small: Made, tmp_path: Path) -> None:
    checked(small, tmp_path / "out", bench_events=0)
    assert {"order of the cells", "choice of the mode", "pulses of the cells", "enumeration"} <= set(small.parts)
    assert small.parts.get("other", 0) < 0.01 * sum(small.parts.values())


def test_the_ends_of_what_registers_can_hold(small: Made) -> None:
    """Limits and biases at either end, muxes with repeats, other factors."""
    of = small.mapped
    for settings in settings_list(small.model, seed=2)[1:3]:
        run = run_netlist(of.flat, of.cells, small.model, small.options, small.events, settings=settings)
        assert run.passed, (settings.name, run.first_mismatch)


def passes_with_wrong_gates(small: Made, part: str) -> bool:
    """Tell whether the netlist still equals the emulator when NAND and NOR, AND and OR of a module are exchanged."""
    of = small.mapped
    modules = json.loads((of.folder / "netlist.json").read_text())["modules"]
    other = {"NAND2": "NOR2", "NOR2": "NAND2", "AND2": "OR2", "OR2": "AND2"}
    chosen = [cell for cell in modules[f"{small.model.name}_{part}"]["cells"].values() if cell["type"] in other]
    assert chosen
    for cell in chosen:
        cell["type"] = other[cell["type"]]
    cells = read_cells(of.library, [*of.cells, *other])
    return run_netlist(flatten(modules, of.top), cells, small.model, small.options, small.events).passed


@pytest.mark.parametrize("part", ["order", "multiply"])
def test_wrong_gates_are_found(part: str, small: Made) -> None:
    assert not passes_with_wrong_gates(small, part)


def gates(small: Made, name: str, folder: Path) -> tuple[list[Path], list[Path], str]:
    """Write the netlist of a module and the models of its cells; return the files of both sides."""
    texts = small.mapped.verilog()
    top = f"{small.model.name}_{name}"
    body = texts["netlist.v"].partition(f"module {top}(")[2].partition("endmodule")[0]
    gate, models = folder / "gate.v", folder / "cells.v"
    gate.write_text(f"module {top}({body}endmodule\n")
    models.write_text(texts["cells.v"])
    return [small.mapped.folder / "rtl" / f"{top}.v"], [gate, models], top


def test_a_proof_finds_one_wrong_gate(small: Made, tmp_path: Path) -> None:
    gold, gate, top = gates(small, "count", tmp_path)
    assert prove_equal(gold, gate, top, tmp_path / "right").passed
    text = gate[0].read_text()
    gate[0].write_text(text.replace("  XOR2 ", "  XNOR2 ", 1))
    assert gate[0].read_text() != text
    result = prove_equal(gold, [gate[0], *more_models(small, tmp_path)], top, tmp_path / "wrong")
    assert not result.passed
    assert "its netlist differs from its Verilog" in (result.first_mismatch or "")


def more_models(small: Made, folder: Path) -> Sequence[Path]:
    path = folder / "more.v"
    cells = read_cells(small.mapped.library, [*small.mapped.cells, "XNOR2"])
    path.write_text(cell_models(cells.values()))
    return [path]


def test_a_module_with_registers_is_not_proved(small: Made, tmp_path: Path) -> None:
    source = tmp_path / "dut.v"
    source.write_text("module dut(input clk, input a, output reg y); always @(posedge clk) y <= a; endmodule\n")
    with pytest.raises(VerificationError, match="dut has 0 output bits or registers"):
        prove_equal([source], [source], "dut", tmp_path / "out")


@pytest.mark.slow
def test_every_rule_and_all_parts(small: Made, tmp_path: Path) -> None:
    checked(small, tmp_path / "out", bench_events=8)
    of = small.mapped
    for settings in settings_list(small.model, seed=2)[3:]:
        run = run_netlist(of.flat, of.cells, small.model, small.options, small.events, settings=settings)
        assert run.passed, (settings.name, run.first_mismatch)
    for part in ("dropped", "choose", "merge", "compact", "give", "enumerate"):
        assert not passes_with_wrong_gates(small, part), part


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "largest"), MANY)
@pytest.mark.parametrize("library", [None, "nangate45_typ", "sky130hd_tt", "ihp_sg13g2_typ_1p20V_25C"])
def test_many_models_in_all_libraries(
    seed: int, largest: int, library: str | None, tmp_path: Path, reference: Path
) -> None:
    path = None if library is None else reference / "liberty" / f"{library}.lib.gz"
    checked(made(seed, largest, tmp_path, path), tmp_path / "out", bench_events=0)
