"""Verifies the generated configuration (I2C target and registers) in Icarus Verilog."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from econ_ae.errors import VerificationError
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress, Silent
from rtl_gen.registers import address_map
from rtl_gen.registers.model import CLASSES
from rtl_gen.verilog import regfile
from rtl_gen.verilog.regfile_bits import index_width
from rtl_gen.verilog.render import primitive
from rtl_gen.writer import write_files
from sim.i2c import coverage
from sim.i2c.harness import HARNESS, harness, upset_sites
from sim.i2c.result import RegisterResult, fact
from sim.icarus import require_simulator, simulate
from sim.result import read_junit, read_records

Suite = Literal["fast", "sweep"]
BENCHES = ("sim.i2c.register_bench", "sim.i2c.protocol_bench", "sim.i2c.upset_bench")
TESTS = (
    "reset_values", "weights_over_the_bus", "crc_is_ended_by_a_write", "settings", "reconfiguration_flag",
    "bus_frequencies", "addressing", "broken_transactions", "glitches", "stuck_lines", "reset_in_every_state",
    "single_upsets", "unprotected_upsets", "saturated_counter", "double_upsets", "accumulated_upsets",
    "upsets_of_the_protocol",
)  # fmt: skip
"""Tests of the benches; every one has to run."""

ASSERTION = "ECON_AE_ASSERT"
"""What a line of the simulator's log holds when an assertion of the Verilog fired."""


def verify_registers(
    model: EncoderModel,
    work_dir: Path,
    *,
    suite: Suite = "fast",
    upsets: int = 500,
    tmr: Collection[str] = CLASSES,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> RegisterResult:
    """Simulate the configuration of an encoder: registers over I2C, broken buses, upsets.

    Parameters
    ----------
    model : its weights are the image that is loaded
    work_dir : where everything goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml`` (JUnit),
        ``registers.json``
    suite : ``fast`` flips ``upsets`` random configuration bits, ``sweep`` every bit of every copy
    upsets : random single upsets of configuration bits, and of the protocol's bits
    tmr : classes of registers that are in triplicate; upsets of the others must be seen at the outputs
    seed : of everything that is random
    files : Verilog by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference is in it (``passed`` is False), not an exception.

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, or a test did not run.
    """
    simulator = require_simulator()
    work_dir = work_dir.resolve()
    layout = address_map(check(model))
    sites = upset_sites(index_width(layout), layout.stored_bits)
    build = work_dir / "build"
    build.mkdir(parents=True, exist_ok=True)
    junit, log, report = (work_dir / name for name in ("results.xml", "simulator.log", "registers.json"))
    job, encoder, records_path = (build / name for name in ("job.json", "encoder.json", "records.jsonl"))
    for stale in (junit, log, records_path, report):
        stale.unlink(missing_ok=True)
    verilog = regfile.generate(model, tmr) if files is None else files
    # The harness comes first: it switches the assertions of the other files on.
    texts = {f"{HARNESS}.v": harness(model, layout, sites)} | dict(verilog)
    texts["econ_ae_reset_sync.v"] = primitive("econ_ae_reset_sync")
    sources = [path for path in write_files(texts, work_dir / "rtl", overwrite=True) if path.suffix == ".v"]
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    content = {
        "sources": [str(path) for path in sources],
        "top": HARNESS,
        "bench": ",".join(BENCHES),
        "build_dir": str(build),
        "junit": str(junit),
        "model": str(encoder),
        "records": str(records_path),
        "seed": seed,
        "upsets": upsets,
        "sweep": suite == "sweep",
        "sites": [bits for _, bits in sites],
        "tmr": sorted(tmr),
    }
    job.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    started = time.perf_counter()
    simulate(job, log, records_path, 0, progress or Silent())
    seconds = round(time.perf_counter() - started, 2)
    tests = read_junit(junit, log)
    records = read_records(records_path, log)
    missing = sorted(set(TESTS) - set(tests))
    if missing:
        raise VerificationError(f"the simulation did not run test {missing[0]!r}; see {log}")
    for test, failure in tests.items():
        if failure and not any(r["mismatches"] for r in records if r["test"] == test):
            raise VerificationError(f"test {test!r} of the bench broke: {failure}; see {log}")
    seen, written, fetched = (
        max(int(r["coverage"][name], 16) for r in records) for name in ("transitions", "written", "fetched")
    )
    walked = coverage.transitions(seen)
    problems = [r["first_mismatch"] for r in records if r["mismatches"]]
    problems += [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if ASSERTION in line]
    problems += coverage.impossible(layout, walked, written)
    result = RegisterResult(
        tests=tuple(tests),
        compared=sum(r["compared"] for r in records),
        mismatches=len(problems),
        first_mismatch=problems[0] if problems else None,
        not_reached=tuple(coverage.not_reached(layout, walked, written, fetched)),
        weight_bytes=fact(records, "weight_bytes"),
        load_seconds=fact(records, "load_seconds"),
        load_cpu_seconds=fact(records, "load_cpu_seconds"),
        fast_hertz=fact(records, "fast_hertz"),
        upsets=fact(records, "upsets"),
        sweep=suite == "sweep",
        protocol_upsets=fact(records, "protocol_upsets"),
        unprotected_upsets=fact(records, "unprotected_upsets"),
        tmr=tuple(sorted(tmr)),
        stored_bits=layout.stored_bits,
        simulator=simulator,
        seconds=seconds,
        junit=junit,
        report=report,
        log=log,
    )
    report.write_text(result.to_json(), encoding="utf-8")
    return result
