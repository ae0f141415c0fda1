"""Verifies generated C++ against the emulator: compiled with g++, run on stimulus, compared bit for bit."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
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
)
from rtl_gen.writer import write_files
from sim import stimulus
from sim.hls_data import data_files, golden, read_latents
from sim.hls_toolchain import find_types, require_compiler
from sim.stimulus import CORNER, RANDOM, REAL, Campaign

_DONE = re.compile(r"done (\d+)")
_VERDICT = re.compile(r"events (\d+) mismatches (\d+)")
_DIFFERENT = 1  # exit code of a testbench that found a difference


@dataclass(frozen=True)
class HlsResult:
    """Outcome of a comparison of the C++ with the emulator; every latent of every event was compared.

    Parameters
    ----------
    flavour : ``catapult`` or ``vitis``
    events : images sent
    mismatches : events with a wrong latent
    corner_events, random_events, real_events : events by kind
    weight_sets : names of the weight sets that were sent through the weight port
    compiler : name and version
    seconds : wall time of build and run
    events_per_second : of the run alone, its text files included
    first_mismatch : the first difference in words
    report, log : paths of this result as JSON and of what compiler and testbench printed
    """

    flavour: Flavour
    events: int
    mismatches: int
    corner_events: int
    random_events: int
    real_events: int
    weight_sets: tuple[str, ...]
    compiler: str
    seconds: float
    events_per_second: float
    first_mismatch: str | None
    report: Path
    log: Path

    @property
    def passed(self) -> bool:
        """Whether everything was equal."""
        return self.mismatches == 0

    def to_json(self) -> str:
        """Return the result as JSON; paths are given by file name, so that the directory can be moved."""
        names = {key: getattr(self, key).name for key in ("report", "log")}
        return json.dumps(asdict(self) | names | {"passed": self.passed}, indent=2) + "\n"


def verify_hls(
    model: EncoderModel,
    images: NDArray[np.integer],
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
    """Compile the encoder's C++, run it, and compare every latent of every event with the emulator.

    Parameters
    ----------
    model : the encoder; its weights are one of the weight sets that are sent
    images : real images, integers (n, rows, cols, channels) in the format of the model's Normalise; may be empty
    work_dir : where everything goes: ``hls/`` (the project with its ``data/``), ``latents.txt``, ``testbench.log``,
        ``verification.json``
    flavour, weights, half_even : as in ``rtl_gen.hls.HlsOptions``
    random_events : number of random images besides the corners and the real ones
    seed : of the random images and the random weights
    progress : shown one step per event; nothing is printed without it
    ac_types : directory of the vendor's fixed-point headers; by default those of the installed hls4ml
    files : C++ by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference between C++ and emulator is in it (``passed`` is False), not an exception.

    Raises
    ------
    ToolMissingError
        When g++ or the headers are missing.
    VerificationError
        When the C++ does not compile without warnings, or the testbench did not compare everything that it had to.
    """
    compiler, types = require_compiler(), find_types(flavour, ac_types)
    work_dir = work_dir.resolve()
    campaign = stimulus.campaign(check(model), images, random_events, seed)
    expected = golden(campaign)
    files = generate(model, HlsOptions(flavour, weights, half_even=half_even)) if files is None else files
    data = {f"data/{name}": text for name, text in data_files(campaign, expected).items()}
    project = work_dir / "hls"
    write_files({**files, **data}, project, overwrite=True)
    latents, log, report = (work_dir / name for name in ("latents.txt", "testbench.log", "verification.json"))
    for stale in (latents, log, report):
        stale.unlink(missing_ok=True)
    started = time.perf_counter()
    _build(project, flavour, types, work_dir / "testbench", log)
    built = time.perf_counter()
    with (progress or Silent()).bar("verify C++", campaign.events()) as bar:
        verdict = _run([str(work_dir / "testbench"), str(project / "data"), str(latents)], log, bar)
    finished = time.perf_counter()
    got = read_latents(latents, campaign.events(), model.latents)
    wrong = (got != expected).any(axis=1)
    if verdict != (len(got), int(wrong.sum())):
        raise VerificationError(
            f"the C++ testbench counted {verdict[1]} mismatches in {verdict[0]} events, "
            f"its latents have {int(wrong.sum())} in {len(got)}; see {log}"
        )
    result = HlsResult(
        flavour=flavour,
        events=len(got),
        mismatches=int(wrong.sum()),
        corner_events=campaign.events(CORNER),
        random_events=campaign.events(RANDOM),
        real_events=campaign.events(REAL),
        weight_sets=tuple(dict.fromkeys(p.weights for p in campaign.phases if len(p.images))),
        compiler=compiler,
        seconds=round(finished - started, 2),
        events_per_second=round(len(got) / max(finished - built, 1e-9), 1),
        first_mismatch=_describe(campaign, int(np.argmax(wrong)), got, expected) if wrong.any() else None,
        report=report,
        log=log,
    )
    report.write_text(result.to_json(), encoding="utf-8")
    return result


def _build(project: Path, flavour: Flavour, types: Path, binary: Path, log: Path) -> None:
    compiler = ["g++", *compiler_flags(flavour), "-isystem", str(types)]
    objects = [str(binary.with_name(Path(source).stem + ".o")) for source in TESTBENCH_SOURCES]
    jobs = [[*compiler, "-c", source, "-o", out] for source, out in zip(TESTBENCH_SOURCES, objects, strict=True)]
    with ThreadPoolExecutor() as pool:  # the headers take most of the time, and every source reads them
        done = list(pool.map(lambda job: _compile(job, project), jobs))
    if not any(code for code, _ in done):
        done.append(_compile(["g++", *objects, "-o", str(binary)], project))
    text = "".join(text for _, text in done)
    log.write_text(text, encoding="utf-8")
    if any(code for code, _ in done):
        problem = next((line for line in text.splitlines() if "error" in line), "no message")
        raise VerificationError(f"the C++ does not compile: {problem.strip()}; see {log}")


def _compile(command: list[str], directory: Path) -> tuple[int, str]:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _run(command: list[str], log: Path, bar: Bar) -> tuple[int, int]:
    """Run the testbench; return the (events, mismatches) that it counted."""
    verdict, done = None, 0
    with log.open("a", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True, stdin=subprocess.DEVNULL)
        with process:
            try:
                for line in process.stdout or ():
                    out.write(line)
                    if match := _DONE.fullmatch(line.strip()):
                        bar.advance(int(match[1]) - done)
                        done = int(match[1])
                    elif match := _VERDICT.fullmatch(line.strip()):
                        verdict = int(match[1]), int(match[2])
                process.wait()
            finally:
                process.kill()  # does nothing after its end; interrupted, it must not outlive its caller
    if verdict is None or process.returncode != (_DIFFERENT if verdict[1] else 0):
        raise VerificationError(f"the C++ testbench ended with code {process.returncode}; see {log}")
    if not verdict[0]:
        raise VerificationError(f"the C++ testbench compared no event; see {log}")
    bar.advance(verdict[0] - done)
    return verdict


def _describe(campaign: Campaign, event: int, got: IntArray, expected: IntArray) -> str:
    """Return the first difference in words."""
    first = event
    for phase in campaign.phases:
        if first < len(phase.images):
            break
        first -= len(phase.images)
    latent = int(np.argmax(got[event] != expected[event]))
    return (
        f"{phase.kind} event {event}, weights {phase.weights}, latent {latent}: "
        f"expected {expected[event, latent]}, got {got[event, latent]}"
    )
