"""An event before its mode is chosen: sent without loss or not, ranks of its cells, charge behind each rank."""

from __future__ import annotations

from econ_ae.ir.cell_widths import CellWidths, width
from econ_ae.ir.cells import Merge
from rtl_gen.verilog.cells.text import GROUP, Net, Text, any_of, bus, copies, extended, joined, repeated


def exact(module: str, widths: CellWidths, total_bits: int) -> Text:
    """Return the test whether an event is sent without loss, and what stands for its cells from here on.

    Parameters
    ----------
    total_bits : of the sum of all charges
    """
    w, n, charge = widths, widths.cells, widths.model.input.charge.width
    text = Text(
        module,
        (
            f"Choose {w.choose.name}: whether the event is sent without loss, which takes as many charged cells as a",
            "mode has and a sum of at most its limit. Then the charges stand for the cells, else the normalised ones.",
            "  hits: charged cells; mode: the mode of so many cells, when exact",
        ),
    )
    text.input("charges", n * charge)
    text.input("total", total_bits)
    text.input("x", n * w.x)
    limits = {mode.cells: mode.exact_sum for mode in w.modes if mode.exact_sum}
    hit = [Net(text.wire(f"hit{i}", 1, f"|{bus('charges', i, charge)}"), 1) for i in range(n)]
    text.total("count", hit, n)
    bits = w.exact_sum.bit_length()
    none = "total == " + f"{total_bits}'d0"
    if limits:
        text.table("limit", bits, "count", w.count, limits)
        over = f" && !(|total[{total_bits - 1}:{bits}])" if total_bits > bits else ""
        low = extended("total", total_bits, min(bits, total_bits))
        text.wire("fits", 1, f"|limit{over} && {extended(low, min(bits, total_bits), bits)} <= limit")
    text.wire("without_loss", 1, f"({none})" + (" || fits" if limits else ""))
    by_count = {mode.cells: number for number, mode in enumerate(w.modes) if mode.exact_sum}
    text.table("number", w.choose.mode_bits, "count", w.count, by_count)
    chosen = []
    for i in range(n):
        raw = extended(f"charges[{charge * i + min(w.value, charge) - 1}:{charge * i}]", min(w.value, charge), w.value)
        chosen.append(f"without_loss ? {raw} : {extended(bus('x', i, w.x), w.x, w.value)}")
    values = [text.wire(f"value{i}", w.value, expression) for i, expression in enumerate(chosen)]
    text.output("values", n * w.value, joined(values))
    text.output("exact", 1, "without_loss")
    text.output("hits", w.count, "count")
    text.output("mode", w.choose.mode_bits, "number")
    return text


def order(module: str, widths: CellWidths, merge: Merge | None) -> Text:
    """Return the ranks of all cells, and for every pair of neighbours whether the second is the first one's largest."""
    w, n = widths, widths.cells
    text = Text(
        module,
        (
            f"Order {w.model.cell_code.order.name}: rank of every cell by its normalised charge, 0 for the largest; of",
            "equal ones the cell with the lower number first. Every pair of cells is compared.",
            "  hit: cells with charge; totals: their sum, a copy for every few modes",
            *(("  best: for every cell and each of its neighbours in turn, whether that one is the largest of them",)
              if merge else ()),
        ),
    )  # fmt: skip
    text.input("values", n * w.value)
    for i in range(n):
        low = i * w.value
        text.wire(f"x{i}", w.x, f"values[{low + w.x - 1}:{low}]" if w.x > 1 else f"values[{low}]")
    text.comment("f<i>_<j>: cell i comes before cell j")
    for i in range(n):
        for j in range(i + 1, n):
            text.wire(f"f{i}_{j}", 1, f"x{i} >= x{j}")

    def before(i: int, j: int) -> str:
        return f"f{i}_{j}" if i < j else f"~f{j}_{i}"

    text.comment("The rank of a cell is the number of those before it.")
    ranks = []
    for i in range(n):
        ahead = [Net(before(j, i) if j < i else text.wire(f"b{j}_{i}", 1, before(j, i)), 1) for j in range(n) if j != i]
        found = text.total(f"r{i}", ahead, n - 1)
        ranks.append(found.to(w.rank))
    text.output("rank", n * w.rank, joined(ranks))
    if merge:
        text.comment("The largest neighbour of a cell comes before all others of its neighbours.")
        best = [
            " & ".join(before(j, other) for other in near if other != j) or "1'b1"
            for near in merge.neighbours
            for j in near
        ]
        if best:
            text.output("best", len(best), joined([f"({one})" if "&" in one else one for one in best]))
    hit = [Net(text.wire(f"hit{i}", 1, f"|x{i}"), 1) for i in range(n)]
    text.output("hit", w.count, text.total("hits", hit, n).text)
    sums = [Net(f"x{i}", (1 << w.x) - 1) for i in range(n)]
    text.total("sum", sums, (1 << w.sum) - 1)
    many = copies(len(w.modes))
    text.output("totals", w.sum * many, f"{{{many}{{sum}}}}")
    return text


def dropped(module: str, widths: CellWidths) -> Text:
    """Return the charges in the order of their ranks, added up within groups."""
    w, n, slots = widths, widths.cells, widths.slots
    most = (1 << w.sum) - 1
    text = Text(
        module,
        (
            f"Choose {w.choose.name}: the normalised charges in the order of their ranks, from the smallest on, first",
            "the sum of all that no mode sends; added up within groups of four.",
            f"  that of rank r is at most (2**{w.sum} - 1) / (r + 1)",
        ),
    )
    text.input("values", n * w.value)
    text.input("rank", n * w.rank)
    for i in range(n):
        low = i * w.value
        text.wire(f"x{i}", w.x, f"values[{low + w.x - 1}:{low}]" if w.x > 1 else f"values[{low}]")
        text.wire(f"rank{i}", w.rank, bus("rank", i, w.rank))
    terms: list[Net] = []
    if slots < n:
        text.comment("Cells that no mode sends")
        every = (1 << w.x) - 1
        late = [text.wire(f"late{i}", 1, f"rank{i} >= {w.rank}'d{slots}") for i in range(n)]
        behind = [text.net(f"o{i}", every, f"{repeated(late[i], w.x)} & x{i}") for i in range(n)]
        terms.append(text.total("others", behind, most))
    text.comment("Charges by rank")
    for r in reversed(_used(w)):
        largest = w.sorted_value(r)
        bits = width(largest)
        here = [f"(rank{i} == {w.rank}'d{r})" for i in range(n)]
        gated = [f"({repeated(here[i], bits)} & {extended(f'x{i}', w.x, bits)})" for i in range(n)]
        terms.append(text.net(f"sorted{r}", largest, any_of(gated)))
    inner = text.in_groups("d", terms, [most] * len(terms))
    text.output("behind", sum(one.width for one in inner), joined([one.text for one in inner]))
    return text


def lost(module: str, widths: CellWidths) -> Text:
    """Return the normalised charge of the cells that every mode does not send."""
    w, n, slots = widths, widths.cells, widths.slots
    most = (1 << w.sum) - 1
    text = Text(
        module,
        (
            f"Choose {w.choose.name}: the normalised charge that is lost with every mode, that of the cells whose rank",
            "is the mode's number of cells or more.",
            "  behind: charges from the smallest on, added up within groups",
        ),
    )
    bounds = group_bounds(w)
    text.input("behind", sum(map(width, bounds)))
    inner, at = [], 0
    for i, largest in enumerate(bounds):
        bits = width(largest)
        inner.append(text.net(f"g{i}", largest, f"behind[{at + bits - 1}:{at}]" if bits > 1 else f"behind[{at}]"))
        at += bits
    by_cells = {n: f"{w.sum}'d0"}
    for i, found in enumerate(text.over_groups("d", inner, [most] * len(inner))):
        # The last of the first `i + 1` terms is the charge of rank `first`.
        first = slots - i if slots < n else slots - 1 - i
        by_cells[first] = found.to(w.sum)
    text.output("dropped", len(w.modes) * w.sum, joined([by_cells[mode.cells] for mode in w.modes]))
    return text


def _used(w: CellWidths) -> range:
    """Return the ranks of cells that some modes send and others do not; the largest is always sent."""
    return range(1, min(w.slots, w.cells))


def group_bounds(w: CellWidths) -> list[int]:
    """Return the largest values of the sums within groups."""
    most = (1 << w.sum) - 1
    terms = [most] if w.slots < w.cells else []
    terms += [w.sorted_value(r) for r in reversed(_used(w))]
    return [min(sum(terms[i - i % GROUP : i + 1]), most) for i in range(len(terms))]
