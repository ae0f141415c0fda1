"""The pieces of an encoder of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from econ_ae.app.area_model import common
from econ_ae.app.area_model.pieces import Piece
from econ_ae.fixedpoint import Overflow, Rounding
from econ_ae.ir.model import EncoderModel, Stage
from econ_ae.ir.ranges import accumulator_format
from rtl_gen.costs.netlist.hierarchy import FORMATTER, REQUANTISE, part_of
from rtl_gen.verilog import structural
from rtl_gen.verilog.layer import layer_module
from rtl_gen.verilog.leaves import mac_module, requantise_module
from rtl_gen.verilog.options import FRAME_REGISTER, FRONT_END_REGISTER, INPUT_REGISTER, NORMALISER_REGISTER
from rtl_gen.verilog.plan import LayerPlan, plan
from rtl_gen.verilog.ports import CODE_BITS, FRAME_BITS, SUM_CODE_BITS


def pieces(model: EncoderModel) -> Iterator[Piece]:
    """Yield the pieces of the datapath behind the front end, without its pipeline registers."""
    plans = plan(model)
    yield common.normaliser(model, len(plans[0].inputs))
    for p in plans:
        yield from _layer(p)
    bits = model.latents * model.latent.width
    steps = max(1, (bits - 1).bit_length())
    farther = sum(max(bits - (1 << step), 0) for step in range(steps))
    squeeze = (2 * farther, steps * farther, bits * steps)
    yield Piece("squeeze", 1, squeeze, "econ_ae_squeeze", FORMATTER)
    yield Piece("frame", 1, (1,), "econ_ae_frame", FORMATTER)


def register_widths(model: EncoderModel) -> dict[str, int]:
    """Return the bits of a pipeline register at every place where the datapath can have one."""
    plans = plan(model)
    crossing = 1  # bx0
    found = {
        INPUT_REGISTER: crossing + model.input.cells * CODE_BITS,
        FRONT_END_REGISTER: crossing + model.input.cells * model.input.charge.width,
        NORMALISER_REGISTER: crossing + SUM_CODE_BITS + len(plans[0].inputs) * model.normalise.out.width,
    }
    for p in plans:
        op = p.stage.requantise
        found[op.name] = crossing + SUM_CODE_BITS + len(p.outputs) * op.out.width
    found[FRAME_REGISTER] = model.latents * model.latent.width + SUM_CODE_BITS + FRAME_BITS
    return found


def _layer(p: LayerPlan) -> Iterator[Piece]:
    stage, outputs = p.stage, p.stage.layer.bias.size
    part = part_of(f"_{layer_module(stage)}", "")
    for inputs, windows in Counter(len(w.inputs) for w in p.windows).items():
        if not inputs:
            continue  # nothing but the bias: wires
        multiples, one = _counts(stage, inputs)
        name = mac_module(stage, inputs)
        first = (multiples.full_adders, multiples.half_adders, multiples.gates)
        yield Piece("multiples", windows, first, f"{name}_multiples", part)
        rows = (one.full_adders, one.half_adders, one.gates, one.picked, one.gated, one.rows)
        yield Piece("sum", windows * outputs, rows, f"{name}_output", part)
    yield Piece("requantise", len(p.outputs), _requantise(stage), requantise_module(stage), REQUANTISE)


def _requantise(stage: Stage) -> tuple[float, ...]:
    op, acc = stage.requantise, accumulator_format(stage)
    shift = acc.fraction - op.out.fraction
    wide = max(max(acc.width, shift + 1) - shift + (shift > 0), op.out.width + 1)
    rounded = wide * (shift > 0 and op.rounding is Rounding.RND_CONV)
    saturates = op.overflow is Overflow.SAT
    compared = (wide - op.out.width) * saturates
    return rounded, compared, acc.width * op.relu, op.out.width * (saturates + op.relu), 1


def _counts(stage: Stage, inputs: int) -> tuple[structural.CellCounts, structural.CellCounts]:
    return _cached(_Key(stage, inputs))


class _Key:
    """A window of a stage; equal where formats and number of inputs are."""

    def __init__(self, stage: Stage, inputs: int) -> None:
        layer = stage.layer
        self.stage, self.inputs = stage, inputs
        self._all = (
            inputs,
            stage.in_format,
            layer.weight,
            layer.bias_format,
            layer.accumulate,
            accumulator_format(stage),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)


@lru_cache(maxsize=1024)
def _cached(key: _Key) -> tuple[structural.CellCounts, structural.CellCounts]:
    return structural.cell_counts(key.stage, key.inputs)
