"""Gate-level verification: a mapped netlist against econ_ae's models, its triplication, its small blocks formally."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from rtl_gen.costs.library.cells import Cell, read_cells
from rtl_gen.costs.library.groups import Group, read
from rtl_gen.costs.library.models import cell_models
from rtl_gen.costs.netlist.flat import FlatNetlist, read_netlist
from rtl_gen.registers import address_map
from rtl_gen.verilog import VerilogOptions
from rtl_gen.verilog.leaves import requantise_module
from sim.datapath_stimulus import EventPhase
from sim.formal import FormalResult, prove_equal
from sim.golden import Settings
from sim.netlist_run import NetlistRun, run_netlist
from sim.netlist_tmr import TmrResult, check_triplication
from sim.result import Outcome, VerificationResult
from sim.runner import verify_vectors
from sim.stimulus import REAL
from sim.vectors import vectors

NETLIST, VERILOG = "netlist.json", "netlist.v"
"""Files of a synthesis: the netlist for Python and for simulators."""

_MODULE = re.compile(r"^module (\w+)(.*?^endmodule\n)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class MappedNetlist:
    """A synthesised netlist on disk, and the library that it is mapped to.

    Parameters
    ----------
    folder : holds ``netlist.json`` and ``netlist.v``
    top : its top module
    liberty : the library's file, plain or gzip
    """

    folder: Path
    top: str
    liberty: Path

    @cached_property
    def library(self) -> Group:
        """The library as a tree."""
        return read(self.liberty)

    @cached_property
    def flat(self) -> FlatNetlist:
        """The netlist without hierarchy."""
        return read_netlist(self.folder / NETLIST, self.top)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Behaviour of the cells that it uses."""
        return read_cells(self.library, [group.cell for group in self.flat.cells])

    def verilog(self) -> dict[str, str]:
        """Return the netlist and the models of its cells as Verilog, text by file name."""
        text = (self.folder / VERILOG).read_text(encoding="utf-8")
        return {VERILOG: text, "cells.v": cell_models(self.cells.values())}


@dataclass(frozen=True)
class NetlistResult(Outcome):
    """Outcome of the gate-level verification of a netlist.

    Parameters
    ----------
    cells, flops : of the netlist
    events : real events through the complete netlist, bit-parallel; every bit of every output was compared
    bench_events : real events through the datapath's netlist in Icarus, with unknown values; 0 when not asked for
    triplicated, voters : bits with three flip-flops of their own, and voters that were checked
    configuration_bits : of the register bank, all of them triplicated
    proven : modules that were proven equal to their Verilog for all inputs
    mismatches : everything that was wrong
    first_mismatch : the first of it in words
    seconds : of everything
    junit, report, log : JUnit file, this result as JSON, log of the simulator in Icarus
    """

    cells: int
    flops: int
    events: int
    bench_events: int
    triplicated: int
    voters: int
    configuration_bits: int
    proven: tuple[str, ...]
    mismatches: int
    first_mismatch: str | None
    seconds: float
    junit: Path
    report: Path
    log: Path


def verify_netlist(
    mapped: MappedNetlist,
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    work_dir: Path,
    *,
    rtl: Path | None = None,
    bench_events: int = 0,
    settings: Settings | None = None,
    lanes: int = 64,
    progress: Progress | None = None,
) -> NetlistResult:
    """Verify a netlist of the complete block.

    Four parts: the netlist simulated on real events, bit-parallel, from registers to frames; the triplicated registers
    checked; the datapath's netlist with generated cell models in the cocotb bench in Icarus, on the first of the
    events; small modules proven equal to their Verilog.

    Parameters
    ----------
    mapped : netlist of the complete block
    model, options : what it was generated from
    events : trigger-cell codes, integers (n, cells)
    work_dir : where everything goes: ``bench/``, ``formal/``, ``results.xml`` (JUnit), ``verification.json``
    rtl : folder of the Verilog that was synthesised; without it nothing is proven
    bench_events : events for Icarus, which is slow on gates; 0 leaves it out
    settings : register contents; the model's own without them
    lanes : runs side by side, a multiple of 64

    Raises
    ------
    LibertyError
        When a cell of the netlist cannot be modelled, or the library is not the netlist's.
    ToolMissingError, ToolError, VerificationError
        When a program is missing or fails, or something could not be compared.
    """
    started = time.perf_counter()
    work_dir = work_dir.resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    bits = address_map(model).stored_bits
    run = run_netlist(
        mapped.flat, mapped.cells, model, options, events, settings=settings, lanes=lanes, progress=progress
    )
    triplication = check_triplication(mapped.flat, mapped.cells, bits)
    bench = (
        _bench(mapped, model, options, events[:bench_events], settings, work_dir=work_dir / "bench")
        if bench_events
        else None
    )
    proofs = _proofs(mapped, model, rtl, work_dir / "formal") if rtl else []
    problems = _problems(run, triplication, bench, proofs)
    result = NetlistResult(
        cells=mapped.flat.size(),
        flops=triplication.flops,
        events=run.events,
        bench_events=bench.events if bench else 0,
        triplicated=triplication.bits,
        voters=triplication.voters,
        configuration_bits=triplication.configuration_bits,
        proven=tuple(proof.module for proof in proofs if proof.passed),
        mismatches=sum(len(found) for found in problems.values()),
        first_mismatch=next((found[0] for found in problems.values() if found), None),
        seconds=round(time.perf_counter() - started, 2),
        junit=work_dir / "results.xml",
        report=work_dir / "verification.json",
        log=work_dir / "bench" / "simulator.log",
    )
    _junit(result.junit, problems)
    result.report.write_text(result.to_json(), encoding="utf-8")
    return result


def _problems(
    run: NetlistRun, triplication: TmrResult, bench: VerificationResult | None, proofs: list[FormalResult]
) -> dict[str, list[str]]:
    """Return what is wrong, by test."""
    found = {
        "events": [run.first_mismatch or "", *[""] * (run.mismatches - 1)] if run.mismatches else [],
        "triplication": list(triplication.problems),
    }
    if bench is not None:
        found["bench"] = [bench.first_mismatch or ""] if not bench.passed else []
    for proof in proofs:
        first = ", ".join(proof.unproven[:3])
        found[f"formal.{proof.module}"] = (
            [] if proof.passed else [f"{proof.module}: {proof.points - proof.proven} points not proven equal: {first}"]
        )
    return found


def _bench(
    mapped: MappedNetlist,
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    settings: Settings | None,
    *,
    work_dir: Path,
) -> VerificationResult:
    bx0 = np.arange(len(events)) == 0
    phase = EventPhase(REAL, settings or Settings.plain(model), events.astype(np.int64), bx0)
    found = list(vectors(model, options, [phase]))
    return verify_vectors(model, options, found, work_dir, files=mapped.verilog())


def _proofs(mapped: MappedNetlist, model: EncoderModel, rtl: Path, work_dir: Path) -> list[FormalResult]:
    """Prove the requantisers and the frame formatter: small, combinational, and not exhausted by any simulation."""
    work_dir.mkdir(parents=True, exist_ok=True)
    texts = mapped.verilog()
    models = work_dir / "cells.v"
    models.write_text(texts.pop(models.name), encoding="utf-8")
    modules = dict(_MODULE.findall(texts[VERILOG]))
    found = []
    for module in [*(f"{model.name}_{requantise_module(stage)}" for stage in model.stages), "econ_ae_frame"]:
        if module in modules:
            gate = work_dir / f"{module}.v"
            gate.write_text(f"module {module}{modules[module]}", encoding="utf-8")
            found.append(prove_equal([rtl / f"{module}.v"], [gate, models], module, work_dir / module))
    return found


def _junit(path: Path, problems: Mapping[str, list[str]]) -> None:
    suite = ET.Element("testsuite", name="netlist", tests=str(len(problems)))
    for test, found in problems.items():
        case = ET.SubElement(suite, "testcase", name=test, classname="netlist")
        if found:
            ET.SubElement(case, "failure", message=found[0])
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
