"""The choice of the mode and of the cells that are sent."""

from __future__ import annotations

from econ_ae.ir import weights
from econ_ae.ir.cell_widths import CellWidths
from rtl_gen.verilog.cells.text import Net, Text, any_of, bus, extended, joined, repeated


def group(module: str, widths: CellWidths) -> Text:
    """Return the class of the event, and which modes it has cells for, both one bit each."""
    w, op = widths, widths.choose
    classes = len(op.bias)
    text = Text(
        module,
        (
            f"Choose {op.name}: the class of the event, how many of the limits its cells with charge reach, and the modes",
            "that have no more cells than that; one bit for each class and mode.",
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
    text.output("group", classes, joined(found))
    text.output("open", len(w.modes), joined([f"(hit >= {w.count}'d{mode.cells})" for mode in w.modes]))
    return text


def choose(module: str, widths: CellWidths) -> Text:
    """Return the mode with the smallest estimate: one product per mode, then a tree of comparisons."""
    w, op = widths, widths.choose
    b, classes = op.bias_fraction, len(op.bias)
    text = Text(
        module,
        (
            f"Choose {op.name}: the mode with the smallest estimate (dropped << {b}) + bias * total, of equal ones the lower",
            "number, among those that are open, which have no more cells than have charge. The bias is that of the group.",
            "  weights: the limits, which are for the group, then the biases by class and mode",
        ),
    )
    text.input("dropped", len(w.modes) * w.sum)
    text.input("total", w.sum)
    text.input("group", classes)
    text.input("open", len(w.modes))
    text.input("weights", weights.image_bits(w.model))
    fields = {f.kind: f for f in weights.fields(w.model)}
    text.comment("Three times the total, for the products: two bits of a bias pick one of its multiples")
    text.wire("one", w.sum + 2, f"{{2'd0, total}}")
    text.wire("two", w.sum + 2, f"{{1'd0, total, 1'd0}}")
    text.wire("three", w.sum + 2, "one + two")
    text.comment("Estimates; all ones for a mode with more cells than have charge")
    bits = w.estimate
    entries: list[tuple[str, str]] = []
    for m in range(len(w.modes)):
        start = fields["bias"].offset
        gated = [f"({repeated(f'group[{c}]', b)} & {_number(start + (c * len(w.modes) + m) * b, b)})" for c in range(classes)]
        bias = text.wire(f"bias{m}", b, any_of(gated))
        rows = [extended(f"{{{bus('dropped', m, w.sum)}, {b}'d0}}", w.sum + b, bits)]
        for digit in range(0, b, 2):
            rows.append(_row(text, f"p{m}_{digit}", bias, digit, b, w.sum, bits))
        estimate = text.wire(f"e{m}", bits, "\n        + ".join(rows))
        ok = text.wire(f"ok{m}", 1, f"open[{m}]")
        entries.append((text.wire(f"c{m}_0", bits + 1, f"{{~{ok}, {estimate} | {repeated(f'~{ok}', bits)}}}"), f"{op.mode_bits}'d{m}"))
    text.comment("The smallest, the first of equal ones")
    level = 0
    while len(entries) > 1:
        level += 1
        following = []
        for at in range(0, len(entries) - 1, 2):
            (left, left_mode), (right, right_mode) = entries[at : at + 2]
            name = f"{at}_{level}"
            text.wire(f"t{name}", 1, f"{right} < {left}")
            following.append(
                (
                    text.wire(f"c{name}", bits + 1, f"t{name} ? {right} : {left}"),
                    text.wire(f"m{name}", op.mode_bits, f"t{name} ? {right_mode} : {left_mode}"),
                )
            )
        entries = following + entries[len(entries) // 2 * 2 :]
    text.output("mode", op.mode_bits, entries[0][1])
    return text


def _number(low: int, bits: int) -> str:
    return f"weights[{low}]" if bits == 1 else f"weights[{low + bits - 1}:{low}]"


def _row(text: Text, name: str, value: str, digit: int, value_bits: int, multiple_bits: int, bits: int) -> str:
    """Add the multiple that two bits of a number pick; return it at its place."""
    wide = multiple_bits + 2
    one = value if value_bits == 1 else f"{value}[{digit}]"
    if digit + 1 < value_bits:
        two = f"{value}[{digit + 1}]"
        picked = (
            f"({repeated(f'({one} & ~{two})', wide)} & one) | ({repeated(f'({two} & ~{one})', wide)} & two)"
            f" | ({repeated(f'({one} & {two})', wide)} & three)"
        )
    else:
        picked = f"{repeated(one, wide)} & one"
    text.wire(name, wide, picked)
    room = bits - digit
    low = extended(name, wide, min(wide, room))
    padded = extended(low, min(wide, room), room)
    return f"{{{padded}, {digit}'d0}}" if digit else padded


def send(module: str, widths: CellWidths) -> Text:
    """Return mode, number of cells and which cells are sent."""
    w, n = widths, widths.cells
    text = Text(
        module,
        (
            f"Choose {w.choose.name}: mode and cells that are sent. Without loss those with charge, else the first in rank.",
            "  largest: the cell of rank 0",
        ),
    )
    text.input("values", n * w.value)
    text.input("rank", n * w.rank)
    text.input("exact", 1)
    text.input("hits", w.count)
    text.input("exact_mode", w.choose.mode_bits)
    text.input("best_mode", w.choose.mode_bits)
    text.table("cells_of_mode", w.count, "best_mode", w.choose.mode_bits, {m: mode.cells for m, mode in enumerate(w.modes)})
    text.output("mode", w.choose.mode_bits, "exact ? exact_mode : best_mode")
    text.output("cells", w.count, "exact ? hits : cells_of_mode")
    sent = []
    for i in range(n):
        rank = extended(bus("rank", i, w.rank), w.rank, w.count)
        sent.append(text.wire(f"s{i}", 1, f"exact ? |{bus('values', i, w.value)} : {rank} < cells_of_mode"))
    text.output("sent", n, joined(sent))
    text.output("largest", n, joined([f"({bus('rank', i, w.rank)} == {w.rank}'d0)" for i in range(n)]))
    return text
