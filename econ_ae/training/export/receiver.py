"""The receiver of a run as a program: from what a frame says, unpacked, to charges.

Layers: inputs ``latents`` (latents,), multiples of 2**-fraction with bits that were not sent at 0, ``sum`` (1,), the
module sum of the 5E4M code at mid-bin in CALQ counts, and the decoder's conditions by name, (1,) each, as they are in
the data: eta, layer (of the detector, from 1), u, v, thickness in um. Cells: ``mode`` (1,), ``exact`` (1,) 0 or 1,
``pulses`` (cells,), ``sum`` (1,), conditions. Outputs ``fractions`` (cells,), which sum to 1 where there is charge, and
``charges`` (cells,), CALQ counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from econ_ae.config import DecoderConfig, RunConfig
from econ_ae.data.module_conditions import Condition, Conditions
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.builder import Builder
from econ_ae.tensor.program import Program, Value
from econ_ae.training.cells.artifact import CellsDecoder
from econ_ae.training.cells.network import SUM_SCALE
from econ_ae.training.cells.table import CONTEXTS, LEAST, LEVELS, Table
from econ_ae.training.export.layers import network
from econ_ae.training.networks import Networks
from econ_ae.training.sample import SUM_BITS

_TINY = 1e-30  # instead of 0 as a divisor


def latents_program(config: RunConfig, networks: Networks, model: EncoderModel) -> Program:
    """Return the decoder of latents.

    Raises
    ------
    ModelError
        When a layer of the decoder has no form as a program.
    """
    out = Builder(f"{model.name}_decoder")
    latents, total = out.input("latents", (model.latents,)), out.input("sum", (1,))
    known = _conditions(out, config.decoder, total)
    sums = [(_sum_feature, _scale)[column](out, total) for column in config.decoder.sum_columns]
    raw = network(out, networks.decoder, [out.concat([latents, *sums, *known])])
    fractions = out.div(raw, out.reduce("sum", raw, 0))
    return out.program([("fractions", fractions), ("charges", out.mul(fractions, total))])


def cells_program(config: RunConfig, decoder: CellsDecoder, model: EncoderModel) -> Program:
    """Return the decoder of cells: levels and network, and the pulses themselves of events without loss."""
    out = Builder(f"{model.name}_decoder")
    cells, modes = model.input.cells, len(model.cell_code.choose.modes)
    mode, exact = out.input("mode", (1,)), out.input("exact", (1,))
    pulses, total = out.input("pulses", (cells,)), out.input("sum", (1,))
    known = _conditions(out, config.decoder, total)
    chosen = out.elementwise("equal", mode, np.arange(modes, dtype=np.float32))
    image = _levels(out, decoder.table, chosen, pulses)
    event = out.concat([chosen, out.mul(_sum_feature(out, total), SUM_SCALE), *known])
    seen = network(out, decoder.network, [pulses, image, event])
    lossy = out.add(out.mul(exact, -1.0), 1.0)
    sent = out.div(pulses, out.elementwise("max", out.reduce("sum", pulses, 0), 1.0))
    fractions = out.add(out.mul(sent, exact), out.mul(seen, lossy))
    charges = out.add(out.mul(pulses, exact), out.mul(out.mul(seen, total), lossy))
    return out.program([("fractions", fractions), ("charges", charges)])


def condition_names(config: RunConfig) -> tuple[str, ...]:
    """Return the conditions that are inputs of their own: all but the module sum."""
    return tuple(c.name for c in Conditions(config.decoder.conditions).definitions if c.column)


def _conditions(out: Builder, config: DecoderConfig, total: Value) -> Sequence[Value]:
    found = []
    for condition in Conditions(config.conditions).definitions:
        value = out.input(condition.name, (1,)) if condition.column else total
        found.append(_normalised(out, condition, value))
    return found


def _normalised(out: Builder, condition: Condition, value: Value) -> Value:
    if condition.kind == "one-hot":
        return out.elementwise("equal", value, np.array(condition.values, np.float32))
    if condition.absolute:
        value = out.function("abs", value)
    if condition.kind == "log":
        return out.function("log", out.add(value, 1.0))
    return out.div(out.sub(value, condition.offset), condition.scale)


def _sum_feature(out: Builder, total: Value) -> Value:
    return out.mul(out.function("log", out.add(total, 1.0)), 1 / (SUM_BITS * math.log(2)))


def _scale(out: Builder, total: Value) -> Value:
    """Return the sum over the largest power of two in it, minus 1; comparisons give the exact power."""
    least = out.elementwise("max", total, 1.0)
    powers = 2.0 ** np.arange(1, SUM_BITS + 1)
    reached = out.elementwise("at_least", least, powers)
    power = out.add(out.matmul(reached, powers[:, None] / 2), 1.0)
    return out.sub(out.div(least, power), 1.0)


def _levels(out: Builder, table: Table, chosen: Value, pulses: Value) -> Value:
    """Return the table's image, see ``training.cells.table.Table.fractions``: sums over what is equal pick a level."""
    cells = pulses.shape[0]

    def of_mode(values: np.ndarray) -> Value:
        picked = out.matmul(chosen, values)
        return out.reshape(picked, (1, *picked.shape))

    column = out.reshape(pulses, (cells, 1))
    which = out.elementwise("equal", column, np.arange(1, LEVELS + 1, dtype=np.float32))
    level = out.reduce("sum", out.mul(which, of_mode(table.levels)), 1)
    more = out.elementwise("at_least", column, float(LEVELS + 1))
    level = out.add(level, out.mul(out.add(column, of_mode(table.beyond[:, None])), more))
    level = out.elementwise("max", level, LEAST)
    has = out.elementwise("at_least", pulses, 1.0)
    group = np.zeros((cells, cells))
    for members in table.groups:
        group[np.ix_(members, members)] = 1.0
    near = out.reshape(out.matmul(has, group), (cells, 1))
    context = out.elementwise("equal", near, np.arange(CONTEXTS, dtype=np.float32))
    rest = out.reduce("sum", out.mul(context, of_mode(np.maximum(table.unsent, 0.0))), 1)
    used = out.reshape(has, (cells, 1))
    image = out.add(out.mul(level, used), out.mul(rest, out.add(out.mul(used, -1.0), 1.0)))
    total = out.elementwise("max", out.reduce("sum", image, 0), _TINY)
    return out.reshape(out.div(image, total), (cells,))
