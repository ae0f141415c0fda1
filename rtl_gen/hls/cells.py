"""What the templates need to know of a model that sends cells as pulses: widths of all types, and the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Any

from econ_ae.ir import weights
from econ_ae.ir.cell_widths import (
    MANTISSA_BITS,
    PRODUCT_SHIFT,
    RECIPROCAL_BITS,
    SCALE_SHIFT,
    CellWidths,
    width,
)
from econ_ae.ir.model import EncoderModel
from rtl_gen.hls.options import HlsOptions
from rtl_gen.hls.types import whole

WORD_BITS = 32
HEADER_BITS = 5
SUM_EXPONENT, SUM_MANTISSA = 5, 4
CROSSING_BITS = 12
_SUM_BITS = SUM_EXPONENT + SUM_MANTISSA


@dataclass(frozen=True)
class Table:
    """A constant table of the C++, a ROM.

    Parameters
    ----------
    name, type : in C++
    sizes : of its axes, as C++ writes them
    rows : its numbers, one row of them per line
    meaning : comment
    """

    name: str
    type: str
    sizes: str
    rows: tuple[tuple[int, ...], ...]
    meaning: str

    @property
    def text(self) -> str:
        """The initialiser in C++."""
        rows = [", ".join(f"{number}ULL" if number >> 31 else str(number) for number in row) for row in self.rows]
        if len(rows) == 1:
            return "{" + rows[0] + "}"
        return "{\n" + "".join(f"    {{{row}}},\n" for row in rows) + "}"


def frame_words(model: EncoderModel) -> int:
    """Return the words of a frame that can be other than 0: one per eLink, as many as the longest frame fills."""
    w = CellWidths(model)
    return -(-(HEADER_BITS + _SUM_BITS + w.choose.mode_bits + 1 + w.data) // WORD_BITS)


def values(model: EncoderModel, options: HlsOptions) -> dict[str, Any]:
    """Return names, sizes, types and tables for the templates of a model of cells."""
    w, flavour = CellWidths(model), options.flavour
    widths = dict(_widths(w))
    tables = tuple(_tables(w, widths))
    code = model.cell_code
    span = _span(w)
    fields = {field.kind: field for field in weights.fields(model)}
    return {
        "code": code,
        "cells": w.cells,
        "modes": w.modes,
        "limits": len(code.choose.limits),
        "classes": len(code.choose.bias),
        "slots": w.slots,
        "parts": w.parts,
        "words": frame_words(model),
        "elinks": model.elinks,
        "fraction": w.fraction,
        "x_max": model.normalise.out.max,
        "saturates": model.normalise.out.width < w.sum,
        "normalised": model.normalise.out,
        "fields": fields,
        "types": {name: whole(flavour, abs(bits), signed=bits < 0) for name, bits in widths.items()},
        "bits": {name: abs(bits) for name, bits in widths.items()},
        "tables": tables,
        "levels": max(len(w.modes) - 1, 0).bit_length(),
        "stages": width(w.cells - 1) if w.cells > 1 else 0,
        "neighbours": max(map(len, code.merge.neighbours), default=0) if code.merge else 0,
        "span": span,
        "data_bits": w.data,
        "lows": sorted({f.low_bits for _, _, f in w.fields} - {0}),
        "mantissa_bits": MANTISSA_BITS,
        "scale_shift": SCALE_SHIFT,
        "product_shift": PRODUCT_SHIFT,
        "sum_mantissa": SUM_MANTISSA,
        "sum_saturates": widths["total_t"] - SUM_MANTISSA >= 1 << SUM_EXPONENT,
        "largest_array": max(-(-weights.image_bits(model) // 8), *(len(t.rows) * len(t.rows[0]) for t in tables)),
        "structs": [{"name": "choose_weights", "type": "choose_weights_t", "members": _members(w)}],
        "data_in": "charges",
        "data_in_type": "charge_t",
        "data_in_size": "CELLS",
        "data_out": "frame",
        "data_out_type": "word_t",
        "data_out_size": "WORDS",
        "scalar": "crossing",
        "event": f"bunch crossing, {w.cells} charges",
        "result": f"{frame_words(model)} words",
    }


def _members(w: CellWidths) -> list[tuple[str, tuple[int, ...], int]]:
    """Return name, axes and bits of what the weight image holds, in its order."""
    op = w.choose
    limits = [("limits", (len(op.limits),), w.count)] if op.limits else []
    return [*limits, ("bias", (len(op.bias), len(op.modes)), op.bias_fraction)]


def _span(w: CellWidths) -> int:
    """Return the most bits behind the rank of the positions."""
    return max(1, *(w.behind(fields) for _, _, fields in w.fields))


def _widths(w: CellWidths) -> Iterator[tuple[str, int]]:
    """Yield every type of the C++ with its bits, negative for a signed one."""
    apportion, charge = w.apportion, w.model.input.charge
    total = width(w.cells * charge.max)
    scale = width(w.scale(w.modes))
    exponent = width(w.fraction)
    beyond = width(max(max(w.beyond_one(p), w.sent(p)) for p in range(w.slots)))
    missing = width(max(w.beyond_ones, w.spare)) + 1
    yield from {
        "charge_t": charge.width,
        "crossing_t": CROSSING_BITS,
        "word_t": WORD_BITS,
        "limit_t": w.count,
        "bias_t": w.choose.bias_fraction,
        "total_t": total,
        "log_t": width(total - 1),
        "sum_code_t": _SUM_BITS,
        "raised_t": charge.width + w.fraction,
        "x_t": w.x,
        "sum_t": w.sum,
        "value_t": max(w.value, w.sum),
        "count_t": w.count,
        "rank_t": w.rank,
        "mode_number_t": w.choose.mode_bits,
        "group_t": width(len(w.choose.bias) - 1),
        "estimate_t": w.estimate + 1,
        "exact_sum_t": width(w.exact_sum),
        "exponent_t": exponent,
        "lifted_t": w.sum + MANTISSA_BITS,
        "mantissa_t": MANTISSA_BITS + 1,
        "reciprocal_t": RECIPROCAL_BITS - MANTISSA_BITS + 1,
        "steps_t": width(max(map(w.steps, w.modes))),
        "scaled_t": scale + SCALE_SHIFT,
        "scale_t": scale,
        "product_t": w.sum + scale,
        "shift_t": width(w.fraction + PRODUCT_SHIFT),
        "share_t": width(max(map(w.shares, w.modes)) + apportion.offset),
        "left_t": apportion.fraction,
        "beyond_t": beyond,
        "spare_t": width(w.spare),
        "missing_t": -missing,
        "own_t": -(max(beyond + 1, missing) + 1),
        "low_t": width(max(fields.low_bits for _, _, fields in w.fields)),
        "down_t": width(max(map(max, _down(w)))),
        "high_t": width(max(w.room(p) for p in range(w.parts))),
        "high_rank_t": max(1, *(fields.high_bits for _, _, fields in w.fields)),
        "position_t": max(1, w.position),
        "lows_t": _span(w),
        "fields_t": max(max(1, w.position) + _span(w), w.data),
        "frame_t": WORD_BITS * frame_words(w.model),
    }.items()


def _down(w: CellWidths) -> list[tuple[int, int]]:
    """Return how far the fields move right, by mode, with loss and without; 0 where there is no such frame."""
    down = [[0, 0] for _ in w.modes]
    for number, exact, fields in w.fields:
        down[number][exact] = _span(w) - w.behind(fields)
    return [(lossy, exact) for lossy, exact in down]


def _tables(w: CellWidths, widths: dict[str, int]) -> Iterator[Table]:
    def table(name: str, kind: str, sizes: str, rows: list[list[int]], meaning: str) -> Table:
        bits = widths.get(kind, 0)
        c_type = kind if kind in widths else "int"
        assert all(number >= 0 and (not bits or number.bit_length() <= bits) for row in rows for number in row)
        return Table(name, c_type, sizes, tuple(map(tuple, rows)), meaning)

    by_count = {mode.cells: (number, mode.exact_sum) for number, mode in enumerate(w.modes) if mode.exact_sum}
    counts = [by_count.get(k, (0, 0)) for k in range(w.cells + 1)]
    yield table("MODE_CELLS", "int", "[MODES]", [[mode.cells for mode in w.modes]], "cells that a mode sends")
    yield table("SPARE", "spare_t", "[MODES]", [[m.pulses - m.cells for m in w.modes]], "pulses beyond one per cell")
    yield table(
        "STEPS", "steps_t", "[MODES]", [[w.steps(mode) for mode in w.modes]],
        f"(pulses << {w.apportion.fraction}) - {w.apportion.offset} * cells",
    )  # fmt: skip
    yield table(
        "EXACT_SUM", "exact_sum_t", "[CELLS + 1]", [[limit for _, limit in counts]],
        "by charged cells: largest sum that is sent without loss",
    )  # fmt: skip
    yield table(
        "EXACT_MODE", "mode_number_t", "[CELLS + 1]", [[number for number, _ in counts]],
        "by charged cells: the mode of events without loss",
    )  # fmt: skip
    yield table(
        "RECIPROCAL", "reciprocal_t", f"[{1 << MANTISSA_BITS}]",
        [[(1 << RECIPROCAL_BITS) // m for m in range(1 << MANTISSA_BITS, 2 << MANTISSA_BITS)]],
        f"2**{RECIPROCAL_BITS} / ({1 << MANTISSA_BITS} + index)",
    )  # fmt: skip
    low = [[0, 0] for _ in w.modes]
    for number, exact, fields in w.fields:
        low[number][exact] = fields.low_bits
    yield table("LOW_BITS", "low_t", "[MODES][2]", low, "with loss, without: low bits of every part")
    yield table(
        "DOWN", "down_t", "[MODES][2]", [list(pair) for pair in _down(w)], "with loss, without: fields moved right"
    )
    # The j-th of k cells has k - j cells behind it.
    behind = [
        [
            comb(i, j) if any(0 <= mode.cells - j <= w.cells - 1 - i for mode in w.modes) else 0
            for j in range(1, w.slots + 1)
        ]
        for i in range(w.cells)
    ]
    yield table("POSITION", "position_t", "[CELLS][SLOTS]", behind, "C(cell, 1 + cells that are sent before it)")
    room = max(w.room(p) for p in range(w.parts))
    high = [[comb(s + p, p + 1) if s <= w.room(p) else 0 for s in range(room + 1)] for p in range(w.parts)]
    yield table("HIGH_RANK", "high_rank_t", f"[PARTS][{room + 1}]", high, "C(sum + part, part + 1) by part and sum")
    merge = w.model.cell_code.merge
    if merge and any(merge.neighbours):
        most = max(map(len, merge.neighbours))
        near = [[*row, *[w.cells] * (most - len(row))] for row in merge.neighbours]
        yield table("NEIGHBOURS", "int", "[CELLS][NEAR]", near, "cells next to every cell, CELLS for none")
