"""The estimate of a block's area: pieces counted from the IR times gate equivalents that were fitted to synthesis."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from econ_ae.app.area_model import cells, common, layers
from econ_ae.app.area_model.pieces import Piece
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import AddressMap, address_map
from rtl_gen.verilog.options import FRONT_END_REGISTER
from rtl_gen.verilog.regfile_bits import index_width

_CONTROL_BITS = 161
"""Triplicated flip-flops of I2C target, read register, error counter and CRC, without the index of its byte."""
_CROSSINGS, _MIXED, _RESET, _BUS = 12, 2, 2, 4
"""Flip-flops of the crossing count, of the flag of mixed events, of the reset and, once, of the bus lines."""
_COPIES = 3


@dataclass(frozen=True)
class Provenance:
    """Where coefficients come from.

    Parameters
    ----------
    script : command that made them
    library, library_sha256 : cells, and hash of the Liberty file without compression
    tool : yosys with its version
    recipe_sha256 : of library, scripts, clock and version
    fitted, tested : names of the encoders
    """

    script: str
    library: str
    library_sha256: str
    tool: str
    recipe_sha256: str
    fitted: tuple[str, ...]
    tested: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Relative errors of a family of encoders that were not fitted: median and 95 % of their absolute values."""

    median: float
    p95: float
    largest: float
    encoders: int


@dataclass(frozen=True)
class Coefficients:
    """Gate equivalents per feature, by kind of module, with their errors."""

    provenance: Provenance
    layers: Family
    cells: Family
    gate_equivalents: dict[str, tuple[float, ...]]

    def to_json(self) -> str:
        """Return the coefficients as JSON."""
        return _COEFFICIENTS.dump_json(self, indent=1).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Coefficients:
        """Return the coefficients that ``to_json`` wrote."""
        return _COEFFICIENTS.validate_json(text)


_COEFFICIENTS = TypeAdapter(Coefficients)


@dataclass(frozen=True)
class PartEstimate:
    """Gate equivalents (kGE) of a part of the design."""

    part: str
    kge: float


@dataclass(frozen=True)
class AreaEstimate:
    """The area of a complete block before layout, in NAND2 equivalents of NanGate 45.

    Parameters
    ----------
    kge : thousands of gate equivalents
    datapath_kge, registers_kge : of it the path from codes to frames, and the registers behind I2C
    error : 95 % of the encoders of this family that were not fitted were within this share of ``kge``
    registers : configuration bits, each in triplicate; exact
    flip_flops : of the whole block; exact
    parts : of the design, largest first; they add up to ``kge``
    """

    kge: float
    datapath_kge: float
    registers_kge: float
    error: float
    registers: int
    flip_flops: int
    parts: tuple[PartEstimate, ...]


def estimate(model: EncoderModel, registers: Collection[str] | None = None) -> AreaEstimate:
    """Return the estimate of what ``econ-ae costs RUN --block block`` gives for an encoder, in milliseconds.

    Parameters
    ----------
    model : a valid encoder; its weights do not matter
    registers : places of pipeline registers as in ``hardware.registers`` (of layers: names of Requantise operations,
        beside those at input, normaliser and frame); None takes the default

    Raises
    ------
    ConfigError
        When there is no such place.
    ModelError
        When the model is invalid or a layer reads no pixel.
    RegisterError
        When the registers do not fit the 16-bit pointer.
    """
    found = coefficients()
    layout, stages = address_map(model), stages_of(model, registers)
    areas: dict[str, float] = {}
    for piece in pieces(model, layout, stages):
        areas[piece.part] = areas.get(piece.part, 0.0) + piece.count * area(piece, found) / 1000
    parts = tuple(PartEstimate(*item) for item in sorted(areas.items(), key=lambda item: -item[1]))
    whole = sum(part.kge for part in parts)
    return AreaEstimate(
        whole,
        whole - areas[common.CONFIGURATION],
        areas[common.CONFIGURATION],
        (found.cells if model.sends_cells else found.layers).p95,
        layout.stored_bits,
        _flip_flops(layout, stages),
        parts,
    )


def area(piece: Piece, found: Coefficients) -> float:
    """Return the gate equivalents of one module of a piece."""
    return sum(n * one for n, one in zip(piece.features, found.gate_equivalents[piece.kind], strict=True))


@cache
def coefficients() -> Coefficients:
    """Return the coefficients for NanGate 45."""
    return Coefficients.from_json(files(__package__).joinpath("nangate45.json").read_bytes())


def stages_of(model: EncoderModel, registers: Collection[str] | None) -> dict[str, int]:
    """Return the bits of every pipeline register by its place, the valid bit not counted."""
    places = (cells if model.sends_cells else layers).register_widths(model)
    if registers is None:
        return {name: bits for name, bits in places.items() if name != FRONT_END_REGISTER}
    chosen = set(registers)
    if not model.sends_cells:  # those outside the layers stay, as in a run
        chosen |= set(places) - {FRONT_END_REGISTER, *(stage.requantise.name for stage in model.stages)}
    for name in sorted(chosen - set(places)):
        raise ConfigError(
            f"register stage {name!r} is unknown; expected one of {', '.join(places)}{did_you_mean(name, places)}"
        )
    return {name: bits for name, bits in places.items() if name in chosen}


def pieces(model: EncoderModel, layout: AddressMap, stages: dict[str, int]) -> Iterator[Piece]:
    """Yield all pieces of the complete block.

    Parameters
    ----------
    stages : bits of every pipeline register, see ``stages_of``
    """
    yield common.front_end(model)
    yield from (cells if model.sends_cells else layers).pieces(model)
    yield from common.pipeline(stages.values())
    yield common.configuration(layout)
    yield common.control(len(stages))


def _flip_flops(layout: AddressMap, stages: dict[str, int]) -> int:
    pipeline = sum(bits + 1 for bits in stages.values()) + len(stages)  # valid bits, and the flags of mixed events
    control = _CONTROL_BITS + index_width(layout) + _CROSSINGS + _MIXED + _RESET
    return pipeline + _COPIES * (layout.stored_bits + control) + _BUS
