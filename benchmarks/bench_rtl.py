"""Events per second of the Verilog, every output compared: python benchmarks/bench_rtl.py

The peer is econ_ae's model of the same block without batching, one event at a time, in the same process. Events are
images of the synthetic data set; codes are those of the detector's front end. The weights are untrained: the time does
not depend on them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from econ_ae.config import load_preset
from econ_ae.data.synthetic import generate
from econ_ae.emulator import encode_images, input_images
from econ_ae.fixedpoint import IntArray
from econ_ae.floatcodes import encode_4e3m
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.training import artifact
from rtl_gen.verilog import DATAPATH, default_options
from sim.bench.verify import verify_datapath, verify_encoder
from sim.i2c import verify_block
from sim.stimulus.golden import expected
from sim.stimulus.settings import Settings
from sim.verilator import verify_million

EVENTS, PEER_EVENTS, VERILATOR_EVENTS = 2_000, 300, 100_000
PRESETS = ("econ-t", "paper-4x4x3")


def per_second(run: Callable[[int], object]) -> float:
    """Return the rate of calls with one event."""
    start = time.perf_counter()
    for i in range(PEER_EVENTS):
        run(i)
    return PEER_EVENTS / (time.perf_counter() - start)


def row(what: str, result: object, rate: float, peer: float, events: int | None = None) -> None:
    count, wrong = events or getattr(result, "events", 0), getattr(result, "mismatches", None)
    print(f"| {what} | {count} | {wrong} | {rate:,.0f} | {rate / peer:.2f} |", flush=True)


def bench(preset: str, model: EncoderModel, charges: IntArray, folder: Path) -> str:
    """Print the rows of a preset; return what the load took in words."""
    options = default_options(model, DATAPATH)
    images = input_images(model.input, model.normalise, charges)
    peer = per_second(lambda i: encode_images(model, images[i : i + 1]))
    encoder = verify_encoder(model, default_options(model), images, folder / "encoder")
    row(f"{preset} | encoder | Icarus", encoder, encoder.events_per_second, peer)

    codes, settings, first = encode_4e3m(charges, options.density), Settings.plain(model), np.ones(1, np.int64)
    peer = per_second(lambda i: expected(settings, options, codes[i : i + 1], first))
    datapath = verify_datapath(model, options, codes, folder / "datapath")
    row(f"{preset} | datapath | Icarus", datapath, datapath.events_per_second, peer)

    block = verify_block(model, folder / "block", codes, settings=settings, rewritten=8, random_count=0)
    if block.streamed is None or block.stream_seconds is None:
        raise SystemExit(f"the block did not stream: {block.first_mismatch}")
    row(f"{preset} | block | Icarus", block, block.streamed / block.stream_seconds, peer, block.streamed)

    million = verify_million(model, folder / "million", events=VERILATOR_EVENTS)
    row(f"{preset} | datapath | Verilator", million, million.events_per_second, peer)
    return (
        f"{preset}: {block.load_bytes} bytes of settings and weights over I2C, simulated in {block.load_seconds} s "
        f"({block.load_cpu_seconds} s of processor time)"
    )


def main() -> None:
    print("| preset | block | simulator | events | mismatches | events/s | ratio to the model one by one |")
    print("|---|---|---|---|---|---|---|")
    loads = []
    for preset in PRESETS:
        config = load_preset(preset)
        model = artifact.freeze_run(config, LOW_DENSITY, artifact.build(config, LOW_DENSITY), {})
        charges = np.asarray(generate(EVENTS, seed=5).charges, np.int64)
        with tempfile.TemporaryDirectory() as folder:
            loads.append(bench(preset, model, charges, Path(folder)))
    print("", *loads, sep="\n")


if __name__ == "__main__":
    main()
