"""Events per second of the encoder in Icarus, every latent compared: python benchmarks/bench_verilog.py

The peer is the emulator without batching, one event at a time, in the same process.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from econ_ae.config import load_preset
from econ_ae.data.synthetic import generate
from econ_ae.emulator import encode_images, input_images
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training import artifact
from rtl_gen.verilog import default_options
from sim.runner import verify_encoder

EVENTS, PEER_EVENTS = 5_000, 500


def main() -> None:
    print("| preset | events | mismatches | events/s in Icarus | ratio to the emulator one by one |")
    print("|---|---|---|---|---|")
    for preset in ("econ-t", "paper-4x4x3"):
        config = load_preset(preset)
        # Untrained weights: the time does not depend on them.
        model = artifact.freeze_run(config, LOW_DENSITY, artifact.build(config, LOW_DENSITY), {})
        images = input_images(model.input, model.normalise, generate(EVENTS, seed=5).charges)
        with tempfile.TemporaryDirectory() as folder:
            result = verify_encoder(model, default_options(model), images, Path(folder))
        start = time.perf_counter()
        for i in range(PEER_EVENTS):
            encode_images(model, images[i : i + 1])
        peer = PEER_EVENTS / (time.perf_counter() - start)
        print(
            f"| {preset} | {result.events} | {result.mismatches} | {result.events_per_second:,.0f} "
            f"| {result.events_per_second / peer:.2f} |"
        )


if __name__ == "__main__":
    main()
