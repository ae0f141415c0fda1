"""The fields of a frame: low bits of every part, rank of the high parts, all at their places."""

from __future__ import annotations

from math import comb

from econ_ae.ir.cell_widths import CellWidths, width
from rtl_gen.verilog.cells.apportion import beyond_bits
from rtl_gen.verilog.cells.text import Net, Text, any_of, extended, joined, repeated


def parts(module: str, widths: CellWidths) -> Text:
    """Return the parts that are sent, and what of them is above the low bits, added up within groups."""
    w, mode_bits = widths, widths.choose.mode_bits
    text = Text(
        module,
        (
            f"Enumerate {w.model.cell_code.enumerate.name}: the parts, which are the pulses of a cell beyond one,",
            "and what is above their low bits, added up within groups.",
            "  With loss the last cell has no part: the sum is known.",
        ),
    )
    text.input("pulses", w.slots * beyond_bits(w))
    text.input("mode", mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    reach = _low_flags(text, w)
    _parts(text, w)
    highs = _highs(text, w, reach)
    text.output("parts", w.parts * beyond_bits(w), joined(_masked(w)))
    bits = high_bits(w)
    text.output("highs", w.parts * bits, joined([extended(one.text, one.width, bits) for one in highs]))
    return text


def high_bits(widths: CellWidths) -> int:
    """Return the bits of a high part, and of a sum of them."""
    return width(max(widths.room(p) for p in range(widths.parts)))


def _masked(w: CellWidths) -> list[str]:
    return [extended(f"part{p}", width(w.sent(p)), beyond_bits(w)) for p in range(w.parts)]


def _low_flags(text: Text, w: CellWidths) -> dict[int, int]:
    """Add a flag for every number of low bits; return the most parts that have so many."""
    text.wire("key", w.choose.mode_bits + 1, "{mode, exact}")
    reach = _reach(w)
    for low in reach:
        these = [_key(number, exact) for number, exact, fields in w.fields if fields.low_bits == low]
        text.table(f"low{low}", 1, "key", w.choose.mode_bits + 1, dict.fromkeys(these, 1))
    return reach


def enumerate_fields(module: str, widths: CellWidths) -> Text:
    """Return mode, loss, and behind them the fields, right-aligned."""
    w, mode_bits, bits = widths, widths.choose.mode_bits, beyond_bits(widths)
    text = Text(
        module,
        (
            f"Enumerate {w.model.cell_code.enumerate.name}: mode, loss, zeros, rank of the positions, low bits of all",
            "parts in cell order, rank of the high parts; the last field ends with the last bit.",
        ),
    )
    text.input("parts", w.parts * bits)
    text.input("highs", w.parts * high_bits(w))
    text.input("mode", mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    text.input("position", w.position)
    text.wire("charged", 1, f"cells != {w.count}'d0")
    reach = _low_flags(text, w)
    for p in range(w.parts):
        wide = width(w.sent(p))
        text.wire(f"part{p}", wide, f"parts[{p * bits + wide - 1}:{p * bits}]")
    high = _high_rank(text, w)
    span = max(1, *(w.behind(fields) for _, _, fields in w.fields))
    _low_bits(text, w, reach, span)
    shifts = {_key(number, exact): span - w.behind(fields) for number, exact, fields in w.fields}
    text.table("down", width(max(shifts.values())), "key", mode_bits + 1, shifts)
    text.wire("fields", w.position + span, "{position, low} >> down")
    used = min(w.data, w.position + span)
    placed = extended(extended("fields", w.position + span, used), used, w.data)
    text.wire("data", w.data, f"{placed} | {extended(high.text, high.width, w.data)}")
    head = f"{repeated('charged', mode_bits)} & mode, charged & exact"
    text.output("fields_of_frame", mode_bits + 1 + w.data, f"{{{head}, data}}")
    return text


def _key(mode: int, exact: bool) -> int:
    return 2 * mode + exact


def _reach(w: CellWidths) -> dict[int, int]:
    """Return the most parts of a frame by their number of low bits."""
    found: dict[int, int] = {}
    for _, _, fields in sorted(w.fields, key=lambda entry: entry[2].low_bits):
        found[fields.low_bits] = max(found.get(fields.low_bits, 0), fields.parts)
    return found


def _piece(part: int, w: CellWidths, low: int, bits: int) -> str:
    """Return up to so many bits of a part, from bit ``low`` on, with zeros in front."""
    have = min(bits, width(w.sent(part)) - low)
    return extended(f"part{part}[{low + have - 1}:{low}]", have, bits)


def _parts(text: Text, w: CellWidths) -> None:
    bits = beyond_bits(w)
    for p in range(w.parts):
        wide = width(w.sent(p))
        used = repeated(_used(text, w, p), wide)
        text.wire(f"part{p}", wide, f"{used} & pulses[{p * bits + wide - 1}:{p * bits}]")


def _highs(text: Text, w: CellWidths, reach: dict[int, int]) -> list[Net]:
    """Add what is above the low bits of every part, added up within groups."""
    text.comment("High parts")
    found: list[Net] = []
    for p in range(w.parts):
        bits = width(w.room(p))
        lows = [low for low, parts in reach.items() if p < parts and width(w.sent(p)) > low and w.room(p)]
        picked = [f"({repeated(f'low{low}', bits)} & {_piece(p, w, low, bits)})" for low in lows]
        found.append(text.net(f"h{p}", (1 << bits) - 1, any_of(picked)) if picked else Net("1'd0", 0))
    return text.in_groups("s", found, _largest_sums(w))


def _largest_sums(w: CellWidths) -> list[int]:
    return [(1 << width(w.room(p))) - 1 for p in range(w.parts)]


def _used(text: Text, w: CellWidths, part: int) -> str:
    """Add whether a part is sent; return the name of the net."""
    last = f"(exact && cells == {w.count}'d{part + 1})"
    return text.wire(f"used{part}", 1, f"cells > {w.count}'d{part + 1} || {last}" if part + 1 < w.slots else last)


def _high_rank(text: Text, w: CellWidths) -> Net:
    text.comment("Sums of the high parts up to every one")
    bits = high_bits(w)
    terms = []
    for p in range(w.parts):
        own = width(w.room(p))
        terms.append(text.net(f"h{p}", (1 << own) - 1, f"highs[{p * bits + own - 1}:{p * bits}]"))
    sums = text.over_groups("s", terms, _largest_sums(w))
    text.comment("The rank of the places that they are: the sum of C(sum + j - 1, j) over the parts j = 1, 2, ...")
    ranks = []
    for p in range(w.parts):
        table = {s: comb(s + p, p + 1) for s in range(1, w.room(p) + 1)}
        if table:
            key, largest = width(w.room(p)), max(table.values())
            text.wire(f"t{p}", key, f"{repeated(_used(text, w, p), key)} & {sums[p].to(key)}")
            ranks.append(Net(text.table(f"c{p}", width(largest), f"t{p}", key, table), largest))
    bits = max(1, *(fields.high_bits for _, _, fields in w.fields))
    return text.total("high", ranks, (1 << bits) - 1)


def _low_bits(text: Text, w: CellWidths, reach: dict[int, int], span: int) -> None:
    text.comment("Low bits, first part first, from the left")
    found = []
    for low, parts in reach.items():
        if low:
            pieces = [_piece(p, w, 0, low) for p in range(parts)]
            room = span - low * parts
            body = ", ".join([*pieces, f"{room}'d0"] if room else pieces)
            found.append(text.wire(f"left{low}", span, f"{repeated(f'low{low}', span)} & {{{body}}}"))
    text.wire("low", span, any_of(found) if found else f"{span}'d0")
