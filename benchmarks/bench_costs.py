"""Silicon costs of the presets: python benchmarks/bench_costs.py TABLE [--libraries DIR]

Tables of preset econ-t: blocks (complete block in every library), arithmetic (exact sums against products that are
floored one by one), choices (clock gates and triplication), scan (bits, filters and latents in gate equivalents). Of
the encoders that send cells: cells (complete block of 2 to 5 eLinks in every library). The peer is the published chip,
arXiv:2105.01683. Areas do not depend on the weights, so nothing is trained.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from econ_ae.config import RunConfig, load_preset, parse
from econ_ae.config.cells_skeleton import cells_skeleton
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products
from econ_ae.process import OPENSTA, has
from rtl_gen.costs import Synthesis, Timing, analyse, part_areas, synthesise
from rtl_gen.costs.scaling import LP65
from rtl_gen.verilog import (
    DATAPATH,
    STRUCTURAL,
    VerilogOptions,
    block_module,
    default_options,
    generate,
    generate_block,
    latency,
    ports,
    top_module,
)
from rtl_gen.writer import write_files

CLOCK_NS = 25.0
NANGATE = "nangate45_typ"
REGISTERS = ("configuration registers", "voters and read-out of the registers", "I2C, status, CRC")


@dataclass(frozen=True)
class Measured:
    """Gate equivalents by part, and the timing when there are delays."""

    synthesis: Synthesis
    timing: Timing | None
    parts: dict[str, float]

    def sum(self, names: Iterable[str]) -> float:
        return sum(self.parts.get(name, 0.0) for name in names) / 1000

    @property
    def encoder(self) -> float:
        return self.sum(name for name in self.parts if name.startswith("layer ") or name == "requantise")

    @property
    def registers(self) -> float:
        return self.sum(REGISTERS)

    @property
    def memory(self) -> float:
        return max(self.synthesis.peak_memory, self.timing.peak_memory if self.timing else 0) / 1e6


def measure(
    model: EncoderModel, options: VerilogOptions, library: Path | None, *, block: bool, clock_gating: bool = True
) -> Measured:
    files = generate_block(model, options) if block else generate(model, options)
    top = block_module(model) if block else top_module(model, options)
    with tempfile.TemporaryDirectory(prefix="bench_costs_") as folder:
        path = Path(folder)
        sources = [p for p in write_files(files, path / "rtl") if p.suffix == ".v"]
        found = synthesise(sources, top, path, library, clock_gating=clock_gating, netlist=library is not None)
        quasi_static = [port.name for port in ports(model, options) if port.role == "configuration"]
        timed = library is not None and has(OPENSTA)
        timing = analyse(found, path, period=CLOCK_NS, quasi_static=quasi_static) if timed else None
    return Measured(found, timing, part_areas(found.modules, found.top, found.cell_areas()))


def chip() -> EncoderModel:
    return skeleton(load_preset("econ-t"), LOW_DENSITY)


def structural(model: EncoderModel, block: str = DATAPATH) -> VerilogOptions:
    return replace(default_options(model, block), leaf=STRUCTURAL)


def blocks(libraries: Path) -> None:
    print(
        "| library | encoder, kGE | TMR registers, kGE | both | all, kGE | all, mm2 | 65 nm, mm2 "
        "| slack, ns | MHz | s | MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for library in sorted(libraries.glob("*.lib*")):
        model = chip()
        m = measure(model, structural(model), library, block=True)
        whole = sum(m.parts.values())
        slack, rate = (f"{m.timing.slack:.2f}", f"{m.timing.frequency:.0f}") if m.timing else ("-", "-")
        seconds = m.synthesis.seconds + (m.timing.seconds if m.timing else 0)
        print(
            f"| {m.synthesis.library.name} | {m.encoder:.0f} | {m.registers:.0f} | {m.encoder + m.registers:.0f} "
            f"| {whole / 1000:.0f} | {whole * m.synthesis.gate_equivalent * 1e-6:.3f} | {LP65.area(whole)[0]:.2f} "
            f"| {slack} | {rate} | {seconds:.0f} | {m.memory:.0f} |",
            flush=True,
        )


def cells(libraries: Path) -> None:
    print(
        "| preset | library | datapath, kGE | configuration, kGE | all, kGE | slack, ns | slowest stages, ns | clocks |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for elinks in (2, 3, 4, 5):
        name = f"frontier-{elinks}elinks"
        model = cells_skeleton(load_preset(name), LOW_DENSITY)
        options = default_options(model)
        for library in sorted(libraries.glob("*.lib*")):
            m = measure(model, options, library, block=True)
            whole = sum(m.parts.values()) / 1000
            stages = [f"{path.stage} {path.delay:.1f}" for path in m.timing.paths[:3]] if m.timing else ["-"]
            slack = f"{m.timing.slack:.2f}" if m.timing else "-"
            print(
                f"| {name} | {m.synthesis.library.name} | {whole - m.registers:.0f} | {m.registers:.0f} | {whole:.0f} "
                f"| {slack} | {', '.join(stages)} | {latency(model, options)} |",
                flush=True,
            )


def arithmetic(libraries: Path) -> None:
    library = next(libraries.glob(f"{NANGATE}*"))
    print("| arithmetic | conv, kGE | dense, kGE | encoder, kGE | path through conv, ns | path through dense, ns |")
    print("|---|---|---|---|---|---|")
    exact = chip()
    for name, model in (("exact sums", exact), ("every product floored", truncate_products(exact))):
        m = measure(model, structural(model), library, block=False)
        layers = [stage.layer.name for stage in model.stages]
        delays = {path.stage: path.delay for path in m.timing.paths} if m.timing else {}
        ns = [f"{delays.get(stage.requantise.name, float('nan')):.2f}" for stage in model.stages]
        areas = [f"{m.sum([f'layer {layer}']):.1f}" for layer in layers]
        print(f"| {name} | {' | '.join(areas)} | {m.encoder:.1f} | {' | '.join(ns)} |", flush=True)


def choices(libraries: Path) -> None:
    library = next(libraries.glob(f"{NANGATE}*"))
    print("| complete block | configuration registers with voters and I2C, kGE | all, kGE |")
    print("|---|---|---|")
    model = chip()
    options = structural(model)
    for name, chosen, gated in (
        ("triplicated, clock gates", options, True),
        ("triplicated, multiplexers instead of clock gates", options, False),
        ("no triplication, clock gates", replace(options, tmr=frozenset()), True),
    ):
        m = measure(model, chosen, library, block=True, clock_gating=gated)
        print(f"| {name} | {m.registers:.0f} | {sum(m.parts.values()) / 1000:.0f} |", flush=True)


def scan(libraries: Path) -> None:
    del libraries  # gate equivalents
    print("| filters | latents | weight bits | encoder, kGE |")
    print("|---|---|---|---|")
    for filters, latents, bits in ((8, 16, 6), (4, 16, 6), (8, 8, 6), (8, 16, 4), (8, 16, 8), (16, 16, 6)):
        config = _scanned(filters, latents, bits)
        model = skeleton(config, LOW_DENSITY)
        m = measure(model, structural(model, "encoder"), None, block=False)
        print(f"| {filters} | {latents} | {bits} | {m.encoder:.0f} |", flush=True)


def _scanned(filters: int, latents: int, bits: int) -> RunConfig:
    raw = load_preset("econ-t").model_dump(mode="json")
    encoder = raw["encoder"]
    encoder["conv"][0] |= {"filters": filters, "weight": f"s0.{bits - 1}"}
    encoder["dense"][0] |= {"units": latents, "weight": f"s0.{bits - 1}"}
    return parse(raw, "scan")


TABLES = {"blocks": blocks, "cells": cells, "arithmetic": arithmetic, "choices": choices, "scan": scan}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="*", default=["arithmetic", "scan"], help=f"of {', '.join(TABLES)}")
    default = Path(__file__).resolve().parents[2] / "shared" / "reference" / "liberty"
    parser.add_argument("--libraries", type=Path, default=default, help="directory of Liberty files")
    given = parser.parse_args()
    for name in given.table:
        TABLES[name](given.libraries)


if __name__ == "__main__":
    main()
