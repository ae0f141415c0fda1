"""Rates of the ECON-T model, and its ratio to the literal per-event transcription in the same process.

Usage: ``python benchmarks/bench_econt.py [VECTORS_DIR]`` with the directory of ``testInput.csv`` and its configuration
folders; by default the reference data beside the checkout.
Figures are the best of several runs on one core.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # reads the thread count when it is imported

from econ_ae.econt import chip
from econ_ae.econt.config import EcontConfig
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.replay import replay
from econ_ae.econt.vectors import read_input

LITERAL = Path(__file__).resolve().parents[1] / "tests" / "econt" / "literal.py"
VECTORS = LITERAL.parents[3] / "shared" / "reference" / "econt_vectors"
LITERAL_EVENTS = 100
AE_EVENTS = 40_000


def best(run: Callable[[], Any], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def load_literal() -> ModuleType:
    spec = importlib.util.spec_from_file_location("econt_literal", LITERAL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def literal_terms(r: EcontConfig) -> dict[str, Any]:
    return {
        "select": int(r.algorithm), "elinks": r.elinks, "production": r.numbering == "production",
        "hd": r.high_density, "mux": r.mux, "cal": r.calibration, "thr": r.threshold, "drop": r.drop_lsb,
        "stc_type": r.stc_type, "use_sum": r.use_sum, "sync": r.sync_word, "t1": r.buff_t1, "t2": r.buff_t2,
        "t3": r.buff_t3, "keep": r.keep_mask, "image": int.from_bytes(r.weights, "little"),
    }  # fmt: skip


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS
    literal = load_literal()
    words = read_input(directory / "testInput.csv")
    rows = words[:LITERAL_EVENTS].tolist()
    print(f"{'configuration':<26}{'events/s':>12}{'literal events/s':>18}{'ratio':>8}{'replay s':>10}  rows")
    for result in replay(directory):
        config = read_config(directory / result.name / "init.yaml")
        terms = literal_terms(config)
        slow = best(lambda terms=terms: literal.run(terms, rows), 1) / LITERAL_EVENTS  # type: ignore[misc]
        fast = best(lambda config=config: chip.run(config, words)) / len(words)  # type: ignore[misc]
        seconds = best(lambda name=result.name: replay(directory, [name]), 3)  # type: ignore[misc]
        print(
            f"{result.name:<26}{1 / fast:>12,.0f}{1 / slow:>18,.0f}{slow / fast:>8,.0f}{seconds:>10.3f}"
            f"  {result.equal}/{result.rows}"
        )
        if config.algorithm == 4:
            many = np.tile(words, (-(-AE_EVENTS // len(words)), 1))[:AE_EVENTS]
            rate = AE_EVENTS / best(lambda config=config, many=many: chip.run(config, many))  # type: ignore[misc]
            print(f"  the same on {AE_EVENTS} events: {rate:,.0f} images/s, front end and formatter included")


if __name__ == "__main__":
    main()
