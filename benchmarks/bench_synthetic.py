"""Images per second of the synthetic generator on one core, where the time goes, and memory over chunks.

Usage: ``python benchmarks/bench_synthetic.py [IMAGES]``, 1,000,000 by default for the last table; 0 leaves it out.
Rates are per second of processor time, the best of five, so that other load on the machine counts little.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # reads the thread count when it is imported

from econ_ae.data import synthetic
from econ_ae.data.synthetic import Calorimeter, Parameters, chunks, generate
from econ_ae.data.synthetic.blocks import BLOCK
from econ_ae.data.synthetic.modules import parse_modules
from econ_ae.geometry import LOW_DENSITY

IMAGES = 20_480
REPEATS = 5
CHUNK = 50_000


def rate(parameters: Parameters) -> tuple[float, float]:
    """Images per second of processor time and of wall-clock time."""
    generate(1024, 1, parameters=parameters)
    best = (0.0, 0.0)
    for seed in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        generate(IMAGES, seed, parameters=parameters)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        best = max(best, (IMAGES / cpu, IMAGES / wall))
    return best


class TimedRandom:
    """A random generator that adds up the time of its calls."""

    seconds = 0.0

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __getattr__(self, name: str) -> Callable[..., object]:
        draw = getattr(self._rng, name)

        def timed(*arguments: object, **named: object) -> object:
            start = time.perf_counter()
            out = draw(*arguments, **named)
            TimedRandom.seconds += time.perf_counter() - start
            return out

        return timed


def shares() -> dict[str, float]:
    """Shares of the time: fixed per block (our Python and numpy's call overhead), random numbers, other array work.

    The fixed part is that of blocks of 8 images, whose arrays are too short to count.
    """
    p, modules = Parameters(), parse_modules("all", Calorimeter())

    def seconds(size: int, wrap: Callable[[np.random.Generator], object]) -> float:
        synthetic.BLOCK = size  # type: ignore[attr-defined]
        start = time.perf_counter()
        for number in range(100):
            synthetic._block(wrap(np.random.default_rng([1, number])), LOW_DENSITY, p, modules)  # type: ignore[arg-type]
        return time.perf_counter() - start

    size = BLOCK
    small = min(seconds(8, lambda rng: rng) for _ in range(REPEATS))
    whole = min(seconds(size, lambda rng: rng) for _ in range(REPEATS))
    TimedRandom.seconds = 0.0
    timed = seconds(size, TimedRandom)
    random = TimedRandom.seconds / timed
    return {
        "Python code and call overhead, at most": small / whole,
        "random numbers (numpy.random)": random,
        "other array work (numpy, scipy.special.gammaln)": 1 - random - small / whole,
    }


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print("| modules | images/s, processor time | images/s, wall clock |\n|---|---|---|")
    for modules in ("all", "13:5,3", "7:5,1"):
        cpu, wall = rate(Parameters(modules))
        print(f"| {modules} | {cpu:,.0f} | {wall:,.0f} |", flush=True)
    print("\n| where the time goes | share |\n|---|---|")
    for group, share in shares().items():
        print(f"| {group} | {100 * share:.0f} % |")
    if most:
        print("\n| images in chunks of 50,000 | seconds | memory of the process, MB |\n|---|---|---|")
        start, made = time.perf_counter(), 0
        for batch in chunks(most, 1, CHUNK):
            made += len(batch)
            if made in {CHUNK, most // 2, most}:
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(f"| {made:,} | {time.perf_counter() - start:.1f} | {memory:.0f} |", flush=True)
    print(f"\nnumpy {np.__version__}")


if __name__ == "__main__":
    main()
