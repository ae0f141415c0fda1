"""Gate-level verification: a mapped netlist against econ_ae's models, its triplication, its small blocks formally."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from rtl_gen.registers import address_map
from rtl_gen.verilog import VerilogOptions
from rtl_gen.verilog.leaves import requantise_module
from sim.bench.vectors import vectors
from sim.bench.verify import VerificationResult, verify_vectors
from sim.netlist.formal import FormalResult, prove_equal
from sim.netlist.mapped import VERILOG, MappedNetlist
from sim.netlist.run import NetlistRun, run_netlist
from sim.netlist.tmr import TmrResult, check_triplication
from sim.result import Outcome
from sim.stimulus.phases import REAL, Phase
from sim.stimulus.settings import Settings

CELLS_PROVEN = ("group", "send", "count", "scale")
"""Modules of a model of cells whose miter is made in seconds."""

_MODULE = re.compile(r"^module (\w+)(.*?^endmodule\n)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
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
    junit, report, log : JUnit file, this result as JSON, log of the simulator in Icarus
    """

    cells: int
    flops: int
    bench_events: int
    triplicated: int
    voters: int
    configuration_bits: int
    proven: tuple[str, ...]
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
    run = run_netlist(mapped.flat, mapped.cells, model, options, events, progress=progress)
    triplication = check_triplication(mapped.flat, mapped.cells, bits)
    bench = _bench(mapped, model, options, events[:bench_events], work_dir / "bench") if bench_events else None
    proofs = _proofs(mapped, model, rtl, work_dir / "formal") if rtl else []
    problems = _problems(run, triplication, bench, proofs)
    result = NetlistResult(
        cells=mapped.flat.size(),
        flops=triplication.flops,
        events=run.events,
        bench_events=bench.events if bench else 0,
        triplicated=triplication.events,
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
    return result.saved(result.report)


def _problems(
    run: NetlistRun, triplication: TmrResult, bench: VerificationResult | None, proofs: list[FormalResult]
) -> dict[str, list[str]]:
    """Return what is wrong, by test."""
    found = {
        "events": _counted(run),
        "triplication": list(triplication.problems),
        **({"bench": _counted(bench)} if bench else {}),
    }
    return found | {f"formal.{proof.module}": _counted(proof) for proof in proofs}


def _counted(outcome: Outcome) -> list[str]:
    """Return one entry per mismatch, the first of them in words."""
    return [outcome.first_mismatch or "", *[""] * (outcome.mismatches - 1)] if outcome.mismatches else []


def _bench(
    mapped: MappedNetlist,
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    work_dir: Path,
) -> VerificationResult:
    bx0 = np.arange(len(events)) == 0
    phase = Phase(REAL, Settings.plain(model), events.astype(np.int64), bx0)
    found = list(vectors(model, options, [phase]))
    return verify_vectors(model, options, found, work_dir, files=mapped.verilog())


def _proofs(mapped: MappedNetlist, model: EncoderModel, rtl: Path, work_dir: Path) -> list[FormalResult]:
    """Prove small modules without registers, which no simulation exhausts: see ``_proven``."""
    work_dir.mkdir(parents=True, exist_ok=True)
    texts = mapped.verilog()
    models = work_dir / "cells.v"
    models.write_text(texts.pop(models.name), encoding="utf-8")
    modules = dict(_MODULE.findall(texts[VERILOG]))
    found = []
    for module in _proven(model):
        if module in modules:
            gate = work_dir / f"{module}.v"
            gate.write_text(f"module {module}{modules[module]}", encoding="utf-8")
            found.append(prove_equal([rtl / f"{module}.v"], [gate, models], module, work_dir / module))
    return found


def _proven(model: EncoderModel) -> list[str]:
    """Return the requantisers and the frame formatter; of a model of cells ``CELLS_PROVEN``."""
    if model.sends_cells:
        return [f"{model.name}_{name}" for name in CELLS_PROVEN]
    return [*(f"{model.name}_{requantise_module(stage)}" for stage in model.stages), "econ_ae_frame"]


def _junit(path: Path, problems: Mapping[str, list[str]]) -> None:
    suite = ET.Element("testsuite", name="netlist", tests=str(len(problems)))
    for test, found in problems.items():
        case = ET.SubElement(suite, "testcase", name=test, classname="netlist")
        if found:
            ET.SubElement(case, "failure", message=found[0])
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
