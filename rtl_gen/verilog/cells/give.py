"""The pulses that are missing after the shares go to the largest remainders; the largest cell makes the sum right."""

from __future__ import annotations

from econ_ae.ir.cell_widths import CellWidths, width
from rtl_gen.verilog.cells.apportion import beyond_bits
from rtl_gen.verilog.cells.text import Net, Text, any_of, bus, extended, joined, repeated


def give(module: str, widths: CellWidths) -> Text:
    """Return the pulses beyond the first of every slot, after the missing ones are given to the largest remainders."""
    w, op = widths, widths.apportion
    bits = beyond_bits(w)
    text = Text(
        module,
        (
            f"Apportion {op.name}: the pulses that are missing go to the cells with the largest remainders, of equal",
            "ones to the first. What is left after that, positive or negative, is the largest cell's; would it have",
            "none, it gets all but one for each of the others. Without loss nothing is missing.",
            "  count<j>: cells with a remainder of j or more; where they are not too many, all of them get one, and of",
            "  those with one less the first",
        ),
    )
    text.input("beyond", w.slots * bits)
    text.input("left", w.slots * op.fraction)
    text.input("largest_slot", w.slots)
    text.input("mode", w.choose.mode_bits)
    text.input("cells", w.count)
    text.input("exact", 1)
    widest = [width(w.beyond_one(p)) for p in range(w.slots)]
    own = [text.net(f"b{p}", (1 << wide) - 1, _low(p, bits, wide)) for p, wide in enumerate(widest)]
    for p in range(w.slots):
        text.wire(f"left{p}", op.fraction, bus("left", p, op.fraction))
        text.wire(f"used{p}", 1, f"cells > {w.count}'d{p}")
    signed = missing_bits(w)
    text.input("missing", signed)
    text.input("to_give", w.count)
    text.input("counts", w.count * ((1 << op.fraction) - 1))
    text.table("spare", width(w.spare), "mode", w.choose.mode_bits, _spare(w))
    _levels(text, w)
    _largest(text, w, own, signed)
    pulses = []
    for p in range(w.slots):
        wide = width(w.sent(p))
        name = text.wire(f"w{p}", wide, _low(p, bits, wide))
        other = f"{repeated('~too_few', wide)} & ({name} + {extended(f'one{p}', 1, wide)})"
        text.wire(f"o{p}", wide, other)
        low = extended("largest", bits, wide)
        found = text.wire(f"q{p}", wide, f"largest_slot[{p}] & ~exact ? {low} : o{p}")
        pulses.append(extended(found, wide, bits))
    text.output("pulses", w.slots * bits, joined(pulses))
    return text


def _low(slot: int, bits: int, wanted: int) -> str:
    return f"beyond[{slot * bits + wanted - 1}:{slot * bits}]" if wanted > 1 else f"beyond[{slot * bits}]"


def missing_bits(widths: CellWidths) -> int:
    """Return the bits of the number of pulses that are missing, which has a sign."""
    return width(max(widths.beyond_ones, widths.spare)) + 1


def _spare(w: CellWidths) -> dict[int, int]:
    return {m: mode.pulses - mode.cells for m, mode in enumerate(w.modes)}


def missing(module: str, widths: CellWidths) -> Text:
    """Return how many pulses are missing, how many are given away, and the cells from every level of remainders on."""
    w, fraction, bits = widths, widths.apportion.fraction, beyond_bits(widths)
    text = Text(
        module,
        (
            f"Apportion {w.apportion.name}: pulses that are missing, with a sign, and those that are given away,",
            "at most one for each cell.",
            "  counts: cells with a remainder of at least 1, 2, ...",
        ),
    )
    text.input("beyond", w.slots * bits)
    text.input("left", w.slots * fraction)
    text.input("mode", w.choose.mode_bits)
    text.input("cells", w.count)
    text.table("spare", width(w.spare), "mode", w.choose.mode_bits, _spare(w))
    widest = [width(w.beyond_one(p)) for p in range(w.slots)]
    own = [text.net(f"b{p}", (1 << wide) - 1, _low(p, bits, wide)) for p, wide in enumerate(widest)]
    given = text.total("given", own, max(w.beyond_ones, w.spare))
    signed = missing_bits(w)
    text.wire("difference", signed, f"{extended('spare', width(w.spare), signed)} - {given.to(signed)}")
    text.wire("negative", 1, f"difference[{signed - 1}]")
    both = max(w.count, signed)
    enough = f"{extended('difference', signed, both)} >= {extended('cells', w.count, both)}"
    text.wire("many", 1, f"~negative && {enough}")
    few = extended(extended("difference", signed, min(w.count, signed)), min(w.count, signed), w.count)
    text.output("missing", signed, "difference")
    text.output("to_give", w.count, f"negative ? {w.count}'d0 : many ? cells : {few}")
    counts = []
    for p in range(w.slots):
        text.wire(f"left{p}", fraction, bus("left", p, fraction))
        text.wire(f"used{p}", 1, f"cells > {w.count}'d{p}")
    for j in range(1, 1 << fraction):
        reached = [Net(text.wire(f"at{p}_{j}", 1, f"used{p} && left{p} >= {fraction}'d{j}"), 1) for p in range(w.slots)]
        counts.append(text.total(f"count{j}", reached, (1 << w.count) - 1).text)
    text.output("counts", w.count * len(counts), joined(counts))
    return text


def _levels(text: Text, w: CellWidths) -> None:
    """Add ``one<p>``, whether the cell in slot p gets one more."""
    fraction, levels = w.apportion.fraction, 1 << w.apportion.fraction
    text.comment("Levels")
    text.wire("count0", w.count, "cells")
    for j in range(1, levels):
        text.wire(f"count{j}", w.count, bus("counts", j - 1, w.count))
    text.wire(f"count{levels}", w.count, f"{w.count}'d0")
    for j in range(levels):
        text.wire(f"all{j}", 1, f"count{j} <= to_give")
    text.wire(f"all{levels}", 1, "1'b1")
    for j in range(levels):
        text.wire(f"part{j}", 1, f"~all{j} & all{j + 1}")
    text.wire("above", w.count, any_of(f"({repeated(f'part{j}', w.count)} & count{j + 1})" for j in range(levels)))
    text.wire("first", w.count, "to_give - above")
    text.wire("whole_levels", levels, joined([f"all{j}" for j in range(levels)]))
    numbers = (f"({repeated(f'part{j}', fraction)} & {fraction}'d{j})" for j in range(levels))
    text.wire("level", fraction, any_of(numbers))
    text.wire("some", 1, any_of(f"part{j}" for j in range(levels)))
    for p in range(w.slots):
        text.wire(f"tie{p}", 1, f"used{p} & some && left{p} == level")
    tied = [Net(f"tie{p}", 1) for p in range(w.slots)]
    ties = text.prefix("n", tied, [p + 1 for p in range(w.slots)])
    for p in range(w.slots):
        before = ties[p - 1].to(w.count) if p else f"{w.count}'d0"
        text.wire(f"one{p}", 1, f"used{p} & ~exact & (whole_levels[left{p}] | (tie{p} && {before} < first))")


def _largest(text: Text, w: CellWidths, own: list[Net], signed: int) -> None:
    """Add ``largest``, the pulses of the largest cell, and whether there are ``too_few`` for it."""
    text.comment("The largest cell")
    given = extended(extended("to_give", w.count, min(w.count, signed)), min(w.count, signed), signed)
    text.wire("rest", signed, f"missing - {given}")
    bits = max(one.width for one in own)
    mine = (f"({repeated(f'largest_slot[{p}]', bits)} & {one.to(bits)})" for p, one in enumerate(own))
    text.wire("own", bits, any_of(mine))
    text.wire("own_one", 1, any_of(f"(largest_slot[{p}] & one{p})" for p in range(w.slots)))
    wide = max(bits, signed) + 1
    rest = f"{{{repeated(f'rest[{signed - 1}]', wide - signed)}, rest}}"
    text.wire("own_sum", wide, f"{extended('own', bits, wide)} + {extended('own_one', 1, wide)} + {rest}")
    text.wire("too_few", 1, f"own_sum[{wide - 1}] & ~exact")
    out = beyond_bits(w)
    kept = extended(extended("own_sum", wide, min(out, wide)), min(out, wide), out)
    text.wire("largest", out, f"too_few ? {extended('spare', width(w.spare), out)} : {kept}")
