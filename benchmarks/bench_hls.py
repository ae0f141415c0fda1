"""Events per second of the generated C++: python benchmarks/bench_hls.py [layers] [cells]

Layers against hls4ml's C simulation: both simulate the same encoder on the same images in one thread, compiled by g++
with the same optimization flags; only calls of the top function are timed, in processor time. Every latent of both is
summed and must give what QKeras gives. hls4ml builds its weights in; the econ-ae C++ reads them through its port.

Cells, which no other tool translates, against the emulator on the same images, charges to frames, in processor time of
one thread; the words of all frames are summed and must give what the emulator gives.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from econ_ae.config import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.data.synthetic import generate as generate_images
from econ_ae.econt.cell_frame import frames
from econ_ae.emulator import encode_pulses
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.weights import pack
from rtl_gen.hls import CATAPULT, IMAGE, TYPE, VITIS, Flavour, HalfEven, HlsOptions, Weights, generate, outputs
from rtl_gen.hls.generate import top_function
from rtl_gen.hls.options import INCREMENT, STRUCT
from rtl_gen.writer import write_files
from sim.hls.toolchain import find_types

WITNESS = Path(__file__).resolve().parents[1] / "tests" / "equivalence" / "hls4ml_witness.py"
BACKENDS: dict[Flavour, str] = {CATAPULT: "Catapult", VITIS: "Vitis"}
EVENTS, REPEATS, RUNS = 1000, {CATAPULT: 50, VITIS: 10}, 5
VARIANTS: tuple[tuple[Weights, HalfEven], ...] = ((STRUCT, INCREMENT), (STRUCT, TYPE), (IMAGE, INCREMENT))
OPTIMIZATIONS = ("-O2", "-O3")
CELLS = ("frontier-2elinks", "frontier-5elinks")

CROSSING: dict[bool, list[str]] = {True: ["crossing_t(e)"], False: []}

MAIN = """
#include <cstdio>
#include <ctime>
#include <fstream>
%(include)s
static %(image_t)s image[%(events)d][%(pixels)d];
%(latent_t)s latents[%(latents)d];
%(setup)s
int main() {
  std::ifstream file("%(images)s");
  for (int e = 0; e < %(events)d; e++)
    for (int p = 0; p < %(pixels)d; p++) { double v; file >> v; image[e][p] = v * %(scale)s; }
  %(load)s
  double sum = 0;
  for (int e = 0; e < %(events)d; e++) {
    %(call)s;
    for (int o = 0; o < %(latents)d; o++) sum += latents[o].to_double() * %(latent_scale)s;
  }
  const clock_t start = clock();
  for (int i = 0; i < %(repeats)d; i++)
    for (int e = 0; e < %(events)d; e++) { %(call)s; }
  std::printf("%%.0f %%.0f\\n", sum, %(events)d.0 * %(repeats)d * CLOCKS_PER_SEC / (clock() - start));
}
"""


def build(directory: Path, values: dict[str, object], flags: list[str], sources: list[str]) -> Path:
    (directory / "timing.cpp").write_text(MAIN % values, encoding="ascii")
    binary = directory / "timing"
    subprocess.run(["g++", "-std=c++14", "-w", *flags, "timing.cpp", *sources, "-o", binary], cwd=directory, check=True)
    return binary


def rate(binary: Path, expected: int) -> float:
    """Best of several runs, in events/s."""
    best = 0.0
    for _ in range(RUNS):
        done = subprocess.run([binary], cwd=binary.parent, capture_output=True, text=True, check=True)
        total, events_per_second = done.stdout.split()
        if int(total) != expected:
            raise SystemExit(f"{binary}: outputs sum to {total}, expected {expected}")
        best = max(best, float(events_per_second))
    return best


def ours(  # noqa: PLR0917
    work: Path,
    model: EncoderModel,
    common: dict[str, object],
    flavour: Flavour,
    form: Weights,
    half_even: HalfEven,
    opt: str,
) -> Path:
    project = work / f"{flavour}_{form}_{half_even}{opt}"
    write_files(generate(model, HlsOptions(flavour, form, half_even=half_even)), project)
    image = ", ".join(map(str, pack(model)))
    structs = ["choose_weights"] if model.sends_cells else [f"{layer.name}_weights" for layer in model.layers]
    arguments = ["registers"] if form == IMAGE else structs
    if form == IMAGE:
        setup, load = "weight_byte_t registers[REGISTERS];", "for (int i = 0; i < REGISTERS; i++) registers[i] = B[i];"
    else:
        # The testbench's own reader of a weight image fills the structures.
        bench = (project / "testbench.cpp").read_text(encoding="ascii")
        start, end = (
            bench.index("// The next bits"),
            bench.index("CCS_MAIN(int" if flavour == CATAPULT else "int main("),
        )
        setup = "#include <vector>\ntypedef std::vector<int> WeightImage;\n" + bench[start:end]
        setup += "".join(f"{name}_t {name};\n" for name in structs)
        load = "const WeightImage bytes(B, B + REGISTERS); BitReader bits(bytes);"
        load += "".join(f" read_{name}(bits, {name});" for name in structs)
    values = common | {
        "include": '#include "encoder.h"',
        "image_t": "charge_t" if model.sends_cells else "image_t",
        "latent_t": "word_t" if model.sends_cells else "latent_t",
        "setup": f"static const int B[] = {{{image}}};\n{setup}",
        "load": load,
        "scale": "1",
        "latent_scale": "1",
        "call": f"{top_function(model)}({', '.join(['image[e]', *CROSSING[model.sends_cells], *arguments])}, latents)",
        "repeats": REPEATS[flavour],
    }
    return build(project, values, [opt, "-isystem", str(find_types(flavour))], ["encoder.cpp"])


def theirs(work: Path, model: EncoderModel, common: dict[str, object], flavour: Flavour, opt: str) -> Path:
    project = work / BACKENDS[flavour]
    setup = ""
    if flavour == CATAPULT:  # its weights are declared here by hls4ml's own testbench
        bench = (project / "myproject_test.cpp").read_text(encoding="utf-8").splitlines()
        setup = "\n".join(line for line in bench if line.startswith(("weight", "bias")))
    values = common | {
        "include": '#include "firmware/myproject.h"',
        "image_t": "input_t",
        "latent_t": "result_t",
        "setup": setup,
        "load": "",
        "scale": f"{2.0**-model.normalise.out.fraction}",
        "latent_scale": f"{2.0**model.latent.fraction}",
        "call": "myproject(image[e], latents)",
        "repeats": REPEATS[flavour],
    }
    folders = ("ac_types/include", "ac_math/include", "ac_simutils/include", "ap_types", "nnet_utils", "")
    include = [f"-Ifirmware/{folder}" for folder in folders if (project / "firmware" / folder).is_dir()]
    flags = [opt, '-DWEIGHTS_DIR="firmware/weights"', *include, "-I."]
    return build(project, values, flags, ["firmware/myproject.cpp"])


def emulated(model: EncoderModel, charges: np.ndarray) -> tuple[int, float]:
    """Sum of all words of the frames, and best of several runs in events/s."""
    best, total = 0.0, 0
    for _ in range(RUNS):
        start = time.process_time()
        words = frames(model, encode_pulses(model, charges), charges, np.arange(len(charges)))
        best = max(best, len(charges) / (time.process_time() - start))
        total = int(words.sum(dtype=np.int64))
    return total, best


def cells() -> None:
    print("| preset | flavour | flags | emulator, events/s | struct, events/s | ratio | image, events/s | ratio |")
    print("|---" * 8 + "|")
    charges = generate_images(EVENTS, seed=1).charges.astype(np.int64)
    for preset in CELLS:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            model = skeleton(load_preset(preset), LOW_DENSITY)
            np.savetxt(work / "images.txt", charges, fmt="%d")
            expected, peer = emulated(model, charges)
            common: dict[str, object] = {
                "events": EVENTS,
                "pixels": model.input.cells,
                "latents": outputs(model),
                "images": work / "images.txt",
            }
            for flavour in BACKENDS:
                for opt in OPTIMIZATIONS:
                    own = [
                        rate(ours(work, model, common, flavour, form, TYPE, opt), expected) for form in (STRUCT, IMAGE)
                    ]
                    found = " | ".join(f"{value:,.0f} | {value / peer:.1f}" for value in own)
                    print(f"| {preset} | {flavour} | {opt} | {peer:,.0f} | {found} |", flush=True)


def layers() -> None:
    variants = [f"{form}, {rule}, events/s | ratio" for form, rule in VARIANTS]
    print(f"| preset | flavour | flags | hls4ml, events/s | {' | '.join(variants)} |")
    print("|---" * (4 + 2 * len(variants)) + "|")
    for preset in ("econ-t", "paper-4x4x3"):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            command = [sys.executable, WITNESS, preset, EVENTS, work, *BACKENDS.values()]
            subprocess.run([*map(str, command)], check=True, capture_output=True)
            model = codec.loads((work / "encoder.json").read_text(encoding="utf-8"))
            images = np.load(work / "images.npy").reshape(EVENTS, -1)
            np.savetxt(work / "images.txt", images, fmt="%d")
            expected = int(np.load(work / "keras.npy").sum())
            common: dict[str, object] = {
                "events": EVENTS,
                "pixels": images.shape[1],
                "latents": model.latents,
                "images": work / "images.txt",
            }
            for flavour in BACKENDS:
                for opt in OPTIMIZATIONS:
                    peer = rate(theirs(work, model, common, flavour, opt), expected)
                    own = [
                        rate(ours(work, model, common, flavour, form, rule, opt), expected) for form, rule in VARIANTS
                    ]
                    found = " | ".join(f"{value:,.0f} | {value / peer:.1f}" for value in own)
                    print(f"| {preset} | {flavour} | {opt} | {peer:,.0f} | {found} |", flush=True)


if __name__ == "__main__":
    PARTS = {"layers": layers, "cells": cells}
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
