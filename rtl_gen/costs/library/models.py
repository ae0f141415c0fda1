"""Verilog models of library cells, made from their Liberty functions: for simulation, without timing."""

from __future__ import annotations

from collections.abc import Iterable

from rtl_gen.costs.library.cells import Cell, Flop


def cell_models(cells: Iterable[Cell], *, delay: int = 0) -> str:
    """Return Verilog modules of cells.

    Parameters
    ----------
    delay : of every output, in units of time; 0 for a functional simulation
    """
    head = "// Functional models of library cells, generated from the functions in the Liberty file.\n"
    return head + "\n".join(_model(cell, f"#{delay} " if delay else "") for cell in cells)


def _model(cell: Cell, delay: str) -> str:
    outputs = [cell.gate.output] if cell.gate else list(cell.outputs)
    pins = [f"input {name}" for name in cell.inputs] + [f"output {name}" for name in outputs]
    lines = [f"module {_escaped(cell.name)} ({', '.join(pins)});"]
    if cell.flop:
        lines += _flop(cell.flop)
    if cell.gate:
        enable = " | ".join(cell.gate.enables)
        lines += [
            "    reg enabled;",
            f"    always @* if (!{cell.gate.clock}) enabled = {enable};",
            f"    assign {cell.gate.output} = {cell.gate.clock} & enabled;",
        ]
    lines += [f"    assign {delay}{pin} = {function.verilog()};" for pin, function in cell.outputs.items()]
    return "\n".join([*lines, "endmodule", ""])


def _flop(flop: Flop) -> list[str]:
    """Return the lines of a flip-flop; clear wins over preset."""
    asynchronous = [("clear", flop.clear, "1'b0"), ("preset", flop.preset, "1'b1")]
    lines = [f"    reg {flop.state};", f"    wire {flop.inverse} = ~{flop.state};"]
    edges = [f"{'negedge' if flop.falling else 'posedge'} {flop.clock}"]
    body = ""
    for name, expression, value in asynchronous:
        if expression is not None:
            lines.append(f"    wire active_{name} = {expression.verilog()};")
            edges.append(f"posedge active_{name}")
            body += f"if (active_{name}) {flop.state} <= {value}; else "
    return [*lines, f"    always @({' or '.join(edges)}) {body}{flop.state} <= {flop.next_state.verilog()};"]


def _escaped(name: str) -> str:
    return name if name.isidentifier() else f"\\{name} "
