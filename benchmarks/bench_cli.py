"""How long `econ-ae --help` takes, against an interpreter that imports numpy: python benchmarks/bench_cli.py"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 9


def seconds(*arguments: str) -> float:
    """Return the median wall time of a Python process."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    peer = seconds("-c", "import numpy")
    help_ = seconds("-m", "econ_ae", "--help")
    print(f"econ-ae --help: {help_:.2f} s, {help_ / peer:.1f} x an interpreter that imports numpy ({peer:.2f} s)")


if __name__ == "__main__":
    main()
