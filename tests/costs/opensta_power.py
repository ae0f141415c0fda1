"""A witness of power for the tests: OpenSTA on the same flat netlist, with the same activity.

The OpenSTA that Debian has (0~20191111) reads no waveform; the activity is given to it net by net. It takes no state of
a cell from outside, and charges no clock net that a port drives.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from econ_ae.errors import ToolError
from econ_ae.process import OPENSTA, run
from rtl_gen.costs.netlist.flat import ONE, ZERO, FlatNetlist
from rtl_gen.costs.power.activity import Activity
from rtl_gen.costs.power.tables import PowerLibrary

TIMEOUT = 1800.0

_TOTAL = re.compile(r"^Total\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s", re.MULTILINE)


def opensta_power(
    netlist: FlatNetlist,
    library: PowerLibrary,
    liberty: Path,
    folder: Path,
    clock_ns: float,
    *,
    activity: float | Activity,
    clock: str = "clk",
) -> dict[str, float]:
    """Return internal, switching and leakage power and their total, in W, as OpenSTA computes them.

    Parameters
    ----------
    library : as for ``power``; its wire load is given to OpenSTA
    liberty : the same library as a plain file
    folder : where the flat netlist, the script and the log go
    activity : changes per clock of every net alike, or of each net

    Raises
    ------
    ToolMissingError, ToolError
        When OpenSTA is missing, fails, or prints no total.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    netlist_file, script, log, report = (folder / n for n in ("flat.v", "power.tcl", "power.log", "power.rpt"))
    report.unlink(missing_ok=True)
    netlist_file.write_text(flat_verilog(netlist), encoding="utf-8")
    lines = [
        f'read_liberty "{liberty.resolve()}"',
        f'read_verilog "{netlist_file.resolve()}"',
        f"link_design {netlist.top}",
        f"create_clock -name clock -period {clock_ns:g} [get_ports {clock}]",
        "set_input_transition 0.1 [all_inputs]",
    ]
    if library.wire.name != "none":
        lines += [f'set_wire_load_model -name "{library.wire.name}"', "set_wire_load_mode top"]
    if isinstance(activity, Activity):
        # A global activity would win over those of the pins.
        lines += ["set_power_activity -input -activity 0 -duty 0.5", *_each(netlist, library, activity)]
    else:
        lines.append(f"set_power_activity -global -activity {activity:g} -duty 0.5")
    lines += [f"report_power -digits 8 > {{{report.resolve()}}}", "exit"]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run([OPENSTA, "-no_splash", "-exit", str(script)], log, timeout=TIMEOUT)
    # An error in the script does not make the exit code of this version anything but 0.
    found = _TOTAL.search(report.read_text(encoding="utf-8")) if report.is_file() else None
    if found is None:
        raise ToolError(f"{OPENSTA} reported no power; log: {log}")
    return dict(zip(("internal", "switching", "leakage", "total"), map(float, found.groups()), strict=True))


def _each(netlist: FlatNetlist, library: PowerLibrary, activity: Activity) -> list[str]:
    """Return one line per driven net that changes; clock nets are left to the clock."""
    lines = []
    duty = np.bitwise_count(activity.sample).sum(axis=1) / (64 * activity.sample.shape[1])
    for g, cells in enumerate(netlist.cells):
        for name, pin in library.cells[cells.cell].pins.items():
            if not pin.output or name not in cells.pins:
                continue
            for i, net in enumerate(cells.pins[name].tolist()):
                if net > ONE and activity.toggles[net] > 0:
                    what = f"-activity {activity.toggles[net]:.6g} -duty {duty[net]:.4g}"
                    lines.append(f"set_power_activity -pins [get_pins c{g}_{i}/{name}] {what}")
    return lines


def flat_verilog(netlist: FlatNetlist) -> str:
    """Return the netlist as one Verilog module with a scalar wire per net, which every reader understands."""
    ports = [(name, bits, name in netlist.inputs) for name, bits in netlist.ports.items()]
    lines = [f"module {netlist.top} ({', '.join(name for name, _, _ in ports)});"]
    outside: dict[int, str] = {ZERO: "1'b0", ONE: "1'b1"}
    for name, bits, is_input in ports:
        direction = "input" if is_input else "output"
        lines.append(f"  {direction} {f'[{len(bits) - 1}:0] ' if len(bits) > 1 else ''}{name};")
        if is_input:
            outside |= {net: f"{name}[{i}]" if len(bits) > 1 else name for i, net in enumerate(bits.tolist())}

    def spelled(net: int) -> str:
        return outside.get(net, f"n{net}")

    instances, used = [], set[int]()
    for g, cells in enumerate(netlist.cells):
        names, columns = list(cells.pins), [cells.pins[name].tolist() for name in cells.pins]
        for i, nets in enumerate(zip(*columns, strict=True)):
            used |= set(nets)
            pins = ", ".join(f".{name}({spelled(net)})" for name, net in zip(names, nets, strict=True) if net >= 0)
            instances.append(f"  {cells.cell} c{g}_{i} ({pins});")
    lines += [f"  wire n{net};" for net in sorted(used) if net > ONE and net not in outside]
    for name, bits, is_input in ports:
        if not is_input:
            for i, net in enumerate(bits.tolist()):
                lines.append(f"  assign {f'{name}[{i}]' if len(bits) > 1 else name} = {spelled(net)};")
    return "\n".join([*lines, *instances, "endmodule", ""])
