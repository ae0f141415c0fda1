"""The fields of a frame: low bits of every part, rank of the high parts, all at their places."""

from __future__ import annotations

from math import comb

from econ_ae.ir.cell_widths import CellWidths, width
from rtl_gen.verilog.cells.apportion import beyond_bits
from rtl_gen.verilog.cells.text import Net, Text, any_of, bus, extended, joined, repeated


def enumerate_fields(module: str, widths: CellWidths) -> Text:
    """Return mode, loss, and behind them the fields, right-aligned."""
    w, bits, mode_bits = widths, beyond_bits(widths), widths.choose.mode_bits
    fields = w.fields
    parts = w.parts
    text = Text(
        module,
        (
            f"Enumerate {w.model.cell_code.enumerate.name}: mode, loss, zeros, rank of the positions, low bits of every",
            "part in cell order, rank of the high parts; the last field ends with the last bit.",
            "  A part is the pulses of a cell beyond the first. With loss the last cell has none: the sum is known.",
        ),
    )
    text.input("pulses", w.slots * bits)
    text.input("mode", mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    text.input("position", w.position)
    key_bits = mode_bits + 1
    keys = {(number, without): 2 * number + without for number, without, _ in fields}
    text.wire("key", key_bits, "{mode, exact}")
    text.wire("charged", 1, f"cells != {w.count}'d0")
    distinct = sorted({f.low_bits for _, _, f in fields})
    for low in distinct:
        these = [keys[number, without] for number, without, f in fields if f.low_bits == low]
        text.table(f"low{low}", 1, "key", key_bits, dict.fromkeys(these, 1))
    reach = {low: max(f.parts for _, _, f in fields if f.low_bits == low) for low in distinct}
    for p in range(parts):
        alone = f"(exact && cells == {w.count}'d{p + 1})"
        last = f"cells > {w.count}'d{p + 1} || {alone}" if p + 1 < w.slots else alone
        wide = width(w.sent(p))
        text.wire(f"used{p}", 1, last)
        slot = f"pulses[{p * bits + wide - 1}:{p * bits}]" if bits > 1 else f"pulses[{p}]"
        text.wire(f"part{p}", wide, f"{repeated(f'used{p}', wide)} & {slot}")
    text.comment("High parts, and their sums up to every part")
    terms: list[Net] = []
    for p in range(parts):
        wide, room = width(w.sent(p)), w.room(p)
        high_bits = width(room)
        picked = []
        for low in distinct:
            if p < reach[low] and wide > low and room:
                have = min(high_bits, wide - low)
                piece = f"part{p}[{low + have - 1}:{low}]" if wide > 1 else f"part{p}"
                picked.append(f"({repeated(f'low{low}', high_bits)} & {extended(piece, have, high_bits)})")
        if picked:
            terms.append(text.net(f"h{p}", (1 << high_bits) - 1, any_of(picked)))
        else:
            terms.append(Net("1'd0", 0))
    sums = text.prefix("s", terms, [(1 << width(w.room(p))) - 1 for p in range(parts)])
    text.comment("The rank of the places that they are: the sum of C(sum + j - 1, j) over the parts j = 1, 2, ...")
    ranks = []
    rank_bits = max(f.high_bits for _, _, f in fields)
    for p in range(parts):
        table = {s: comb(s + p, p + 1) for s in range(1, w.room(p) + 1)}
        if not table:
            continue
        key = width(w.room(p))
        text.wire(f"t{p}", key, f"{repeated(f'used{p}', key)} & {sums[p].to(key)}")
        largest = max(table.values())
        ranks.append(Net(text.table(f"c{p}", width(largest), f"t{p}", key, table), largest))
    high = text.total("high", ranks, (1 << max(rank_bits, 1)) - 1)
    text.comment("Low bits, first part first, from the left")
    behind = max(w.behind(f) for _, _, f in fields)
    span = max(behind, 1)
    shifts = {keys[n, without]: span - w.behind(f) for n, without, f in fields}
    if any(distinct):
        lefts = []
        for low in distinct:
            if not low:
                continue
            pieces = []
            for p in range(reach[low]):
                wide = width(w.sent(p))
                have = min(low, wide)
                piece = f"part{p}[{have - 1}:0]" if wide > 1 else f"part{p}"
                pieces.append(extended(piece, have, low))
            body = ", ".join(pieces)
            room = span - low * reach[low]
            body = f"{{{body}, {room}'d0}}" if room else f"{{{body}}}"
            lefts.append(text.wire(f"left{low}", span, f"{repeated(f'low{low}', span)} & {body}"))
        text.wire("low", span, any_of(lefts))
    else:
        text.wire("low", span, f"{span}'d0")
    shift_bits = width(max(shifts.values()))
    text.table("down", shift_bits, "key", key_bits, shifts)
    text.wire("fields", w.position + span, "{position, low} >> down")
    room = w.data
    used = min(room, w.position + span)
    placed = extended(extended("fields", w.position + span, used), used, room)
    text.wire("data", room, f"{placed} | {extended(high.text, high.width, room)}")
    text.output("fields_of_frame", mode_bits + 1 + room, f"{{{repeated('charged', mode_bits)} & mode, charged & exact, data}}")
    return text
