"""The gate-level chain: simulation, triplication, proofs of a mapped netlist; what breaks each of them is found."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.errors import LibertyError, VerificationError
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs import synthesise
from rtl_gen.costs.library import generic
from rtl_gen.costs.library.cells import read_cells
from rtl_gen.costs.library.groups import Group, parse
from rtl_gen.costs.library.models import cell_models
from rtl_gen.costs.netlist.flat import FlatNetlist, flatten
from rtl_gen.registers import address_map
from rtl_gen.verilog import DATAPATH, VerilogOptions, block_module, default_options, generate_block
from rtl_gen.writer import write_files
from sim.netlist import MappedNetlist, verify_netlist
from sim.netlist.run import run_netlist
from sim.netlist.simulator import NetlistSimulator
from sim.netlist.tmr import check_triplication
from sim.netlist.words import changes
from sim.stimulus.events import random_events
from tests.costs.opensta_power import flat_verilog
from tests.random_models import random_model
from tests.required import needs

pytestmark = [
    pytest.mark.simulator,
    needs("yosys"),
]

Modules = dict[str, Any]


@pytest.fixture(scope="module")
def model() -> EncoderModel:
    return random_model(48)


@pytest.fixture(scope="module")
def options(model: EncoderModel) -> VerilogOptions:
    return default_options(model, DATAPATH)


@pytest.fixture(scope="module")
def mapped(model: EncoderModel, options: VerilogOptions, tmp_path_factory: pytest.TempPathFactory) -> MappedNetlist:
    """A small complete block of generic cells."""
    folder = tmp_path_factory.mktemp("netlist")
    files = write_files(generate_block(model, options), folder / "rtl", overwrite=True)
    done = synthesise([path for path in files if path.suffix == ".v"], block_module(model), folder)
    return MappedNetlist(folder, done.top, folder / f"{generic.NAME}.lib")


@pytest.fixture
def events(model: EncoderModel, options: VerilogOptions) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return random_events(model, options, 64 * 12, np.random.default_rng(3))


def changed(mapped: MappedNetlist, change: Callable[[Modules], None]) -> FlatNetlist:
    """The netlist after a change of its modules."""
    modules: Modules = json.loads((mapped.folder / "netlist.json").read_text())["modules"]
    change(modules)
    return flatten(modules, mapped.top)


def test_a_netlist_equals_the_emulator(
    mapped: MappedNetlist, model: EncoderModel, options: VerilogOptions, events: Any, tmp_path: Path
) -> None:
    result = verify_netlist(mapped, model, options, events, tmp_path / "out", rtl=mapped.folder / "rtl", bench_events=8)
    assert result.passed, result.first_mismatch
    assert result.events == 64 * (12 - 5)
    assert result.bench_events == 8
    assert result.configuration_bits == address_map(model).stored_bits
    # The first flip-flops of the reset synchroniser go to the second ones without a vote.
    assert result.voters == result.triplicated - 1 > result.configuration_bits
    assert {"econ_ae_frame", f"{model.name}_requantise_requantise0"} <= set(result.proven)
    assert 'tests="' in result.junit.read_text()
    assert json.loads(result.report.read_text())["passed"]


@pytest.mark.parametrize("part", ["front_end", "normalise", "requantise_requantise1"])
def test_wrong_gates_are_found(
    part: str, mapped: MappedNetlist, model: EncoderModel, options: VerilogOptions, events: Any
) -> None:
    other = {"NAND2": "NOR2", "NOR2": "NAND2", "AND2": "OR2", "OR2": "AND2"}

    def swap(modules: Modules) -> None:
        chosen = [cell for cell in modules[f"{model.name}_{part}"]["cells"].values() if cell["type"] in other]
        assert chosen
        for cell in chosen:
            cell["type"] = other[cell["type"]]

    cells = read_cells(mapped.library, [*mapped.cells, *other])
    result = run_netlist(changed(mapped, swap), cells, model, options, events)
    assert not result.passed
    assert result.first_mismatch


def test_registers_that_lost_a_copy_are_found(mapped: MappedNetlist, model: EncoderModel) -> None:
    bits = address_map(model).stored_bits
    assert check_triplication(mapped.flat, mapped.cells, bits).passed

    def join(modules: Modules) -> None:
        bank = next(m for name, m in modules.items() if name.startswith("econ_ae_tmr_bank"))
        copies = {cell: c for cell, c in bank["cells"].items() if cell.startswith("copy_")}
        shared = copies["copy_a"]["connections"]["q"]
        old = dict(zip(map(str, copies["copy_b"]["connections"]["q"]), shared, strict=True))
        del bank["cells"]["copy_b"]
        for cell in bank["cells"].values():
            for pin, ends in cell["connections"].items():
                cell["connections"][pin] = [old.get(str(end), end) for end in ends]

    result = check_triplication(changed(mapped, join), mapped.cells, bits)
    assert not result.passed


def test_copies_that_yosys_merged_are_found(tmp_path: Path, mapped: MappedNetlist, model: EncoderModel) -> None:
    """Without keep_hierarchy and flattened, flip-flops of equal input become one: the attribute is there to stop it."""
    for path in (mapped.folder / "rtl").glob("econ_ae_*.v"):
        (tmp_path / path.name).write_text(path.read_text().replace("(* keep_hierarchy *)", ""))
    top = "econ_ae_tmr_register"
    sources = " ".join(str(tmp_path / f"econ_ae_{name}.v") for name in ("tmr_register", "flops"))
    library = mapped.folder / f"{generic.NAME}.lib"
    out = tmp_path / "merged.json"
    script = (
        f"read_verilog {sources}; hierarchy -top {top}; proc; {{}} opt; techmap; opt; "
        f"dfflibmap -liberty {library}; abc -liberty {library}; opt_clean; write_json {out}"
    )
    found = {}
    for flatten_first in ("", "flatten;"):
        subprocess.run(["yosys", "-q", "-p", script.format(flatten_first)], check=True, capture_output=True)
        netlist = flatten(json.loads(out.read_text())["modules"], top)
        cells = read_cells(mapped.library, [group.cell for group in netlist.cells])
        found[flatten_first] = check_triplication(netlist, cells, 0)
    assert found[""].passed
    assert found[""].flops == 3
    assert found["flatten;"].flops == 1
    assert any("share a flip-flop" in problem for problem in found["flatten;"].problems)


def test_a_voter_that_reads_one_copy_twice_is_found(tmp_path: Path, mapped: MappedNetlist) -> None:
    def rewire(modules: Modules) -> None:
        bank = next(m for name, m in modules.items() if name.startswith("econ_ae_tmr_bank"))
        a, b = (bank["netnames"][name]["bits"][0] for name in ("a", "b"))
        for name, cell in bank["cells"].items():
            if not name.startswith("copy_"):
                for pin, ends in cell["connections"].items():
                    cell["connections"][pin] = [a if end == b else end for end in ends]

    modules: Modules = json.loads((mapped.folder / "netlist.json").read_text())["modules"]
    bank = next(m for name, m in modules.items() if name.startswith("econ_ae_tmr_bank"))
    bank["netnames"] |= {
        name: {"hide_name": 1, "bits": bank["cells"][f"copy_{name}"]["connections"]["q"], "attributes": {}}
        for name in "abc"
    }
    rewire(modules)
    result = check_triplication(flatten(modules, mapped.top), mapped.cells, 0)
    assert any("voter" in problem for problem in result.problems)


PERIOD = 200
MULTIPLIER = """module dut (input clk, input [5:0] a, input [5:0] b, output reg [11:0] y);
    reg [5:0] c, d;
    always @(posedge clk) begin c <= a; d <= b; y <= c * d; end
endmodule
"""


def icarus_vcd(netlist_file: Path, models: str, stimulus: np.ndarray[Any, Any], folder: Path) -> str:
    """Every change of every net of the dut, as Icarus Verilog sees it."""
    (folder / "cells.v").write_text(models)
    lines = "\n".join(f"        a = {a}; b = {b}; #{PERIOD - 1} clk = 1; #1 clk = 0;" for a, b in stimulus.tolist())
    (folder / "tb.v").write_text(
        f"module tb; reg clk = 0; reg [5:0] a = 0, b = 0; wire [11:0] y; dut dut(clk, a, b, y);\n"
        f'  initial begin $dumpfile("{folder / "out.vcd"}"); $dumpvars(0, dut);\n{lines}\n  #1 $finish; end\n'
        "endmodule\n"
    )
    binary = folder / "sim.vvp"
    files = [str(folder / "tb.v"), str(folder / "cells.v"), str(netlist_file)]
    subprocess.run(["iverilog", "-o", str(binary), *files], check=True, capture_output=True)
    subprocess.run(["vvp", "-n", str(binary)], check=True, capture_output=True)
    return (folder / "out.vcd").read_text()


def count_changes(vcd: str, first: int, last: int) -> tuple[int, int]:
    """Changes of the dut's own nets in the clocks from ``first`` to before ``last``: all, and of settled values."""
    head, _, body = vcd.partition("$enddefinitions")
    own = re.search(r"\$scope module dut \$end(.*?)\$(?:scope|upscope)", head, re.S)
    assert own
    nets = {code for code, name in re.findall(r"\$var wire 1 (\S+) (\S+) \$end", own.group(1)) if name.startswith("n")}
    clock, every = 0, 0
    value: dict[str, str] = {}
    settled: dict[int, dict[str, str]] = {}
    for line in body.splitlines():
        if line.startswith("#"):
            settled |= {done: dict(value) for done in range(clock, int(line[1:]) // PERIOD)}
            clock = int(line[1:]) // PERIOD
        elif line[:1] in {"0", "1", "x"} and line[1:] in nets:
            every += first <= clock < last and value[line[1:]] != line[0]
            value[line[1:]] = line[0]
    return every, sum(settled[n][code] != settled[n - 1][code] for n in range(first, last) for code in nets)


def test_toggles_are_those_of_icarus(mapped: MappedNetlist, tmp_path: Path) -> None:
    """Zero delay counts settled values, unit delay every change on the way: as an event-driven simulator does."""
    (tmp_path / "dut.v").write_text(MULTIPLIER)
    done = synthesise([tmp_path / "dut.v"], "dut", tmp_path / "syn")
    netlist = flatten(json.loads((tmp_path / "syn" / "netlist.json").read_text())["modules"], done.top)
    cells = read_cells(mapped.library, [group.cell for group in netlist.cells])
    (tmp_path / "flat.v").write_text(flat_verilog(netlist))
    stimulus = np.random.default_rng(5).integers(0, 64, (40, 2))
    models = cell_models(cells.values(), delay=1)
    vcd = icarus_vcd(tmp_path / "flat.v", models, stimulus, tmp_path)
    simulator = NetlistSimulator(netlist, cells, words=1)
    zero, unit = np.zeros(netlist.nets), np.zeros(netlist.nets)
    for clock, (a, b) in enumerate(stimulus):
        before = simulator.values.copy()
        for port, value in (("a", a), ("b", b)):
            simulator.drive(port, ((value >> np.arange(6)) & 1).astype(np.uint8)[None])
        simulator.settle_with_unit_delays(unit if clock >= 4 else np.zeros(netlist.nets))
        settled = simulator.values.copy()
        simulator.propagate()
        assert np.array_equal(settled, simulator.values)
        if clock >= 4:
            zero += changes(simulator.values, before)
        simulator.clock()
    driven = np.unique(np.concatenate([g.pins[p] for g in netlist.cells for p in cells[g.cell].outputs if p in g.pins]))
    inner = driven[driven > 1]
    every, same = count_changes(vcd, 4, len(stimulus))
    assert zero[inner].sum() / 64 == same
    assert unit[inner].sum() / 64 == every > same


LIBRARY = """library (tiny) {
  cell (LATCH) { latch (IQ, IQN) { enable : "G"; data_in : "D"; } pin (G) { direction : input; } }
  cell (TRI) { pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; three_state : "E"; } }
  cell (BAD) { pin (A) { direction : input; } pin (Y) { direction : output; function : "A &"; } }
}"""


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("LATCH", "cell 'LATCH' is a latch; gate-level models are made of combinational cells and flip-flops"),
        ("TRI", "cell 'TRI' has a tri-state output 'Y', which cannot be modelled; do not map to it"),
        ("BAD", "cell 'BAD', pin 'Y': 'A &' is no Boolean expression at ''; correct the Liberty file"),
        ("NONE", "cell 'NONE' of the netlist is not in the library 'tiny'"),
    ],
)
def test_cells_that_cannot_be_modelled(cell: str, message: str) -> None:
    library: Group = parse(LIBRARY, "tiny.lib")
    with pytest.raises(LibertyError, match=re.escape(message)):
        read_cells(library, [cell])


def test_few_events_are_repeated(
    mapped: MappedNetlist, model: EncoderModel, options: VerilogOptions, events: Any
) -> None:
    run = run_netlist(mapped.flat, mapped.cells, model, options, events[:5], lanes=64)
    assert run.passed
    assert run.events >= 64
    assert run.clocks >= 1
    with pytest.raises(VerificationError, match="0 events to simulate"):
        run_netlist(mapped.flat, mapped.cells, model, options, events[:0], lanes=64)
