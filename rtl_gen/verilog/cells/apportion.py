"""Pulses of the cells that are sent: shares of the sum, then the missing ones by largest remainders."""

from __future__ import annotations

from econ_ae.ir.cell_widths import MANTISSA_BITS, PRODUCT_SHIFT, RECIPROCAL_BITS, SCALE_SHIFT, CellWidths, width
from rtl_gen.verilog.cells.merge import charge_bits
from rtl_gen.verilog.cells.text import Net, Text, any_of, bus, extended, joined, repeated


def beyond_bits(widths: CellWidths) -> int:
    """Return the bits of a slot's pulses beyond the first, before and after the missing ones are given."""
    return width(max(max(widths.beyond_one(p), widths.sent(p)) for p in range(widths.slots)))


def reciprocal(module: str, widths: CellWidths) -> Text:
    """Return the reciprocal of the sum of what is sent, and the places that the sum has to move up."""
    w = widths
    text = Text(
        module,
        (
            f"Apportion {w.apportion.name}: reciprocal = 2**{RECIPROCAL_BITS} / the {MANTISSA_BITS + 1} leading bits of the sum;",
            f"  up: {w.fraction} - log2 sum, the places that bring the leading one of the sum to the front",
        ),
    )
    text.input("sum", w.sum)
    top, steps = w.fraction, _steps(w)
    bits = width(steps)
    moves = [f"if (sum[{top - step}]) up_now = {bits}'d{step};" for step in reversed(range(steps))]
    text.process("up_now", bits, [f"up_now = {bits}'d{steps};", *moves])
    text.wire("leading", w.sum, "sum << up_now")
    mantissa_bits = min(MANTISSA_BITS, w.fraction)
    values = {
        m: (1 << RECIPROCAL_BITS) // ((1 << mantissa_bits | m) << MANTISSA_BITS - mantissa_bits)
        for m in range(1 << mantissa_bits)
    }
    text.table("inverse", _RECIPROCAL, f"leading[{top - 1}:{top - mantissa_bits}]", mantissa_bits, values)
    text.output("reciprocal", _RECIPROCAL, "inverse")
    text.output("up", bits, "up_now")
    return text


_RECIPROCAL = RECIPROCAL_BITS - MANTISSA_BITS + 1
"""Bits of a reciprocal, which is 2**10 at most."""


def _steps(widths: CellWidths) -> int:
    """Return the most places that the sum may have to move up: the largest cell has at least 1/n of all charge."""
    least = min(widths.model.normalise.out.max, (1 << widths.fraction) // widths.cells)
    return widths.fraction - (least.bit_length() - 1)


def multiply(module: str, widths: CellWidths) -> Text:
    """Return the pulses beyond the first and the remainder of every slot: one product per slot."""
    w, op = widths, widths.apportion
    bits, out = charge_bits(w), beyond_bits(w)
    text = Text(
        module,
        (
            f"Apportion {op.name}: every cell's share of the pulses beyond the first, and its remainder, where it has one.",
            f"  scale = (pulses * {1 << op.fraction} - {op.offset} * cells) * reciprocal >> {SCALE_SHIFT}",
            f"  share = (charge * scale >> (log2 sum + {PRODUCT_SHIFT})) + {op.offset}, in 1/{1 << op.fraction} of a pulse",
            "Without loss the pulses are the charges.",
        ),
    )
    text.input("slots", w.slots * bits)
    text.input("reciprocal", _RECIPROCAL)
    text.input("up", width(_steps(w)))
    text.input("mode", w.choose.mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    r_bits = _RECIPROCAL
    most_steps = max(w.steps(mode) for mode in w.modes)
    text.table("steps", width(most_steps), "mode", w.choose.mode_bits, {m: w.steps(mode) for m, mode in enumerate(w.modes)})
    largest = w.scale(w.modes)
    product = width(most_steps << RECIPROCAL_BITS - MANTISSA_BITS)
    text.wire("scaled", product, f"{extended('steps', width(most_steps), product)} * {extended('reciprocal', r_bits, product)}")
    scale = width(largest)
    text.wire("scale", scale, f"scaled[{product - 1}:{SCALE_SHIFT}]")
    text.comment("Two bits of a charge pick one of the multiples of the scale.")
    text.wire("one", scale + 2, "{2'd0, scale}")
    text.wire("two", scale + 2, "{1'd0, scale, 1'd0}")
    text.wire("three", scale + 2, "one + two")
    shift = w.fraction + PRODUCT_SHIFT
    missing = (1 << op.fraction) - op.offset  # of a share to one pulse, when it is only the offset
    beyond, left = [], []
    for p in range(w.slots):
        here = width(w.scale(w.above(p)))
        low = p * bits
        text.wire(f"g{p}", w.sum, f"slots[{low + w.sum - 1}:{low}] << up")
        share = width((w.beyond_one(p) + 2 << op.fraction)) + 1
        acc = share + shift
        rows = [_row(text, f"p{p}_{digit}", f"g{p}", digit, w.sum, here + 2, acc) for digit in range(0, w.sum, 2)]
        constant = (-(missing << shift)) % (1 << acc)
        if constant:
            rows.append(f"{acc}'d{constant}")
        text.wire(f"a{p}", acc, "\n        + ".join(rows))
        whole = width(w.beyond_one(p))
        own = f"~a{p}[{acc - 1}]"
        raw_bits = min(width(max([m.exact_sum for m in w.above(p)] + [1])), bits)
        text.wire(f"d{p}", raw_bits, f"slots[{low + raw_bits - 1}:{low}] - {raw_bits}'d1")
        text.wire(f"x{p}", 1, f"exact && cells > {w.count}'d{p}")
        start = shift + op.fraction
        lossy = f"{repeated(f'({own} & ~exact)', whole)} & a{p}[{start + whole - 1}:{start}]"
        text.wire(f"l{p}", whole, lossy)
        raw = text.wire(f"e{p}", raw_bits, f"{repeated(f'x{p}', raw_bits)} & d{p}")
        beyond.append(text.wire(f"b{p}", out, f"{extended(f'l{p}', whole, out)} | {extended(raw, raw_bits, out)}"))
        left.append(text.wire(f"r{p}", op.fraction, f"{repeated(own, op.fraction)} & a{p}[{start - 1}:{shift}]"))
    text.output("beyond", w.slots * out, joined(beyond))
    text.output("left", w.slots * op.fraction, joined(left))
    return text


def _row(text: Text, name: str, value: str, digit: int, value_bits: int, wide: int, bits: int) -> str:
    """Add the multiple that two bits of a number pick; return it at its place."""
    one = f"{value}[{digit}]"
    cut = f"[{wide - 1}:0]"
    if digit + 1 < value_bits:
        two = f"{value}[{digit + 1}]"
        picked = (
            f"({repeated(f'({one} & ~{two})', wide)} & one{cut}) | ({repeated(f'({two} & ~{one})', wide)} & two{cut})"
            f" | ({repeated(f'({one} & {two})', wide)} & three{cut})"
        )
    else:
        picked = f"{repeated(one, wide)} & one{cut}"
    text.wire(name, wide, picked)
    room = bits - digit
    low = extended(name, wide, min(wide, room))
    padded = extended(low, min(wide, room), room)
    return f"{{{padded}, {digit}'d0}}" if digit else padded


def give(module: str, widths: CellWidths) -> Text:
    """Return the pulses beyond the first of every slot, after the missing ones are given to the largest remainders."""
    w, op = widths, widths.apportion
    slots, bits, levels = w.slots, beyond_bits(w), 1 << op.fraction
    text = Text(
        module,
        (
            f"Apportion {op.name}: the pulses that are missing go to the cells with the largest remainders, of equal ones",
            "to the first. What is left after that, positive or negative, is the largest cell's; would it then have none,",
            "it gets all but one for each of the others. Without loss nothing is missing.",
            "  count<j>: cells with a remainder of j or more; all of a level get one where they are not too many, and of",
            "  the level above which they are too many the first ones",
        ),
    )
    text.input("beyond", slots * bits)
    text.input("left", slots * op.fraction)
    text.input("largest_slot", slots)
    text.input("mode", w.choose.mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    spare_bits = width(w.spare)
    text.table("spare", spare_bits, "mode", w.choose.mode_bits, {m: mode.pulses - mode.cells for m, mode in enumerate(w.modes)})
    for p in range(slots):
        here = width(w.beyond_one(p))
        text.wire(f"b{p}", here, f"{bus('beyond', p, bits)}{f'' if here == bits else ''}" if here == bits else f"beyond[{p * bits + here - 1}:{p * bits}]")
        text.wire(f"left{p}", op.fraction, bus("left", p, op.fraction))
        text.wire(f"used{p}", 1, f"cells > {w.count}'d{p}")
    most = max(w.beyond_ones, w.spare)
    given = text.total("given", [Net(f"b{p}", (1 << width(w.beyond_one(p))) - 1) for p in range(slots)], most)
    signed = given.width + 1
    text.wire("missing", signed, f"{extended('spare', spare_bits, signed)} - {given.to(signed)}")
    text.wire("negative", 1, f"missing[{signed - 1}]")
    wide_count = max(w.count, signed)
    text.wire("many", 1, f"~negative && {extended('missing', signed, wide_count)} >= {extended('cells', w.count, wide_count)}")
    low = extended("missing", signed, min(w.count, signed))
    text.wire(
        "to_give", w.count,
        f"negative ? {w.count}'d0 : many ? cells : {extended(low, min(w.count, signed), w.count)}",
    )  # fmt: skip
    text.comment("Levels")
    for p in range(slots):
        for j in range(1, levels):
            text.wire(f"at{p}_{j}", 1, f"used{p} && left{p} >= {op.fraction}'d{j}")
    text.wire("count0", w.count, "cells")
    for j in range(1, levels):
        text.total(f"count{j}", [Net(f"at{p}_{j}", 1) for p in range(slots)], (1 << w.count) - 1)
    for j in range(levels):
        text.wire(f"all{j}", 1, f"count{j} <= to_give")
    text.wire(f"all{levels}", 1, "1'b1")
    text.wire(f"count{levels}", w.count, f"{w.count}'d0")
    for j in range(levels):
        text.wire(f"part{j}", 1, f"~all{j} & all{j + 1}")
    text.wire(
        "above", w.count, any_of(f"({repeated(f'part{j}', w.count)} & count{j + 1})" for j in range(levels))
    )
    text.wire("first", w.count, "to_give - above")
    text.wire("whole_levels", levels, joined([f"all{j}" for j in range(levels)]))
    text.wire("level", op.fraction, any_of(f"({repeated(f'part{j}', op.fraction)} & {op.fraction}'d{j})" for j in range(levels)))
    text.wire("some", 1, any_of(f"part{j}" for j in range(levels)))
    for p in range(slots):
        text.wire(f"tie{p}", 1, f"used{p} & some && left{p} == level")
    ties = text.prefix("n", [Net(f"tie{p}", 1) for p in range(slots)], [p + 1 for p in range(slots)])
    for p in range(slots):
        before = ties[p - 1].to(w.count) if p else f"{w.count}'d0"
        text.wire(f"one{p}", 1, f"used{p} & ~exact & (whole_levels[left{p}] | (tie{p} && {before} < first))")
    text.comment("The largest cell")
    text.wire("rest", signed, f"missing - {extended('to_give', w.count, signed)}" if signed >= w.count else f"missing - to_give[{signed - 1}:0]")
    own_bits = max(width(w.beyond_one(p)) for p in range(slots))
    text.wire(
        "own", own_bits,
        any_of(f"({repeated(f'largest_slot[{p}]', own_bits)} & {extended(f'b{p}', width(w.beyond_one(p)), own_bits)})" for p in range(slots)),
    )  # fmt: skip
    text.wire("own_one", 1, any_of(f"(largest_slot[{p}] & one{p})" for p in range(slots)))
    final_bits = max(own_bits, signed) + 1
    text.wire(
        "own_final", final_bits,
        f"{extended('own', own_bits, final_bits)} + {extended('own_one', 1, final_bits)}"
        f" + {{{repeated(f'rest[{signed - 1}]', final_bits - signed)}, rest}}",
    )  # fmt: skip
    text.wire("too_few", 1, f"own_final[{final_bits - 1}] & ~exact")
    keep = min(bits, final_bits)
    low = extended("own_final", final_bits, keep)
    text.wire(
        "largest", bits, f"too_few ? {extended('spare', spare_bits, bits)} : {extended(low, keep, bits)}"
    )
    pulses = []
    for p in range(slots):
        wide = width(w.sent(p))
        name = text.wire(f"w{p}", wide, f"beyond[{p * bits + wide - 1}:{p * bits}]" if bits > 1 else f"beyond[{p}]")
        other = f"{repeated('~too_few', wide)} & ({name} + {extended(f'one{p}', 1, wide)})"
        text.wire(f"o{p}", wide, other)
        low = extended("largest", bits, wide)
        found = text.wire(f"q{p}", wide, f"largest_slot[{p}] & ~exact ? {low} : o{p}")
        pulses.append(extended(found, wide, bits))
    text.output("pulses", slots * bits, joined(pulses))
    return text
