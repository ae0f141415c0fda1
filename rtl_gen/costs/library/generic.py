"""The generic cell set of the technology-independent form: areas in gate equivalents, no technology.

The weights are areas over the area of the smallest two-input NAND, as three open standard-cell libraries of 130 nm and
45 nm agree on them within about 20 % (docs/costs.md); NanGate 45 nm, the middle one, is taken, rounded to thirds.
Every delay is 1: only areas mean something here.
"""

from __future__ import annotations

from pathlib import Path

NAME = "econ_ae_generic"

_THIRDS = {
    # cell: (area in thirds of a gate equivalent, inputs, outputs)
    "INV": (2, "A", {"Y": "!A"}),
    "BUF": (3, "A", {"Y": "A"}),
    "NAND2": (3, "AB", {"Y": "!(A&B)"}),
    "NAND3": (4, "ABC", {"Y": "!(A&B&C)"}),
    "NAND4": (5, "ABCD", {"Y": "!(A&B&C&D)"}),
    "NOR2": (3, "AB", {"Y": "!(A|B)"}),
    "NOR3": (4, "ABC", {"Y": "!(A|B|C)"}),
    "NOR4": (5, "ABCD", {"Y": "!(A|B|C|D)"}),
    "AND2": (4, "AB", {"Y": "A&B"}),
    "OR2": (4, "AB", {"Y": "A|B"}),
    "AOI21": (4, "ABC", {"Y": "!((A&B)|C)"}),
    "OAI21": (4, "ABC", {"Y": "!((A|B)&C)"}),
    "AOI22": (5, "ABCD", {"Y": "!((A&B)|(C&D))"}),
    "OAI22": (5, "ABCD", {"Y": "!((A|B)&(C|D))"}),
    "AOI222": (8, "ABCDEF", {"Y": "!((A&B)|(C&D)|(E&F))"}),
    "XOR2": (6, "AB", {"Y": "A^B"}),
    "XNOR2": (6, "AB", {"Y": "!(A^B)"}),
    "MUX2": (7, "ABS", {"Y": "(S&B)|(!S&A)"}),
    "HA": (10, "AB", {"S": "A^B", "CO": "A&B"}),
    "FA": (16, "ABC", {"S": "A^B^C", "CO": "(A&B)|(C&(A|B))"}),
}
_FLOPS = {
    "DFF": (17, ""),
    "DFFR": (20, 'clear : "!R";'),
    "DFFS": (20, 'preset : "!R";'),
}
_CLOCK_GATE = 13

_PIN = "pin ({name}) {{ direction : input; capacitance : 1.0; max_transition : 1000.0; }}"
_TABLE = '{kind} (unit) {{ index_1 ("0, 9"); index_2 ("0, 9"); values ("1, 1", "1, 1"); }}'
_ARC = 'timing () {{ related_pin : "{pin}"; timing_sense : non_unate; {tables} }}'
_TABLES = " ".join(
    _TABLE.format(kind=kind) for kind in ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
)


def liberty() -> str:
    """Return the generic cells as a Liberty file, areas in gate equivalents."""
    cells = [_logic(name, thirds, inputs, outputs) for name, (thirds, inputs, outputs) in _THIRDS.items()]
    cells += [_flop(name, thirds, reset) for name, (thirds, reset) in _FLOPS.items()]
    cells.append(_gate())
    head = 'delay_model : table_lookup; time_unit : "1ns"; capacitive_load_unit (1, pf); '
    head += (
        "lu_table_template (unit) { variable_1 : input_net_transition; variable_2 : total_output_net_capacitance; "
        'index_1 ("0, 9"); index_2 ("0, 9"); }'
    )
    return f"library ({NAME}) {{\n  {head}\n" + "\n".join(cells) + "\n}\n"


def write(folder: Path) -> Path:
    """Write the generic cells into a folder and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.lib"
    path.write_text(liberty(), encoding="utf-8")
    return path


def _logic(name: str, thirds: int, inputs: str, outputs: dict[str, str]) -> str:
    pins = [_PIN.format(name=pin) for pin in inputs]
    arcs = " ".join(_ARC.format(pin=pin, tables=_TABLES) for pin in inputs)
    pins += [
        f'pin ({pin}) {{ direction : output; function : "{function}"; max_capacitance : 1000.0; {arcs} }}'
        for pin, function in outputs.items()
    ]
    return _cell(name, thirds, pins)


def _flop(name: str, thirds: int, reset: str) -> str:
    inputs = ["D", "CK", *(["R"] if reset else [])]
    state = f'ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CK"; {reset} }}'
    outputs = ['pin (Q) { direction : output; function : "IQ"; }', 'pin (QN) { direction : output; function : "IQN"; }']
    return _cell(name, thirds, [state, *(_PIN.format(name=pin) for pin in inputs), *outputs])


def _gate() -> str:
    pins = [
        "clock_gating_integrated_cell : latch_posedge;",
        "pin (CK) { direction : input; clock : true; clock_gate_clock_pin : true; }",
        "pin (E) { direction : input; clock_gate_enable_pin : true; }",
        "pin (GCK) { direction : output; clock_gate_out_pin : true; }",
    ]
    return _cell("CLKGATE", _CLOCK_GATE, pins)


def _cell(name: str, thirds: int, body: list[str]) -> str:
    return f"  cell ({name}) {{\n    area : {thirds / 3:.4f};\n    " + "\n    ".join(body) + "\n  }"
