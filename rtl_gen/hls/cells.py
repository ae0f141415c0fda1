"""What the templates need to know of a model that sends cells as pulses: widths of all types, and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """A constant table of the C++, a ROM of machine integers: whoever reads one gives it its width.

    Parameters
    ----------
    name : in C++
    sizes : of its axes, as C++ writes them
    rows : its numbers, one row of them per line
    meaning : comment
    """

    name: str
    sizes: str
    rows: tuple[tuple[int, ...], ...]
    meaning: str

    @property
    def largest(self) -> int:
        """The largest number."""
        return max(max(row) for row in self.rows)

    @property
    def type(self) -> str:
        """The type of the numbers in C++."""
        return "unsigned long long" if self.largest >> 31 else "int"

    @property
    def text(self) -> str:
        """The initialiser in C++."""
        suffix = "ULL" if self.largest >> 31 else ""
        rows = [", ".join(f"{number}{suffix}" for number in row) for row in self.rows]
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
    tables = tuple(_tables(w))
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


def _tables(w: CellWidths) -> Iterator[Table]:
    modes, cells = w.modes, w.cells
    offset, steps = w.apportion.offset, w.apportion.fraction
    yield _row("MODE_CELLS", "[MODES]", [mode.cells for mode in modes], "cells that a mode sends")
    yield _row("SPARE", "[MODES]", [mode.pulses - mode.cells for mode in modes], "pulses of a mode beyond one per cell")
    yield _row("STEPS", "[MODES]", [w.steps(mode) for mode in modes], f"(pulses << {steps}) - {offset} * cells")
    by_count = {mode.cells: (number, mode.exact_sum) for number, mode in enumerate(modes) if mode.exact_sum}
    counts = [by_count.get(k, (0, 0)) for k in range(cells + 1)]
    by_charged = "of events without loss, by their number of charged cells"
    yield _row("EXACT_SUM", "[CELLS + 1]", [limit for _, limit in counts], f"largest sum {by_charged}")
    yield _row("EXACT_MODE", "[CELLS + 1]", [number for number, _ in counts], f"mode {by_charged}")
    reciprocals = [(1 << RECIPROCAL_BITS) // m for m in range(1 << MANTISSA_BITS, 2 << MANTISSA_BITS)]
    yield _row(
        "RECIPROCAL", f"[{len(reciprocals)}]", reciprocals, f"2**{RECIPROCAL_BITS} / ({len(reciprocals)} + index)"
    )
    low = [[0, 0] for _ in modes]
    for number, exact, fields in w.fields:
        low[number][exact] = fields.low_bits
    yield _table("LOW_BITS", "[MODES][2]", low, "low bits of a part with loss, without")
    yield _table("DOWN", "[MODES][2]", _down(w), "how far the fields move right with loss, without")
    ranks = [[_binomial(w, cell, j) for j in range(1, w.slots + 1)] for cell in range(cells)]
    yield _table("POSITION", "[CELLS][SLOTS]", ranks, "C(cell, 1 + cells that are sent before it)")
    room = [w.room(part) for part in range(w.parts)]
    high = [[comb(s + p, p + 1) if s <= most else 0 for s in range(max(room) + 1)] for p, most in enumerate(room)]
    yield _table("HIGH_RANK", f"[PARTS][{max(room) + 1}]", high, "C(sum + part, part + 1), by part and sum")
    merge = w.model.cell_code.merge
    if merge and any(merge.neighbours):
        most = max(map(len, merge.neighbours))
        near = [[*row, *[cells] * (most - len(row))] for row in merge.neighbours]
        yield _table("NEIGHBOURS", "[CELLS][NEAR]", near, "cells next to every cell, CELLS for none")


def _binomial(w: CellWidths, cell: int, j: int) -> int:
    """Return C(cell, j), or 0 where no mode has the cell as its j-th: of k cells, k - j are behind it."""
    possible = any(0 <= mode.cells - j <= w.cells - 1 - cell for mode in w.modes)
    return comb(cell, j) if possible else 0


def _row(name: str, sizes: str, numbers: Sequence[int], meaning: str) -> Table:
    return _table(name, sizes, [numbers], meaning)


def _table(name: str, sizes: str, rows: Sequence[Sequence[int]], meaning: str) -> Table:
    return Table(name, sizes, tuple(map(tuple, rows)), meaning)
