"""The choice of the mode and of the cells that are sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from econ_ae.ir import weights
from econ_ae.ir.cell_widths import CellWidths
from rtl_gen.verilog.cells.products import common
from rtl_gen.verilog.cells.text import SHARED, Net, Text, any_of, bus, copies, extended, joined, repeated


def group(module: str, widths: CellWidths) -> Text:
    """Return the class of the event, and which modes it has cells for, both one bit each."""
    w, op = widths, widths.choose
    classes = len(op.bias)
    text = Text(
        module,
        (
            f"Choose {op.name}: the class of the event, how many of the limits its cells with charge reach, and the",
            "modes that have no more cells than that; one bit for each class and mode.",
            f"  group: a copy for every {SHARED} modes",
            "  weights: the limits, then the biases, which are for the choice",
        ),
    )
    text.input("hit", w.count)
    text.input("weights", weights.image_bits(w.model))
    reached = [
        Net(text.wire(f"reached{i}", 1, f"hit >= {_number(f.offset + i * f.format.width, f.format.width)}"), 1)
        for f in weights.fields(w.model)
        if f.kind == "limits"
        for i in range(f.count)
    ]
    if reached:
        number = text.total("number", reached, classes - 1)
        found = [f"({number.text} == {number.width}'d{c})" for c in range(classes)]
    else:
        found = ["1'b1"]
    text.wire("one_of", classes, joined(found))
    many = copies(len(w.modes))
    text.output("group", classes * many, f"{{{many}{{one_of}}}}")
    text.output("open", len(w.modes), joined([f"(hit >= {w.count}'d{mode.cells})" for mode in w.modes]))
    return text


def choose(module: str, widths: CellWidths) -> Text:
    """Return the mode with the smallest estimate: one product per mode, then a tree of comparisons."""
    w, op = widths, widths.choose
    text = Text(
        module,
        (
            f"Choose {op.name}: the mode with the smallest estimate (dropped << {op.bias_fraction}) + bias * total, of",
            "equal ones the lower number, among those that are open, with no more cells than have charge. The bias",
            "is that of the group.",
            "  weights: the limits, which are for the group, then the biases by class and mode",
        ),
    )
    text.input("dropped", len(w.modes) * w.sum)
    text.input("totals", w.sum * copies(len(w.modes)))
    text.input("group", len(op.bias) * copies(len(w.modes)))
    text.input("open", len(w.modes))
    text.input("weights", weights.image_bits(w.model))
    entries = _estimates(text, w)
    text.comment("The smallest, the first of equal ones")
    level = 0
    while len(entries) > 1:
        level += 1
        entries = [
            _smallest(text, f"{level}_{at}", entries[at : at + _AT_ONCE], op.mode_bits)
            for at in range(0, len(entries), _AT_ONCE)
        ]
    text.output("mode", op.mode_bits, entries[0].mode)
    return text


_AT_ONCE = 4
"""Estimates of which every pair is compared: half as many comparisons behind each other as with two."""


@dataclass(frozen=True)
class _Entry:
    """A mode that may be the best: its estimate, ``bits`` wide, and its number."""

    estimate: str
    bits: int
    mode: str


def _estimates(text: Text, w: CellWidths) -> list[_Entry]:
    """Add the estimates of all modes, all ones for those that are not open."""
    fraction, bits = w.choose.bias_fraction, w.estimate
    start = next(f.offset for f in weights.fields(w.model) if f.kind == "bias")
    text.comment("Estimates, behind a bit that says that the mode is not open")
    totals = [common(text, bus("totals", copy, w.sum), w.sum, stem=f"k{copy}_") for copy in range(copies(len(w.modes)))]
    classes = len(w.choose.bias)
    found = []
    for m in range(len(w.modes)):
        gated = []
        for c in range(classes):
            here = repeated(f"group[{m // SHARED * classes + c}]", fraction)
            gated.append(f"({here} & {_number(start + (c * len(w.modes) + m) * fraction, fraction)})")
        bias = text.wire(f"bias{m}", fraction, any_of(gated))
        lost = extended(f"{{{bus('dropped', m, w.sum)}, {fraction}'d0}}", w.sum + fraction, bits)
        rows = [lost, *totals[m // SHARED].rows(bias, fraction, bits, stem=f"p{m}")]
        estimate = text.wire(f"e{m}", bits, "\n        + ".join(rows))
        closed = text.wire(f"closed{m}", 1, f"~open[{m}]")
        entry = text.wire(f"c0_{m}", bits + 1, f"{{{closed}, {estimate} | {repeated(closed, bits)}}}")
        found.append(_Entry(entry, bits + 1, f"{w.choose.mode_bits}'d{m}"))
    return found


def _smallest(text: Text, name: str, entries: list[_Entry], mode_bits: int) -> _Entry:
    """Add the smallest of a few entries: every pair is compared at once, which takes no longer than one comparison."""
    if len(entries) == 1:
        return entries[0]
    after = {
        (i, j): text.wire(f"t{name}_{i}_{j}", 1, f"{entries[j].estimate} < {entries[i].estimate}")
        for i, j in combinations(range(len(entries)), 2)
    }
    bits, chosen = entries[0].bits, range(len(entries))
    for i in chosen:
        beaten = [after[i, j] for j in chosen if j > i] + [f"~{after[j, i]}" for j in chosen if j < i]
        text.wire(f"w{name}_{i}", 1, f"~({' | '.join(beaten)})")
    estimates = (f"({repeated(f'w{name}_{i}', bits)} & {entries[i].estimate})" for i in chosen)
    modes = (f"({repeated(f'w{name}_{i}', mode_bits)} & {entries[i].mode})" for i in chosen)
    estimate = text.wire(f"c{name}", bits, any_of(estimates))
    return _Entry(estimate, bits, text.wire(f"m{name}", mode_bits, any_of(modes)))


def _number(low: int, bits: int) -> str:
    return f"weights[{low}]" if bits == 1 else f"weights[{low + bits - 1}:{low}]"


def send(module: str, widths: CellWidths) -> Text:
    """Return mode, number of cells and which cells are sent."""
    w, n = widths, widths.cells
    text = Text(
        module,
        (
            f"Choose {w.choose.name}: mode and cells that are sent: without loss those with charge, else the first in",
            "rank.",
            "  largest: the cell of rank 0",
        ),
    )
    text.input("values", n * w.value)
    text.input("rank", n * w.rank)
    text.input("exact", 1)
    text.input("hits", w.count)
    text.input("exact_mode", w.choose.mode_bits)
    text.input("best_mode", w.choose.mode_bits)
    cells = {m: mode.cells for m, mode in enumerate(w.modes)}
    text.table("cells_of_mode", w.count, "best_mode", w.choose.mode_bits, cells)
    text.output("mode", w.choose.mode_bits, "exact ? exact_mode : best_mode")
    text.output("cells", w.count, "exact ? hits : cells_of_mode")
    sent = []
    for i in range(n):
        rank = extended(bus("rank", i, w.rank), w.rank, w.count)
        sent.append(text.wire(f"s{i}", 1, f"exact ? |{bus('values', i, w.value)} : {rank} < cells_of_mode"))
    text.output("sent", n, joined(sent))
    text.output("largest", n, joined([f"({bus('rank', i, w.rank)} == {w.rank}'d0)" for i in range(n)]))
    return text
