"""Shares of the cells that are sent in the pulses of the mode."""

from __future__ import annotations

from econ_ae.ir.cell_widths import MANTISSA_BITS, PRODUCT_SHIFT, RECIPROCAL_BITS, SCALE_SHIFT, CellWidths, width
from rtl_gen.verilog.cells.merge import charge_bits
from rtl_gen.verilog.cells.products import Common, common
from rtl_gen.verilog.cells.text import SHARED, Net, Text, bus, copies, extended, joined, repeated


def beyond_bits(widths: CellWidths) -> int:
    """Return the bits of a slot's pulses beyond the first, before and after the missing ones are given."""
    return width(max(max(widths.beyond_one(p), widths.sent(p)) for p in range(widths.slots)))


def scale_of_event(module: str, widths: CellWidths) -> Text:
    """Return the scale of the event, and the places that the sum of what is sent has to move up."""
    w = widths
    text = Text(
        module,
        (
            f"Apportion {w.apportion.name}: the scale of the event, from the sum of what is sent.",
            f"  reciprocal = 2**{RECIPROCAL_BITS} / the {MANTISSA_BITS + 1} leading bits of the sum",
            f"  scale = (pulses * {1 << w.apportion.fraction} - {w.apportion.offset} * cells) * reciprocal"
            f" >> {SCALE_SHIFT}",
            f"  up = {w.fraction} - log2 sum, the places that bring the leading one of the sum to the front;",
            f"  of both a copy for every {SHARED} slots",
        ),
    )
    text.input("sum", w.sum)
    text.input("mode", w.choose.mode_bits)
    top, steps = w.fraction, most_steps(w)
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
    most = max(w.steps(mode) for mode in w.modes)
    text.table("steps", width(most), "mode", w.choose.mode_bits, {m: w.steps(mode) for m, mode in enumerate(w.modes)})
    product = width(most << RECIPROCAL_BITS - MANTISSA_BITS)
    factors = extended("steps", width(most), product), extended("inverse", _RECIPROCAL, product)
    text.wire("scaled", product, " * ".join(factors))
    scale, many = width(w.scale(w.modes)), copies(w.slots)
    text.output("scale", scale * many, f"{{{many}{{scaled[{SCALE_SHIFT + scale - 1}:{SCALE_SHIFT}]}}}}")
    text.output("up", bits * copies(w.slots), f"{{{copies(w.slots)}{{up_now}}}}")
    return text


_RECIPROCAL = RECIPROCAL_BITS - MANTISSA_BITS + 1
"""Bits of a reciprocal, which is 2**10 at most."""


def most_steps(widths: CellWidths) -> int:
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
            f"Apportion {op.name}: the share of every cell in the pulses beyond the first, and its remainder, if any.",
            f"  share = (charge * scale >> log2 sum + {PRODUCT_SHIFT}) + {op.offset}, in 1/{1 << op.fraction} pulses",
            "Without loss the pulses are the charges.",
        ),
    )
    text.input("slots", w.slots * bits)
    scale_bits = width(w.scale(w.modes))
    text.input("scale", scale_bits * copies(w.slots))
    text.input("up", width(most_steps(w)) * copies(w.slots))
    text.input("cells", w.count)
    text.input("exact", 1)
    text.comment("Two bits of a charge pick one of the multiples of the scale.")
    scales = [
        common(text, bus("scale", copy, scale_bits), scale_bits, stem=f"k{copy}_") for copy in range(copies(w.slots))
    ]
    beyond, left = [], []
    for p in range(w.slots):
        charges = [mode.exact_sum for mode in w.above(p)]
        raw_bits = min(width(max(charges)), bits)
        text.wire(f"d{p}", raw_bits, f"slots[{p * bits + raw_bits - 1}:{p * bits}] - {raw_bits}'d1")
        text.wire(f"x{p}", 1, f"exact && cells > {w.count}'d{p}")
        raw = text.wire(f"e{p}", raw_bits, f"{repeated(f'x{p}', raw_bits)} & d{p}")
        share, rest = _share(text, w, scales[p // SHARED], p)
        beyond.append(text.wire(f"b{p}", out, f"{share.to(out)} | {extended(raw, raw_bits, out)}"))
        left.append(rest)
    text.output("beyond", w.slots * out, joined(beyond))
    text.output("left", w.slots * op.fraction, joined(left))
    return text


def _share(text: Text, w: CellWidths, scale: Common, p: int) -> tuple[Net, str]:
    """Add share and remainder of a slot; the scale has no more bits than modes that use the slot give it."""
    op, shift, bits = w.apportion, w.fraction + PRODUCT_SHIFT, charge_bits(w)
    acc = width(w.beyond_one(p) + 2 << op.fraction) + 1 + shift
    text.wire(
        f"g{p}", w.sum, f"slots[{p * bits + w.sum - 1}:{p * bits}] << {bus('up', p // SHARED, width(most_steps(w)))}"
    )
    rows = scale.rows(f"g{p}", w.sum, acc, stem=f"p{p}", most=width(w.scale(w.above(p))))
    missing = (1 << op.fraction) - op.offset  # of a share to one pulse, when it is only the offset
    if missing:
        rows.append(f"{acc}'d{(1 << acc) - (missing << shift)}")
    text.wire(f"a{p}", acc, "\n        + ".join(rows))
    own, whole, start = f"~a{p}[{acc - 1}]", width(w.beyond_one(p)), shift + op.fraction
    lossy = f"{repeated(f'({own} & ~exact)', whole)} & a{p}[{start + whole - 1}:{start}]"
    rest = text.wire(f"r{p}", op.fraction, f"{repeated(own, op.fraction)} & a{p}[{start - 1}:{shift}]")
    return text.net(f"l{p}", (1 << whole) - 1, lossy), rest
