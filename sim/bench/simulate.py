"""Builds Verilog with Icarus and runs a cocotb bench on it; started by the runner as a process of its own.

A process of its own because cocotb's runner prints, exits and reads pytest's environment, none of which a caller
that is testing an encoder wants to share.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner

from sim.bench.job import JOB


def main(job_path: Path) -> None:
    """Build and run what the job file asks for; the results are files that the job names.

    With ECON_AE_WAVES in the environment a waveform of every signal (FST) is left in the build directory.
    """
    job = json.loads(job_path.read_text(encoding="utf-8"))
    waves = bool(os.environ.get("ECON_AE_WAVES"))
    runner = get_runner("icarus")
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        build_dir=job["build_dir"],
        always=True,
        defines={"ECON_AE_ASSERT": 1},
        timescale=("1ns", "1ps"),
        waves=waves,
    )
    runner.test(
        test_module=job["bench"],
        hdl_toplevel=job["top"],
        build_dir=job["build_dir"],
        results_xml=job["junit"],
        seed=job["seed"],
        waves=waves,
        extra_env={JOB: str(job_path)},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
