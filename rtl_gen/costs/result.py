"""What hardware costs in silicon: every figure typed, with the text and the tools that it is of; to and from JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from econ_ae.errors import RunDirectoryError
from rtl_gen.costs.library.find import full_adder, half_adder
from rtl_gen.costs.netlist.hierarchy import ModuleArea, count_cells, module_areas, part_areas
from rtl_gen.costs.power.report import PowerCosts
from rtl_gen.costs.scaling import CHIP, LP65, Published
from rtl_gen.costs.synthesis.synth import Synthesis
from rtl_gen.costs.timing import Timing
from rtl_gen.costs.words import Operands, advice, describe


def verilog_sha256(files: Mapping[str, str]) -> str:
    """Return the hash that says which text it is: of names and contents of all Verilog files, sorted by name."""
    content = sorted((name, text) for name, text in files.items() if name.endswith(".v"))
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True)
class Origin:
    """What the figures are of; equal origins make equal netlists.

    Parameters
    ----------
    block, top : what was synthesised, and its top module
    leaf : how its multiply-accumulate modules are written
    encoder_sha256 : of the encoder's model
    verilog_sha256 : of the Verilog, see ``verilog_sha256``
    recipe_sha256 : of library, scripts, clock and version of yosys
    tool : name and version of yosys
    clock_ns : clock period that it was made for
    latency : clocks
    """

    block: str
    top: str
    leaf: str
    encoder_sha256: str
    verilog_sha256: str
    recipe_sha256: str
    tool: str
    clock_ns: float
    latency: int


@dataclass(frozen=True)
class PartArea:
    """Gate equivalents of a part of the design."""

    part: str
    gate_equivalents: float


@dataclass(frozen=True)
class Areas:
    """Area of the cells.

    Parameters
    ----------
    um2_per_ge : area of the library's smallest two-input NAND; None for the generic cells, which have no size
    parts : they add up to the whole, largest first
    modules : largest first
    """

    um2_per_ge: float | None
    parts: tuple[PartArea, ...]
    modules: tuple[ModuleArea, ...]

    @property
    def gate_equivalents(self) -> float:
        """All of it."""
        return sum(part.gate_equivalents for part in self.parts)

    def um2(self, gate_equivalents: float) -> float | None:
        """Return an area in the library."""
        return None if self.um2_per_ge is None else gate_equivalents * self.um2_per_ge


@dataclass(frozen=True)
class Scaled:
    """The area in another node: um2 of a gate equivalent there, and mm2 with their range."""

    node: str
    um2_per_ge: float
    mm2: float
    low_mm2: float
    high_mm2: float


@dataclass(frozen=True)
class CellCounts:
    """How many cells of which kind."""

    logic: int
    adders: int
    flip_flops: int
    clock_gates: int
    latches: int


@dataclass(frozen=True)
class Path:
    """The longest path to a pipeline register, in words."""

    stage: str
    slack_ns: float
    delay_ns: float
    words: str


@dataclass(frozen=True)
class TimingCosts:
    """Timing at one clock: smallest slack, shortest period, and what to do about it."""

    period_ns: float
    slack_ns: float
    delay_ns: float
    advice: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Costs:
    """The costs of one block in the cells of one library, before layout.

    Parameters
    ----------
    library : its name
    scaled, published : the area scaled to 65 nm, and the chip after layout
    timing, untimed : None and why there is none
    power, unpowered : None and why there is none
    simulated : events that the mapped netlist was simulated on, all equal to the emulator; 0 when it was not
    seconds, peak_memory : of synthesis and timing; bytes of the largest process
    """

    origin: Origin
    library: str
    areas: Areas
    cells: CellCounts
    scaled: Scaled
    published: Published
    timing: TimingCosts | None
    untimed: str
    power: PowerCosts | None
    unpowered: str
    simulated: int
    seconds: float
    peak_memory: int

    def to_json(self) -> str:
        """Return the costs as JSON."""
        return _COSTS.dump_json(self, indent=1).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Costs:
        """Return the costs that ``to_json`` wrote; RunDirectoryError, which names ``where``, when it is something else.

        Other versions wrote other fields; their figures are made again, not converted.
        """
        try:
            return _COSTS.validate_json(text, strict=True)
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise RunDirectoryError(
                f"{where} holds no costs that this version reads ({place}: {first['msg']}); "
                "make them again with econ-ae costs"
            ) from None


_COSTS = TypeAdapter(Costs)


def costs_of(
    synthesis: Synthesis,
    origin: Origin,
    timing: Timing | None,
    *,
    untimed: str,
    unpowered: str,
    operands: Mapping[str, Operands],
    free: Mapping[str, str],
) -> Costs:
    """Return the costs of a netlist, without power: its activity comes from a simulation.

    Parameters
    ----------
    operands : what the bits of the pipeline registers mean, by register
    free : places for further pipeline registers, and the instance that each would stand behind
    """
    cells = synthesis.cell_areas()
    parts = part_areas(synthesis.modules, synthesis.top, cells)
    middle, low, high = LP65.area(sum(parts.values()))
    return Costs(
        origin,
        synthesis.library.name,
        Areas(
            None if synthesis.recipe.technology_independent else synthesis.gate_equivalent,
            tuple(PartArea(part, area) for part, area in parts.items()),
            tuple(module_areas(synthesis.modules, synthesis.top, cells)),
        ),
        _counts(synthesis),
        Scaled(LP65.name, LP65.gate_equivalent, middle, low, high),
        CHIP,
        None if timing is None else _timing(timing, operands, free, origin.latency),
        untimed,
        None,
        unpowered,
        0,
        synthesis.seconds + (timing.seconds if timing else 0.0),
        max(synthesis.peak_memory, timing.peak_memory if timing else 0),
    )


def _counts(synthesis: Synthesis) -> CellCounts:
    library = synthesis.library
    adders = {adder.cell.name for adder in (full_adder(library), half_adder(library)) if adder}
    kinds = dict.fromkeys(("logic", "adders", "flip_flops", "clock_gates", "latches"), 0)
    for name, count in count_cells(synthesis.modules, synthesis.top).items():
        cell = library.cells[name]
        kind = "flip_flops" if cell.flop else "clock_gates" if cell.gate else "latches" if cell.latch else "logic"
        kinds["adders" if name in adders else kind] += count
    return CellCounts(**kinds)


def _timing(timing: Timing, operands: Mapping[str, Operands], free: Mapping[str, str], latency: int) -> TimingCosts:
    paths = tuple(Path(p.stage, p.slack, p.delay, describe(p, operands)) for p in timing.paths)
    return TimingCosts(timing.period, timing.slack, timing.delay, advice(timing, free, latency), paths)
