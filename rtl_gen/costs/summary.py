"""The costs of a netlist as plain data: what goes to JSON, tables and the report page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rtl_gen.costs.functions import full_adder, half_adder
from rtl_gen.costs.hierarchy import count_cells, module_areas, part_areas
from rtl_gen.costs.scaling import CHIP, LP65
from rtl_gen.costs.synth import Synthesis
from rtl_gen.costs.timing import Timing
from rtl_gen.costs.words import Operands, advice, describe


def summary(
    synthesis: Synthesis,
    timing: Timing | None,
    *,
    operands: Mapping[str, Operands],
    free: Mapping[str, str],
    latency: int,
    untimed: str = "",
) -> dict[str, Any]:
    """Return the costs.

    Parameters
    ----------
    timing : None when there is none
    operands : what the bits of the pipeline registers mean, by register
    free : places for further pipeline registers, and the instance that each would stand behind
    latency : clocks
    untimed : why there is no timing

    Returns
    -------
    gate equivalents (GE) by part and module; um2 in the library; the same scaled to 65 nm; the published chip; timing;
    ``power`` is None: activity comes from a simulation
    """
    unit = synthesis.gate_equivalent
    cells = {name: cell.area / unit for name, cell in synthesis.library.cells.items()}
    parts = part_areas(synthesis.modules, synthesis.top, cells)
    whole = sum(parts.values())
    middle, low, high = LP65.area(whole)
    generic = synthesis.technology_independent
    return {
        "library": synthesis.library.name,
        "technology_independent": generic,
        "top": synthesis.top,
        "gate_equivalent_um2": None if generic else unit,
        "gate_equivalents": whole,
        "parts": [
            {
                "part": name,
                "kGE": area / 1000,
                "um2": None if generic else area * unit,
                "share": area / whole if whole else 0.0,
            }
            for name, area in parts.items()
        ],
        "modules": [asdict(area) for area in module_areas(synthesis.modules, synthesis.top, cells)],
        "cells": _kinds(synthesis),
        "measured": {"area_mm2": None if generic else whole * unit * 1e-6},
        "scaled": {"node": LP65.name, "um2_per_GE": LP65.gate_equivalent, "area_mm2": middle, "range_mm2": [low, high]},
        "published": asdict(CHIP),
        "timing": None if timing is None else _timing(timing, operands, free, latency),
        "untimed": untimed,
        "power": None,
        "seconds": synthesis.seconds + (timing.seconds if timing else 0.0),
        "peak_memory": max(synthesis.peak_memory, timing.peak_memory if timing else 0),
    }


def _kinds(synthesis: Synthesis) -> dict[str, int]:
    """Return how many cells of which kind the netlist has."""
    library = synthesis.library
    counts = count_cells(synthesis.modules, synthesis.top)
    adders = {adder.cell.name for adder in (full_adder(library), half_adder(library)) if adder}
    kinds = dict.fromkeys(("logic", "adders", "flip-flops", "clock gates", "latches"), 0)
    for name, count in counts.items():
        cell = library.cells[name]
        if cell.flop:
            kinds["flip-flops"] += count
        elif cell.clock_gate:
            kinds["clock gates"] += count
        elif cell.latch:
            kinds["latches"] += count
        else:
            kinds["adders" if name in adders else "logic"] += count
    return kinds


def _timing(timing: Timing, operands: Mapping[str, Operands], free: Mapping[str, str], latency: int) -> dict[str, Any]:
    return {
        "period_ns": timing.period,
        "slack_ns": timing.slack,
        "delay_ns": timing.delay,
        "frequency_MHz": timing.frequency,
        "advice": advice(timing, free, latency),
        "paths": [
            {"stage": p.stage, "slack_ns": p.slack, "delay_ns": p.delay, "path": describe(p, operands)}
            for p in timing.paths
        ],
    }
