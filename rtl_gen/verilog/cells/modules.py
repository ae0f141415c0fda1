"""All modules of a model of cells behind its normaliser, by the name that stands behind the model's."""

from __future__ import annotations

from econ_ae.ir.cell_widths import CellWidths
from rtl_gen.verilog.cells import apportion, choose, enumeration, give, merge, order
from rtl_gen.verilog.cells.text import Text

EXACT, ORDER, DROPPED, GROUP = "exact", "order", "dropped", "group"
LOST, CHOOSE, SEND = "lost", "choose", "send"
MERGE, COUNT, COMPACT, POSITION = "merge", "count", "compact", "position"
SCALE, MULTIPLY, MISSING, GIVE, PARTS, ENUMERATE = (
    "scale",
    "multiply",
    "missing",
    "give",
    "parts",
    "enumerate",
)


def texts(prefix: str, widths: CellWidths, total_bits: int) -> tuple[Text, ...]:
    """Return the modules in the order of the data flow.

    Parameters
    ----------
    prefix : of the names
    total_bits : of the sum of all charges
    """
    op = widths.model.cell_code.merge
    return (
        order.exact(prefix + EXACT, widths, total_bits),
        order.order(prefix + ORDER, widths, op),
        order.dropped(prefix + DROPPED, widths),
        choose.group(prefix + GROUP, widths),
        order.lost(prefix + LOST, widths),
        choose.choose(prefix + CHOOSE, widths),
        choose.send(prefix + SEND, widths),
        merge.merge(prefix + MERGE, widths, op),
        merge.count(prefix + COUNT, widths),
        merge.compact(prefix + COMPACT, widths),
        merge.position(prefix + POSITION, widths),
        apportion.scale_of_event(prefix + SCALE, widths),
        apportion.multiply(prefix + MULTIPLY, widths),
        give.missing(prefix + MISSING, widths),
        give.give(prefix + GIVE, widths),
        enumeration.parts(prefix + PARTS, widths),
        enumeration.enumerate_fields(prefix + ENUMERATE, widths),
    )
