"""Readers of ROOT ntuples and dataset files: rates, ratio to a peer in the same process, and memory over a long file.

Usage: ``python benchmarks/bench_readers.py [EVENTS]``, 1,000 by default, of 6,000 trigger cells each.
Rates are per second of processor time of one core, best of three. The peer of the ROOT reader is uproot itself reading
the same branches into awkward arrays; that of the dataset file is numpy's compressed file; that of streamed batches is
batches from memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import awkward as ak
import numpy as np  # reads the thread count when it is imported
import uproot

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import Dataset, load
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.readers.root import TREE, RootFile, RootOptions
from econ_ae.data.store import Rows
from econ_ae.floatcodes import LOW_DENSITY, decode_4e3m
from econ_ae.geometry import LOW_DENSITY as MODULE
from econ_ae.training.sample import make_sample
from econ_ae.training.source import InMemory, Streamed

HITS = 6000
IMAGES = 200_000
REPEATS = 3


def seconds(run: Callable[[], object]) -> float:
    best = np.inf
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def write_ntuple(path: Path, events: int) -> None:
    """Cells of random modules of 14 layers, about 15 in each."""
    rng = np.random.default_rng(1)
    with uproot.recreate(path) as file:
        file.mkdir(TREE.rpartition("/")[0])
        names = ("subdet", "zside", "layer", "waferu", "waferv", "wafertype", "cellu", "cellv", "data")
        types = {f"tc_{name}": "var * int32" for name in names} | {"tc_eta": "var * float32"}
        tree = file.mktree(TREE, types, counter_name=lambda _: "tc_n", field_name=lambda _, inner: inner)
        for start in range(0, events, 100):
            count = min(100, events - start)
            n = count * HITS
            module = np.sort(rng.integers(0, HITS // 15, (count, HITS)), axis=1).reshape(-1)
            cell = MODULE.lattice[rng.integers(0, 48, n)]
            charge = decode_4e3m(rng.integers(1, 90, n), LOW_DENSITY)
            columns = {
                "subdet": np.ones(n), "zside": 1 - 2 * (module % 2), "layer": 1 + 2 * (module % 14),
                "waferu": module // 28, "waferv": module % 7, "wafertype": np.ones(n),
                "cellu": cell[:, 0], "cellv": cell[:, 1], "data": charge,
            }  # fmt: skip
            arrays = {f"tc_{k}": ak.unflatten(v.astype(np.int32), [HITS] * count) for k, v in columns.items()}
            tree.extend(arrays | {"tc_eta": ak.unflatten(rng.normal(2, 0.3, n).astype(np.float32), [HITS] * count)})


def ntuples(folder: Path, events: int) -> None:
    path = folder / "ntuple.root"
    write_ntuple(path, events)
    images = 0

    def ours() -> None:
        nonlocal images
        images = sum(len(batch) for batch, _ in RootFile(path, RootOptions()).batches())

    def peer() -> None:
        tree = uproot.open(path, array_cache=None, object_cache=None)[TREE]
        branches = [key for key in tree.keys() if key != "tc_n"]  # noqa: SIM118  a tree is no mapping
        for _ in tree.iterate(branches, step_size="16 MB", library="ak"):
            pass

    own, reading = seconds(ours), seconds(peer)
    print("| ROOT ntuple | events/s | trigger cells/s | images/s | time, in units of uproot's reading alone |")
    print("|---|---|---|---|---|")
    rates = (events / own, events * HITS / own, images / own)
    print(
        "| " + " | ".join([f"{events} events, {path.stat().st_size >> 20} MB", *(f"{r:,.0f}" for r in rates)]), end=""
    )
    print(f" | {own / reading:.1f} |", flush=True)


def datasets(folder: Path) -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(1, 90, (IMAGES, 48)) * (rng.random((IMAGES, 48)) < 1 / 3)
    charges = np.where(codes > 0, decode_4e3m(codes, LOW_DENSITY), 0)
    charges[:, 0] += 3  # so that every image has charge
    batch = Batch(charges, Provenance("random", synthetic=True))
    path, packed = folder / "images.h5", folder / "images.npz"

    def write() -> None:
        with DatasetWriter(path) as writer:
            writer.append(batch)

    def read() -> None:
        with Dataset.open(path) as data:
            for _ in data.batches():
                pass

    target = skeleton(RunConfig(), MODULE)
    turns = MODULE.rotations[:1]

    def epoch(source: Streamed | InMemory) -> None:
        for _ in source.batches(0, 200):
            pass

    streamed = Streamed(Rows(path), turns, target.input, target.normalise, seed=1, memory_mb=64)
    times = {
        "write": (seconds(write), seconds(lambda: np.savez_compressed(packed, charges=batch.charges))),
        "read in blocks": (seconds(read), seconds(lambda: np.load(packed)["charges"])),
        "read whole, hash checked": (seconds(lambda: load(path)), seconds(lambda: np.load(packed)["charges"])),
        "an epoch of batches of 200, streamed": (seconds(lambda: epoch(streamed)), 0.0),
    }
    memory = InMemory([make_sample(batch, target.input, target.normalise)], 1)
    times["an epoch of batches of 200, streamed"] = (
        times["an epoch of batches of 200, streamed"][0],
        seconds(lambda: epoch(memory)),
    )
    print(
        f"\n| dataset file, {IMAGES:,} images, {path.stat().st_size / packed.stat().st_size:.2f} x the size of npz |",
        end="",
    )
    print(" images/s | rate, in units of the peer's |\n|---|---|---|")
    for name, (own, peer) in times.items():
        print(f"| {name} | {IMAGES / own:,.0f} | {peer / own:.2f} |", flush=True)


def peak_mb() -> int:
    """Peak memory of this process; getrusage would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def peaks(path: Path) -> None:
    """Print the peak memory after steps 1, 2, 4, ... of a file, in a process that does nothing else."""
    print("\n| steps of the ROOT file that were read | peak memory of the process |\n|---|---|")
    print(f"| none, after the imports | {peak_mb()} MB |")
    for number, _ in enumerate(RootFile(path, RootOptions()).batches(), 1):
        if number & (number - 1) == 0:
            print(f"| {number} | {peak_mb()} MB |", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--peaks"]:
        peaks(Path(sys.argv[2]))
        return
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        ntuples(Path(name), events)
        subprocess.run([sys.executable, __file__, "--peaks", f"{name}/ntuple.root"], check=True)
        datasets(Path(name))


if __name__ == "__main__":
    main()
