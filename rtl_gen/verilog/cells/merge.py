"""From the cells that are sent to slots: merged charges side by side in cell order, and the rank of the positions."""

from __future__ import annotations

from math import comb

from econ_ae.ir.cell_widths import CellWidths, width
from econ_ae.ir.cells import Merge
from rtl_gen.verilog.cells.text import Net, Text, bus, extended, joined, repeated


def charge_bits(widths: CellWidths) -> int:
    """Return the bits of what a cell that is sent has: its merged charge, or without loss its charge."""
    return max(widths.value, widths.sum)


def merge(module: str, widths: CellWidths, op: Merge | None) -> Text:
    """Return the charges of the cells that are sent, and their sum."""
    w, n, bits = widths, widths.cells, charge_bits(widths)
    text = Text(
        module,
        (
            *(
                (
                    f"Merge {op.name}: a cell that is sent takes the charges of those that are not sent and whose",
                    "largest neighbour it is.",
                )
                if op
                else ("The charges of the cells that are sent.",)
            ),
            "Without loss all others are 0, and the charges stay as they are.",
            "  sum: of the charges, unless they are without loss",
        ),
    )
    text.input("values", n * w.value)
    text.input("sent", n)
    gives: list[list[str]] = [[] for _ in range(n)]
    if op and any(op.neighbours):
        text.input("best", sum(map(len, op.neighbours)))
        place = 0
        for i, near in enumerate(op.neighbours):
            if near:
                text.wire(f"left{i}", w.x, f"{repeated(f'~sent[{i}]', w.x)} & {_low(i, w)}")
            for j in near:
                name = f"g{i}_{j}"
                text.wire(name, w.x, f"{repeated(f'best[{place}]', w.x)} & left{i}")
                gives[j].append(name)
                place += 1
    charges, sums = [], []
    for j in range(n):
        own = text.wire(f"own{j}", w.x, f"{repeated(f'sent[{j}]', w.x)} & {_low(j, w)}")
        if gives[j]:
            all_given = text.wire(
                f"given{j}", w.sum, " + ".join(extended(name, w.x, w.sum) for name in [own, *gives[j]])
            )
            low = text.wire(f"c{j}", w.sum, f"{repeated(f'sent[{j}]', w.sum)} & {all_given}")
        else:
            low = text.wire(f"c{j}", w.sum, extended(own, w.x, w.sum))
        sums.append(Net(low, (1 << w.sum) - 1))
        charges.append(_whole(j, w, low, bits))
    text.output("charges", n * bits, joined(charges))
    text.output("sum", w.sum, text.total("total", sums, (1 << w.sum) - 1).text)
    return text


def _low(cell: int, w: CellWidths) -> str:
    low = cell * w.value
    return f"values[{low + w.x - 1}:{low}]" if w.x > 1 else f"values[{low}]"


def _whole(cell: int, w: CellWidths, low: str, bits: int) -> str:
    """Return the merged charge and in front of it the bits that only charges without loss have."""
    start = cell * w.value
    if w.value <= w.x:
        return extended(low, w.sum, bits)
    if w.value <= w.sum:  # both in the same bits
        above = f"{{values[{start + w.value - 1}:{start + w.x}], {w.x}'d0}}"
        return f"({extended(low, w.sum, bits)} | {extended(above, w.value, bits)})"
    middle = f"values[{start + w.value - 1}:{start + w.sum}]"
    if w.x == w.sum:
        return f"{{{middle}, {low}}}"
    return f"{{{middle}, {low} | {{values[{start + w.sum - 1}:{start + w.x}], {w.x}'d0}}}}"


def count(module: str, widths: CellWidths) -> Text:
    """Return how many cells with a lower number than each are sent."""
    w, n = widths, widths.cells
    text = Text(module, ("Number of the cells that are sent before every cell, in cell order.",))
    text.input("sent", n)
    found = text.prefix("n", [Net(f"sent[{i}]", 1) for i in range(n)], [i + 1 for i in range(n)])
    before = [f"{w.count}'d0", *(one.to(w.count) for one in found[: n - 1])]
    text.output("ahead", n * w.count, joined(before))
    return text


def compact(module: str, widths: CellWidths) -> Text:
    """Return the charges of the cells that are sent in slots, first cell first; zeros behind the last."""
    w, n, bits = widths, widths.cells, charge_bits(widths)
    wide = bits + 1
    text = Text(
        module,
        (
            "The cells that are sent side by side in cell order, zeros behind them.",
            "A cell moves down by the number of cells before it that are not sent, one binary digit of it per stage.",
        ),
    )
    text.input("sent", n)
    text.input("ahead", n * w.count)
    text.input("charges", n * bits)
    text.input("largest", n)
    stages = width(n - 1)
    for i in range(n):
        text.wire(f"v0_{i}", wide, f"{{largest[{i}] & sent[{i}], {bus('charges', i, bits)}}}")
        down = f"{stages}'d{i} - {_digits(text, w, stages, i)}"
        text.wire(f"k0_{i}", stages, f"{repeated(f'sent[{i}]', stages)} & ({down})")
    for stage in range(stages):
        step = 1 << stage
        left = stages - stage - 1
        for i in range(n):
            key = f"k{stage}_{i}" + ("[0]" if left else "")
            text.wire(f"go{stage}_{i}", 1, key)
        for i in range(n):
            stay = f"({repeated(f'~go{stage}_{i}', wide)} & v{stage}_{i})"
            come = f" | ({repeated(f'go{stage}_{i + step}', wide)} & v{stage}_{i + step})" if i + step < n else ""
            text.wire(f"v{stage + 1}_{i}", wide, stay + come)
            if left:
                rest = f"k{stage}_{i}[{left}:1]"
                stay = f"({repeated(f'~go{stage}_{i}', left)} & {rest})"
                come = (
                    f" | ({repeated(f'go{stage}_{i + step}', left)} & k{stage}_{i + step}[{left}:1])"
                    if i + step < n
                    else ""
                )
                text.wire(f"k{stage + 1}_{i}", left, stay + come)
    last = [f"v{stages}_{i}" for i in range(n)]
    text.output("slots", w.slots * bits, joined([f"{name}[{bits - 1}:0]" for name in last[: w.slots]]))
    text.output("largest_slot", w.slots, joined([f"{name}[{bits}]" for name in last[: w.slots]]))
    return text


def _digits(text: Text, w: CellWidths, wanted: int, cell: int) -> str:
    """Return the number of cells that are sent before one, which is less than n."""
    ahead = bus("ahead", cell, w.count)
    return ahead if w.count == wanted else extended(text.wire(f"w{cell}", w.count, ahead), w.count, wanted)


def position(module: str, widths: CellWidths) -> Text:
    """Return the rank of the set of the cells that are sent: C(cell, j) for the j-th of them, added up."""
    w, n, bits = widths, widths.cells, widths.position
    text = Text(
        module,
        (
            "Rank of the positions in the combinatorial number system: the sum of C(cell, j) over the cells that are",
            "sent, j = 1, 2, ... in cell order.",
        ),
    )
    text.input("sent", n)
    text.input("ahead", n * w.count)
    terms = []
    for i in range(1, n):
        # The j-th of k cells has k - j cells behind it.
        table = {j: comb(i, j) for j in range(1, i + 1) if any(0 <= mode.cells - j <= n - 1 - i for mode in w.modes)}
        key_bits = width(i)
        largest = max(table.values(), default=0)
        if not largest:
            continue
        name = text.table(
            f"c{i}",
            width(largest),
            f"{{sent[{i}], {_key(i, w, key_bits)}}}",
            key_bits + 1,
            {(1 << key_bits) + j - 1: v for j, v in table.items()},
        )
        terms.append(Net(name, largest))
    text.output("position", bits, text.total("sum", terms, (1 << bits) - 1).text)
    return text


def _key(cell: int, w: CellWidths, bits: int) -> str:
    low = cell * w.count
    return f"ahead[{low + bits - 1}:{low}]" if bits > 1 else f"ahead[{low}]"
