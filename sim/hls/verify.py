"""Verifies generated C++ against the emulator: compiled with g++, run on stimulus, compared bit for bit."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae import process
from econ_ae.errors import ToolError, VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.process import GXX
from econ_ae.progress import Bar, Progress, Silent
from rtl_gen.hls import (
    CATAPULT,
    IMAGE,
    TESTBENCH_SOURCES,
    TYPE,
    Flavour,
    HalfEven,
    HlsOptions,
    Weights,
    compiler_flags,
    generate,
    outputs,
)
from rtl_gen.writer import write_files
from sim.hls.data import campaign as hls_campaign
from sim.hls.data import data_files, golden, read_outputs
from sim.hls.toolchain import find_types, require_compiler
from sim.result import Outcome
from sim.stimulus.phases import CORNER, RANDOM, REAL, Campaign

TIMEOUT = 12 * 3600.0
"""Seconds after which a compiler or testbench is stopped: only one that hangs takes so long."""
_DONE = re.compile(r"^done (\d+)$", re.MULTILINE)
_VERDICT = re.compile(r"^events (\d+) mismatches (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class HlsResult(Outcome):
    """Outcome of a comparison of the C++ with the emulator; every output of every event was compared.

    Parameters
    ----------
    events : events sent
    mismatches : events with a wrong latent, or a wrong word of the frame
    flavour : ``catapult`` or ``vitis``
    corner_events, random_events, real_events : events by kind
    weight_sets : names of the weight sets that were sent through the weight port
    compiler : name and version
    events_per_second : of the run alone, its text files included
    report, log : paths of this result as JSON and of what compiler and testbench printed
    """

    flavour: Flavour
    corner_events: int
    random_events: int
    real_events: int
    weight_sets: tuple[str, ...]
    compiler: str
    events_per_second: float
    report: Path
    log: Path


def verify_hls(
    model: EncoderModel,
    real: NDArray[np.integer],
    work_dir: Path,
    *,
    flavour: Flavour = CATAPULT,
    weights: Weights = IMAGE,
    half_even: HalfEven = TYPE,
    random_events: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
    ac_types: Path | None = None,
    files: Mapping[str, str] | None = None,
) -> HlsResult:
    """Compile the encoder's C++, run it, and compare every output of every event with the emulator.

    Parameters
    ----------
    model : the encoder; its weights are one of the weight sets that are sent
    real : real images, integers (n, rows, cols, channels) in the format of the model's Normalise, or charges
        (n, cells) of a model that sends cells; may be empty
    work_dir : where everything goes: ``hls/`` (the project with its ``data/``), ``outputs.txt``, ``testbench.log``,
        ``verification.json``
    flavour, weights, half_even : as in ``rtl_gen.hls.HlsOptions``
    random_events : number of random events besides the corners and the real ones
    seed : of the random events and the random weights
    progress : shown one step per event; nothing is printed without it
    ac_types : directory of the vendor's fixed-point headers; by default those of the installed hls4ml
    files : C++ by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference between C++ and emulator is in it (``passed`` is False), not an exception.

    Raises
    ------
    ConfigError
        When a model of cells is given an option that only layers have.
    ToolMissingError
        When g++ or the headers are missing.
    VerificationError
        When the C++ does not compile without warnings, or the testbench did not compare everything that it had to.
    """
    compiler, types = require_compiler(), find_types(flavour, ac_types)
    work_dir = work_dir.resolve()
    campaign = hls_campaign(check(model), real, random_events, seed)
    expected = golden(campaign)
    files = generate(model, HlsOptions(flavour, weights, half_even=half_even)) if files is None else files
    data = {f"data/{name}": text for name, text in data_files(campaign, expected).items()}
    project = work_dir / "hls"
    write_files({**files, **data}, project, overwrite=True)
    written, log, report = (work_dir / name for name in ("outputs.txt", "testbench.log", "verification.json"))
    for stale in (written, log, report):
        stale.unlink(missing_ok=True)
    started = time.perf_counter()
    _build(project, flavour, types, work_dir / "testbench", log)
    built = time.perf_counter()
    with (progress or Silent()).bar("verify C++", campaign.events()) as bar:
        verdict = _run([str(work_dir / "testbench"), str(project / "data"), str(written)], log, bar)
    finished = time.perf_counter()
    got = read_outputs(written, campaign.events(), outputs(model))
    wrong = (got != expected).any(axis=1)
    if verdict != (len(got), int(wrong.sum())):
        raise VerificationError(
            f"the C++ testbench counted {verdict[1]} mismatches in {verdict[0]} events, "
            f"its outputs have {int(wrong.sum())} in {len(got)}; see {log}"
        )
    return HlsResult(
        flavour=flavour,
        events=len(got),
        mismatches=int(wrong.sum()),
        corner_events=campaign.events(CORNER),
        random_events=campaign.events(RANDOM),
        real_events=campaign.events(REAL),
        weight_sets=tuple(campaign.models()),
        compiler=compiler,
        seconds=round(finished - started, 2),
        events_per_second=round(len(got) / max(finished - built, 1e-9), 1),
        first_mismatch=_describe(campaign, int(np.argmax(wrong)), got, expected) if wrong.any() else None,
        report=report,
        log=log,
    ).saved(report)


def _build(project: Path, flavour: Flavour, types: Path, binary: Path, log: Path) -> None:
    compiler = [GXX, *compiler_flags(flavour), "-isystem", str(types)]
    objects = [str(binary.with_name(Path(source).stem + ".o")) for source in TESTBENCH_SOURCES]
    jobs = [[*compiler, "-c", source, "-o", out] for source, out in zip(TESTBENCH_SOURCES, objects, strict=True)]
    with ThreadPoolExecutor() as pool:  # the headers take most of the time, and every source reads them
        parts = list(pool.map(lambda job: _compile(job, project), jobs))
    if all(good for good, _ in parts):
        parts.append(_compile([GXX, *objects, "-o", str(binary)], project))
    text = "".join(text for _, text in parts)
    log.write_text(text, encoding="utf-8")
    if not all(good for good, _ in parts):
        problem = next((line for line in text.splitlines() if "error" in line), "no message")
        raise VerificationError(f"the C++ does not compile: {problem.strip()}; see {log}")


def _compile(command: list[str], directory: Path) -> tuple[bool, str]:
    """Return whether it compiled, and what the compiler printed."""
    log = Path(f"{command[-1]}.compiler")
    try:
        process.run(command, log, timeout=TIMEOUT, directory=directory)
        good = True
    except ToolError:
        good = False
    text = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    return good, text


def _run(command: list[str], log: Path, bar: Bar) -> tuple[int, int]:
    """Run the testbench; return the (events, mismatches) that it counted."""
    done, failed = 0, ""
    printed = log.with_suffix(".out")

    def watch() -> None:
        nonlocal done
        found = _DONE.findall(printed.read_text(encoding="utf-8", errors="replace"))
        now = int(found[-1]) if found else 0
        bar.advance(now - done)
        done = now

    errors = log.with_suffix(".err")
    try:
        process.run(command, errors, timeout=TIMEOUT, output=printed, watch=watch)
    except ToolError as problem:  # the testbench says by its exit code that it found a difference
        failed = str(problem)
    text = printed.read_text(encoding="utf-8", errors="replace")
    warnings = errors.read_text(encoding="utf-8", errors="replace")
    with log.open("a", encoding="utf-8") as out:
        out.write(text + warnings)
    for part in (printed, errors):
        part.unlink()
    verdict = _VERDICT.search(text)
    if verdict is None:
        raise VerificationError(
            f"the C++ testbench gave no verdict; see {log}" + (failed and f" ({failed.partition(';')[0]})")
        )
    events, mismatches = int(verdict[1]), int(verdict[2])
    if bool(failed) != bool(mismatches):
        raise VerificationError(
            f"the C++ testbench counted {mismatches} mismatches, its exit code is another; see {log}"
        )
    if not events:
        raise VerificationError(f"the C++ testbench compared no event; see {log}")
    if warnings and not failed:  # the headers complain at run time, for example of operands of different widths
        raise VerificationError(f"the C++ testbench warned: {warnings.splitlines()[0]}; see {log}")
    bar.advance(events - done)
    return events, mismatches


def _describe(campaign: Campaign, event: int, got: IntArray, expected: IntArray) -> str:
    """Return the first difference in words."""
    kinds = np.repeat(np.arange(len(campaign.phases)), [len(phase.events) for phase in campaign.phases])
    phase = campaign.phases[int(kinds[event])]
    number = int(np.argmax(got[event] != expected[event]))
    what = "frame word" if phase.settings.model.sends_cells else "latent"
    return (
        f"{phase.kind} event {event}, weights {phase.settings.name}, {what} {number}: "
        f"expected {expected[event, number]}, got {got[event, number]}"
    )
