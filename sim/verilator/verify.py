"""A million events through the Verilog in Verilator: C++ drives and compares, Python computes what is right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import jinja2
import numpy as np
from numpy.typing import NDArray

from econ_ae import process
from econ_ae.errors import ToolError, VerificationError
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.process import GXX, VERILATOR
from econ_ae.progress import Progress, Silent
from rtl_gen.verilog import (
    DATAPATH,
    LOOP,
    Port,
    VerilogOptions,
    default_options,
    generate,
    latency,
    ports,
    top_module,
)
from rtl_gen.writer import write_files
from sim.bench.vectors import Vectors, vectors
from sim.result import Outcome
from sim.stimulus.events import campaign, random_events
from sim.stimulus.phases import RANDOM, Phase
from sim.stimulus.settings import Settings, rules

BUILD_TIMEOUT, RUN_TIMEOUT = 3600.0, 24 * 3600.0
"""Seconds after which Verilator, or the simulation, is stopped: only one that hangs takes so long."""
_HERE = Path(__file__).parent
_CHUNK = 20_000  # events whose expected outputs are computed at once
_WORD = 8


@dataclass(frozen=True, kw_only=True)
class MillionResult(Outcome):
    """Outcome of a campaign in Verilator; every bit of every output of every event was compared.

    Parameters
    ----------
    events, mismatches : events compared, and those that were wrong in any way: value, number, latency
    latency : stated clocks, checked on every event
    events_per_second : of the simulation with its comparison, wall time
    events_per_cpu_second : the same by processor time, which other work on the machine does not change
    build_seconds, golden_seconds : of Verilator and the compiler, of econ_ae's models
    simulator : name and version
    report : this result as JSON
    """

    latency: int
    events_per_second: float
    events_per_cpu_second: float
    build_seconds: float
    golden_seconds: float
    simulator: str
    report: Path


def require_verilator() -> str:
    """Return Verilator's name and version; ToolMissingError when it or a C++ compiler is not on the PATH."""
    for tool in ("make", GXX):
        process.require(tool)
    return " ".join(process.version(VERILATOR).split()[:2])


def verify_million(
    model: EncoderModel,
    work_dir: Path,
    options: VerilogOptions | None = None,
    *,
    events: int = 1_000_000,
    real: NDArray[np.integer] | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> MillionResult:
    """Simulate a normaliser or a datapath in Verilator and compare every output with econ_ae's models.

    Parameters
    ----------
    model : the encoder
    work_dir : where everything goes: ``rtl/``, ``verilator/``, the binary vectors, ``million.json``
    options : the default is the whole datapath; multiply-accumulate modules, which a model of cells has not, are always
        written as loops, which Verilator builds in seconds, and which the same benches prove equal to the written-out
        sums
    events : in all; corners under every setting first, then the real events, then random ones
    real, seed, progress, files : as for ``sim.bench.verify.verify_datapath``

    Raises
    ------
    ToolMissingError
        When Verilator or a compiler is missing.
    VerificationError
        When the Verilog does not build or the simulation did not compare everything that it had to.
    """
    simulator = require_verilator()
    started = time.perf_counter()
    options = options or default_options(model, DATAPATH)
    if not model.sends_cells:
        options = replace(options, leaf=LOOP)
    given = np.zeros((0, model.input.cells), np.int64) if real is None else real
    first = campaign(model, options, given, random_count=0, seed=seed)
    rest = events - first.events()
    if rest < 0:
        raise VerificationError(f"{events} events are too few: corners and real events are {first.events()}")
    phases = chain(first.phases, random_phases(model, options, rest, seed))
    work_dir = work_dir.resolve()
    files = generate(check(model), options) if files is None else files
    sources = [path for path in write_files(files, work_dir / "rtl", overwrite=True) if path.suffix == ".v"]
    binary = _build(model, options, sources, work_dir / "verilator")
    built = time.perf_counter()
    paths = [work_dir / name for name in ("inputs.bin", "outputs.bin", "configuration.bin")]
    with (progress or Silent()).bar("golden", events) as bar, ExitStack() as stack:
        opened = [stack.enter_context(path.open("wb")) for path in paths]
        for phase in vectors(model, options, phases):
            _write(phase, ports(model, options), opened)
            bar.advance(phase.events)
    computed = time.perf_counter()
    report = work_dir / "million.json"
    found = _run(binary, paths, events)
    for path in paths:
        path.unlink()
    wrong = found["mismatches"] + found["surplus"] + found["late"] + found["sent"] - found["compared"]
    return MillionResult(
        events=found["compared"],
        mismatches=wrong,
        latency=latency(model, options),
        events_per_second=round(found["compared"] / max(found["seconds"], 1e-9), 1),
        events_per_cpu_second=round(found["compared"] / max(found["cpu_seconds"], 1e-9), 1),
        build_seconds=round(built - started, 2),
        golden_seconds=round(computed - built, 2),
        seconds=round(time.perf_counter() - started, 2),
        simulator=simulator,
        first_mismatch=_first(found) if wrong else None,
        report=report,
    ).saved(report)


def random_phases(model: EncoderModel, options: VerilogOptions, events: int, seed: int) -> Iterator[Phase]:
    """Make random events a chunk at a time; no crossing 0 is announced, so that the count runs through its orbits.

    They have the model's own weights; of a model that sends cells every other chunk has another rule of the choice,
    and in three of four code 0 is no charge.
    """
    rng = np.random.default_rng((seed, events))
    settings = [Settings.plain(model)]
    if model.sends_cells:
        own, *others = rules(model, seed).values()
        made = [chosen for other in others for chosen in (own, other)]
        settings = [(Settings.suppressed if i % 4 else Settings.plain)(chosen) for i, chosen in enumerate(made)]
    for chunk, start in enumerate(range(0, events, _CHUNK)):
        rows = random_events(model, options, min(_CHUNK, events - start), rng)
        yield Phase(RANDOM, settings[chunk % len(settings)], rows, np.zeros(len(rows), np.bool_))


def _render(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string((_HERE / template).read_text(encoding="ascii")).render(**values)


def _group(block: Sequence[Port], role: str, direction: str) -> list[Port]:
    return [port for port in block if port.role == role and port.direction == direction]


def _build(model: EncoderModel, options: VerilogOptions, sources: Sequence[Path], directory: Path) -> Path:
    block = ports(model, options)
    wrapper = _render("harness.v.j2", ports=block, top=top_module(model, options))
    header = _render(
        "ports.h.j2",
        latency=latency(model, options),
        inputs=_group(block, "event", "input"),
        outputs=_group(block, "event", "output"),
        configuration=_group(block, "configuration", "input"),
    )
    harness = _render("harness.cpp.j2")
    write_files({"harness.v": wrapper, "ports.h": header, "harness.cpp": harness}, directory, overwrite=True)
    command = ["verilator", "--cc", "--exe", "--build", "-j", "2", "-O3", "--x-assign", "fast", "--x-initial", "fast"]
    command += ["--noassert", "-Wno-fatal", "-CFLAGS", "-O2", "--unroll-count", "4", "--Mdir", str(directory / "obj")]
    command += ["--top-module", "harness", "-o", "harness", str(directory / "harness.v"), *map(str, sources)]
    command += [str(directory / "harness.cpp"), "-CFLAGS", f"-I{directory}"]
    log = directory / "build.log"
    try:
        process.run(command, log, timeout=BUILD_TIMEOUT)
    except ToolError as problem:
        raise VerificationError(f"Verilator did not build the design: {problem}") from None
    return directory / "obj" / "harness"


def _write(phase: Vectors, block: Sequence[Port], files: Sequence[BinaryIO]) -> None:
    inputs, outputs, configuration = files
    configuration.write(phase.events.to_bytes(_WORD, "little"))
    for port in _group(block, "configuration", "input"):
        configuration.write(phase.configuration[port.name].to_bytes(-(-port.width // 8), "little"))
    for file, rows, direction in ((inputs, phase.inputs, "input"), (outputs, phase.outputs, "output")):
        columns = [rows[port.name] for port in _group(block, "event", direction)]
        file.write(np.concatenate(columns, axis=1).tobytes())


def _run(binary: Path, paths: Sequence[Path], events: int) -> dict[str, Any]:
    log, answer = binary.with_suffix(".log"), binary.with_suffix(".json")
    try:
        process.run([str(binary), *map(str, paths)], log, timeout=RUN_TIMEOUT, output=answer)
    except ToolError as problem:
        raise VerificationError(f"the simulation in Verilator broke: {problem}") from None
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8").splitlines()[-1])
    if found["sent"] != events and found["sent"] == found["compared"]:
        raise VerificationError(f"the harness sent {found['sent']} events, expected {events}")
    return found


def _first(found: Mapping[str, Any]) -> str:
    if found["mismatches"]:
        return f"event {found['first_event']}: {found['first_port']} differs ({found['mismatches']} events do)"
    if found["late"]:
        return f"{found['late']} events came at another clock than the stated latency"
    return f"{found['sent']} events went in, {found['compared'] + found['surplus']} came out"
