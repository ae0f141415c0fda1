"""The datapath of a model of cells: from trigger-cell codes, or charges, to the frame."""

from __future__ import annotations

from econ_ae.ir.cell_widths import CellWidths
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog.cells import modules as names
from rtl_gen.verilog.cells.text import Text
from rtl_gen.verilog.chain import VALID, Chain, Item, wire_range
from rtl_gen.verilog.options import CELL_STAGES, FRAME_REGISTER, VerilogOptions
from rtl_gen.verilog.ports import FRAME_BITS

HEADER_BITS = 5


def add_cells(chain: Chain, model: EncoderModel, options: VerilogOptions, texts: tuple[Text, ...]) -> list[str]:
    """Add everything behind the normaliser; return the nets that nothing reads.

    ``data`` must be the normalised charges, ``charges`` the charges, ``total`` their sum.
    """
    widths = CellWidths(model)
    made = {text.module.removeprefix(f"{model.name}_"): text for text in texts}

    def add(name: str, comment: str, nets: dict[str, str]) -> None:
        text = made[name]
        connections, wires = [], []
        for direction, bits, port in text.ports:
            if direction == "input":
                connections.append((port, "weights" if port == "weights" else chain.nets[nets.get(port, port)]))
            else:
                net = f"{name}_{port}"
                connections.append((port, net))
                wires.append((wire_range(bits), net))
                chain.signal(nets.get(port, port), net, bits)
        chain.items.append(Item(comment, text.module, f"op_{name}", tuple(connections), tuple(wires)))

    def stage(name: str) -> None:
        if name in options.registers:
            chain.register(name)

    code = model.cell_code
    add(names.EXACT, "Without loss or not", {"x": "data", "mode": "exact_mode"})
    chain.drop("data", "charges", "total")
    stage(CELL_STAGES[0])
    add(names.ORDER, f"Order {code.order.name}", {})
    add(names.DROPPED, f"Choose {code.choose.name}: charges in the order of their ranks", {})
    add(names.GROUP, f"Choose {code.choose.name}: class, and modes that it has cells for", {})
    chain.drop("hit")
    stage(CELL_STAGES[1])
    add(names.LOST, f"Choose {code.choose.name}: charge that every mode loses", {})
    add(names.CHOOSE, f"Choose {code.choose.name}: the mode", {"mode": "best_mode"})
    add(names.SEND, f"Choose {code.choose.name}: the cells", {})
    chain.drop("rank", "group", "open", "totals", "hits", "exact_mode", "best_mode", "behind", "dropped")
    stage(CELL_STAGES[2])
    add(names.MERGE, f"Merge {code.merge.name}" if code.merge else "Charges of what is sent", {})
    add(names.COUNT, "Cells sent before every cell", {})
    add(names.COMPACT, "Cells that are sent side by side", {})
    add(names.SCALE, f"Apportion {code.apportion.name}: scale", {})
    chain.drop("values", "largest", "charges", "sum", *(["best"] if "best" in chain.nets else []))
    stage(CELL_STAGES[3])
    add(names.POSITION, "Rank of the positions", {})
    add(names.MULTIPLY, f"Apportion {code.apportion.name}: shares", {})
    add(names.MISSING, f"Apportion {code.apportion.name}: pulses that are missing", {})
    chain.drop("slots", "scale", "up", "sent", "ahead")
    stage(CELL_STAGES[4])
    add(names.GIVE, f"Apportion {code.apportion.name}: missing pulses", {})
    add(names.PARTS, f"Enumerate {code.enumerate.name}: parts", {})
    chain.drop("beyond", "left", "largest_slot", "missing", "to_give", "counts", "pulses")
    stage(CELL_STAGES[5])
    add(names.ENUMERATE, f"Enumerate {code.enumerate.name}", {})
    chain.drop("parts", "highs", "mode", "cells", "exact", "position")
    _frame(chain, model, widths)
    stage(FRAME_REGISTER)
    return []


def _frame(chain: Chain, model: EncoderModel, widths: CellWidths) -> None:
    chain.items.append(
        Item(
            "Header of the bunch crossing; the count is kept here, behind the last event that it depends on",
            "econ_ae_bx_header",
            "bx_header",
            (
                ("clk", "clk"),
                ("rst_n", "rst_n"),
                ("valid", chain.nets[VALID]),
                ("bx0", chain.nets["bx0"]),
                ("header", "header"),
            ),
            ((wire_range(HEADER_BITS), "header"),),
        )
    )
    behind = FRAME_BITS - HEADER_BITS - 9 - widths.choose.mode_bits - 1 - widths.data
    parts = ["header", chain.nets["sum_code"], chain.nets["fields_of_frame"]]
    if behind:
        parts.append(f"{behind}'d0")
    chain.items.append(
        Item(
            f"Frame of {model.elinks} eLinks",
            wires=((wire_range(FRAME_BITS), "framed"),),
            assigns=(("framed", "{" + ", ".join(parts) + "}"),),
        )
    )
    chain.drop("bx0", "fields_of_frame")
    chain.signal("frame", "framed", FRAME_BITS)
