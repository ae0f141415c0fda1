"""Silicon costs of a preset in open libraries: python benchmarks/bench_costs.py [--preset P] [--encoder] [LIBRARY ...]

The complete block (datapath and triplicated registers behind I2C) in each library, then the encoder alone with exact
sums and with floored products. Weights are untrained: they are registers, area and timing do not depend on them. By
default the libraries of the reference data beside the checkout. Processor time is that of all programs together, which
a loaded machine stretches less than the wall time.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from econ_ae.config import load_preset
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products
from econ_ae.skeleton import skeleton
from rtl_gen.costs import OPENSTA, Synthesis, Timing, analyse, has, part_areas, synthesise
from rtl_gen.verilog import (
    DATAPATH,
    STRUCTURAL,
    block_module,
    default_options,
    generate,
    generate_block,
    ports,
    top_module,
)
from rtl_gen.writer import write_files

LIBERTY = Path(__file__).resolve().parents[2] / "shared" / "reference" / "liberty"
REGISTERS = ("configuration registers", "voters and read-out of the registers")
CLOCK_NS = 25.0


@dataclass(frozen=True)
class Measured:
    """One netlist: areas in kGE by part, timing, processor seconds, bytes."""

    synthesis: Synthesis
    parts: dict[str, float]
    timing: Timing | None
    seconds: float


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(model: EncoderModel, library: Path, folder: Path, *, block: bool) -> Measured:
    options = replace(default_options(model, DATAPATH) if block else default_options(model), leaf=STRUCTURAL)
    files = generate_block(model, options) if block else generate(model, options)
    top = block_module(model) if block else top_module(model, options)
    before = processor_seconds()
    sources = [path for path in write_files(files, folder / "rtl", overwrite=True) if path.suffix == ".v"]
    found = synthesise(sources, top, folder, library)
    cells = {name: cell.area / found.gate_equivalent for name, cell in found.library.cells.items()}
    parts = {name: area / 1000 for name, area in part_areas(found.modules, found.top, cells).items()}
    static = [port.name for port in ports(model, options) if port.role == "configuration"]
    timing = analyse(found, folder, period=CLOCK_NS, quasi_static=static) if has(OPENSTA) else None
    return Measured(found, parts, timing, processor_seconds() - before)


def line(what: str, found: Measured) -> None:
    encoder = sum(kge for part, kge in found.parts.items() if part.startswith("layer ") or part == "requantise")
    registers = sum(found.parts.get(part, 0.0) for part in REGISTERS)
    whole = sum(found.parts.values())
    area = whole * 1000 * found.synthesis.gate_equivalent * 1e-6
    timing = "- | -" if found.timing is None else f"{found.timing.slack:.2f} | {found.timing.frequency:.0f}"
    memory = max(found.synthesis.peak_memory, found.timing.peak_memory if found.timing else 0) / 1e6
    numbers = f"{encoder:.1f} | {registers:.1f} | {encoder + registers:.1f} | {whole:.1f} | {area:.3f}"
    print(f"| {what} | {numbers} | {timing} | {found.seconds:.0f} | {memory:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("libraries", nargs="*", type=Path, metavar="LIBRARY")
    parser.add_argument("--preset", default="econ-t")
    parser.add_argument("--encoder", action="store_true", help="only the encoder in its two arithmetics")
    options = parser.parse_args()
    libraries = options.libraries or sorted(LIBERTY.glob("*.lib.gz"))
    if not libraries:
        print("no library: give one, or lay the reference data beside this checkout")
        return
    model = skeleton(load_preset(options.preset), LOW_DENSITY)
    print("| netlist | layers, kGE | registers, kGE | both | all | mm2 | slack, ns | MHz | processor s | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for library in libraries:
            name = library.name.partition(".")[0]
            if not options.encoder:
                line(f"block, {name}", measure(model, library, folder / name, block=True))
            for what, one in {"exact sums": model, "floored products": truncate_products(model)}.items():
                line(f"encoder, {what}, {name}", measure(one, library, folder / f"{name}-{what[:5]}", block=False))


if __name__ == "__main__":
    main()
