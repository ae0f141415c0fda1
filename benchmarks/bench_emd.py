"""Exact EMD: ratio to the loop over ot.emd2 with the full matrix, and time and memory of a million pairs.

Usage: ``python benchmarks/bench_emd.py [PAIRS]``, 1,000,000 by default; 0 leaves the second table out.
Images are those of the reference data beside the checkout, random ones without it.
Ratios are medians of alternating runs in one process on one core.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # reads the thread count when it is imported
from numpy.typing import NDArray

from econ_ae.data.readers import read
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import best_choice, super_trigger_cells
from metrics.emd import emd, engine
from metrics.emd_pot import NAME as PEER  # before ot: keeps ot from importing every array library

import ot  # isort: skip

FloatArray = NDArray[np.float64]

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "hgcal_pu200_eportrx.csv"
PAIRS = 2000
REPEATS = 7


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def images(rng: np.random.Generator) -> FloatArray:
    if REFERENCE.is_file():
        charges = read(REFERENCE).charges.astype(np.float64)
    else:
        print("reference data is not beside this checkout: random images instead of real ones")
        charges = np.rint(rng.lognormal(3, 1.5, (10_000, 48))) * (rng.random((10_000, 48)) < 0.32)
    return charges[charges.any(axis=1)]


def like_autoencoder(charges: FloatArray, rng: np.random.Generator) -> FloatArray:
    """What an autoencoder makes of images: smooth, charge in all cells, noise."""
    return charges @ np.exp(-MODULE.distance / 1.5) * rng.lognormal(0, 0.5, charges.shape)


def pairs(x: FloatArray, rng: np.random.Generator) -> dict[str, tuple[FloatArray, FloatArray]]:
    return {
        "autoencoder-like": (x, like_autoencoder(x, rng)),
        "random, all cells": (rng.random(x.shape), rng.random(x.shape)),
        "flat image": (x, np.ones(x.shape)),
        "best choice of 6": (x, best_choice(x, 6, fill=False)),
        "best choice of 14": (x, best_choice(x, 14, fill=False)),
        "best choice of 6, rest spread": (x, best_choice(x, 6, fill=True)),
        "STC 2x2": (x, super_trigger_cells(x, MODULE.stc4, fill=False)),
        "STC 4x4": (x, super_trigger_cells(x, MODULE.stc16, fill=False)),
    }


def loop(x: FloatArray, y: FloatArray) -> FloatArray:
    p, q = x / x.sum(axis=1, keepdims=True), y / y.sum(axis=1, keepdims=True)
    return np.array([ot.emd2(a, b, MODULE.distance) for a, b in zip(p, q, strict=True)])


def ratios(charges: FloatArray, rng: np.random.Generator) -> None:
    print("| pairs | ratio to the loop over ot.emd2 | us per pair | largest difference |")
    print("|---|---|---|---|")
    for kind, (x, y) in pairs(charges[-PAIRS:], rng).items():
        difference = np.abs(emd(x, y, MODULE, jobs=1).values - loop(x, y)).max()
        own, peer = [], []
        for _ in range(REPEATS):
            own.append(seconds(lambda x=x, y=y: emd(x, y, MODULE, jobs=1)))  # type: ignore[misc]
            peer.append(seconds(lambda x=x, y=y: loop(x[::4], y[::4])) * 4)  # type: ignore[misc]
        ratio = np.median(np.divide(peer, own))
        print(f"| {kind} | {ratio:.0f} | {np.median(own) / len(x) * 1e6:.2f} | {difference:.0e} |", flush=True)


def scaling(charges: FloatArray, rng: np.random.Generator, most: int) -> None:
    y_all = like_autoencoder(charges, rng).astype(np.float32)
    print("\n| autoencoder-like pairs | seconds | us per pair | cores busy | memory beyond the images and results |")
    print("|---|---|---|---|---|")
    for n in (most // 4, most // 2, most):
        x, y = np.resize(charges.astype(np.uint32), (n, 48)), np.resize(y_all, (n, 48))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu, wall = time.process_time(), seconds(lambda x=x, y=y: emd(x, y, MODULE))  # type: ignore[misc]
        cpu = time.process_time() - cpu
        extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
        results = 9 * n / 1024  # values and their flags
        print(
            f"| {n:,} | {wall:.2f} | {wall / n * 1e6:.2f} | {cpu / wall:.1f} of {os.cpu_count()} "
            f"| {max(0.0, (extra - results) / 1024):.0f} MB |",
            flush=True,
        )


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(1)
    charges = images(rng)
    print(f"engine: {engine()}; peer: ot.emd2 ({PEER}) on the full 48 x 48 matrix, POT {ot.__version__}\n")
    ratios(charges, rng)
    if most:
        scaling(charges, rng, most)


if __name__ == "__main__":
    main()
