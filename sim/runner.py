"""Verifies generated Verilog against the emulator in Icarus Verilog, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ToolMissingError, VerificationError
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress, Silent
from rtl_gen.verilog import VerilogOptions, generate, latency, top_module
from rtl_gen.writer import write_files
from sim import stimulus
from sim.result import CAMPAIGN, VerificationResult, check_complete, read_junit, read_records, summarise

BENCH = "sim.benches.encoder_bench"
TESTS = ("reset", CAMPAIGN)
_POLL_SECONDS = 0.1


def require_simulator() -> str:
    """Return the simulator's name and version; ToolMissingError when it is not on the PATH."""
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise ToolMissingError("Icarus Verilog (iverilog, vvp) is not on the PATH; install it: apt install iverilog")
    text = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
    return text.partition("\n")[0].removesuffix(" ()").strip()


def verify_encoder(
    model: EncoderModel,
    options: VerilogOptions,
    images: NDArray[np.integer],
    work_dir: Path,
    *,
    random_events: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> VerificationResult:
    """Simulate the encoder's Verilog and compare every latent of every event with the emulator.

    Parameters
    ----------
    model : the encoder; its weights are one of the weight sets that are applied
    options : as for ``rtl_gen.verilog.generate``
    images : real images, integers (n, rows, cols, channels) in the format of the model's Normalise; may be empty
    work_dir : where everything goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml`` (JUnit),
        ``verification.json``
    random_events : number of random images besides the corners and the real ones
    seed : of the random images, the random weights and the gaps
    progress : shown one step per event; nothing is printed without it
    files : Verilog by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference between Verilog and emulator is in it (``passed`` is False), not an exception.

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, or the simulation did not compare everything that it had to.
    """
    simulator = require_simulator()
    work_dir = work_dir.resolve()
    campaign = stimulus.campaign(check(model), images, random_events, seed)
    files = generate(model, options) if files is None else files
    build = work_dir / "build"
    build.mkdir(parents=True, exist_ok=True)
    junit, log, report = (work_dir / name for name in ("results.xml", "simulator.log", "verification.json"))
    job, encoder, images_path, records_path = (
        build / name for name in ("job.json", "encoder.json", "stimulus.npz", "events.jsonl")
    )
    for stale in (junit, log, records_path, report):
        stale.unlink(missing_ok=True)
    sources = [path for path in write_files(files, work_dir / "rtl", overwrite=True) if path.suffix == ".v"]
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    stimulus.save(campaign, images_path)
    content = {
        "sources": [str(path) for path in sources],
        "top": top_module(model),
        "bench": BENCH,
        "build_dir": str(build),
        "junit": str(junit),
        "model": str(encoder),
        "campaign": str(images_path),
        "latency": latency(model, options),
        "records": str(records_path),
        "seed": seed,
    }
    job.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    started = time.perf_counter()
    _simulate(job, log, records_path, campaign.events(), progress or Silent())
    seconds = round(time.perf_counter() - started, 2)
    tests = read_junit(junit, log)
    records = read_records(records_path, log)
    check_complete(tests, records, TESTS, campaign.events(), log)
    result = summarise(
        records,
        stated_latency=latency(model, options),
        simulator=simulator,
        seconds=seconds,
        junit=junit,
        report=report,
        log=log,
    )
    report.write_text(result.to_json(), encoding="utf-8")
    return result


def _simulate(job: Path, log: Path, records: Path, events: int, progress: Progress) -> None:
    """Run the simulation as a process group of its own, with everything that it prints in the log."""
    # Inherited variables of a test session, or of a numeric library, must not change what the simulator does.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COCOTB_", "GPI_", "PYGPI_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OPENBLAS_NUM_THREADS": "1"}
    with log.open("w", encoding="utf-8") as out, progress.bar("verify", events) as bar:
        process = subprocess.Popen(
            [sys.executable, "-m", "sim.simulate", str(job)],
            cwd=job.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            done = 0
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                now = _events_done(records)
                bar.advance(now - done)
                done = now
            bar.advance(_events_done(records) - done)
        finally:
            if process.poll() is None:  # interrupted: the simulator must not outlive its caller
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode:
        raise VerificationError(f"the simulation failed: {_last_line(log)}; see {log}")


def _events_done(records: Path) -> int:
    """Count the events of the finished phases; a line that is still being written does not count yet."""
    if not records.is_file():
        return 0
    lines = records.read_text(encoding="utf-8").split("\n")[:-1]
    return sum(record["events"] for record in map(json.loads, lines) if record["test"] == CAMPAIGN)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[0 if errors else -1]
