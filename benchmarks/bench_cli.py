"""How long `econ-ae --help` and `import econ_ae` take, against an interpreter that imports numpy."""

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
    package, empty = seconds("-c", "import econ_ae"), seconds("-c", "pass")
    print(f"econ-ae --help: {help_:.2f} s, {help_ / peer:.1f} x an interpreter that imports numpy ({peer:.2f} s)")
    print(f"import econ_ae: {1000 * (package - empty):.0f} ms, {package / peer:.2f} x that interpreter, start included")


if __name__ == "__main__":
    main()
