"""Power against a calculation by hand, against OpenSTA, and the errors of libraries that have none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import ConfigError, LibertyError
from rtl_gen.costs import synthesise
from rtl_gen.costs.library.cells import read_cells
from rtl_gen.costs.library.groups import parse, read
from rtl_gen.costs.netlist.flat import FlatNetlist, flatten
from rtl_gen.costs.power.activity import Activity, assumed
from rtl_gen.costs.power.calculate import power
from rtl_gen.costs.power.tables import read_power
from tests.costs.opensta_power import opensta_power
from tests.required import require_program

TINY = """library (tiny) {
  nom_voltage : 2.0; time_unit : "1ns"; capacitive_load_unit (1, ff); leakage_power_unit : "1nW";
  default_wire_load : "short";
  wire_load ("short") { capacitance : 0.5; slope : 4; fanout_length (1, 2); fanout_length (2, 6); }
  power_lut_template (load) {
    variable_1 : input_transition_time; variable_2 : total_output_net_capacitance;
    index_1 ("0.1, 0.2"); index_2 ("0, 10");
  }
  cell (INV) {
    leakage_power () { when : "A"; value : 3; }
    leakage_power () { when : "!A"; value : 1; }
    pin (A) { direction : input; capacitance : 2; }
    pin (Y) {
      direction : output; function : "!A";
      internal_power () {
        related_pin : "A";
        rise_power (load) { values ("1, 11", "1, 11"); }
        fall_power (load) { values ("3, 13", "3, 13"); }
      }
    }
  }
  cell (DFF) {
    cell_leakage_power : 5;
    ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 1; }
    pin (CK) { direction : input; clock : true; capacitance : 4;
      internal_power () { rise_power (scalar) { values ("6"); } fall_power (scalar) { values ("2"); } } }
    pin (Q) { direction : output; function : "IQ"; }
  }
}"""

MULTIPLIER = """module dut (input clk, input [5:0] a, input [5:0] b, output reg [11:0] y);
    reg [5:0] c, d;
    always @(posedge clk) begin c <= a; d <= b; y <= c * d; end
endmodule
"""


def chain() -> FlatNetlist:
    """A flip-flop, an inverter behind it, and two inverters behind that."""

    def cell(kind: str, **pins: int) -> dict[str, object]:
        return {"type": kind, "connections": {pin: [net] for pin, net in pins.items()}}

    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "d": {"direction": "input", "bits": [3]},
        "y": {"direction": "output", "bits": [6]},
    }
    cells = {
        "flop": cell("DFF", D=3, CK=2, Q=4),
        "first": cell("INV", A=4, Y=5),
        "left": cell("INV", A=5, Y=6),
        "right": cell("INV", A=5, Y=7),
    }
    return flatten({"top": {"ports": ports, "cells": cells, "netnames": {}}}, "top")


def test_power_by_hand() -> None:
    netlist = chain()
    library = read_power(parse(TINY, "tiny.lib"), ["INV", "DFF"])
    toggles = np.zeros(netlist.nets)
    inverters = next(cells for cells in netlist.cells if cells.cell == "INV")
    flop = next(cells for cells in netlist.cells if cells.cell == "DFF")
    toggles[flop.pins["Q"]] = 0.5
    toggles[inverters.pins["Y"]] = 0.5
    sample = np.zeros((netlist.nets, 1), np.uint64)
    sample[1] = ~np.uint64(0)
    sample[inverters.pins["Y"][0]] = ~np.uint64(0)  # the first inverter's output is high, all others low
    report = power(netlist, library, Activity("by hand", toggles, sample, 64, 1), 10.0)
    hertz, femto = 1e8, 1e-15
    # The flop drives one inverter (2 fF) and a wire of 2 x 0.5 fF, the first inverter two and a wire of 6 x 0.5 fF.
    switching = (3 + 7) * femto * 2.0**2 / 2 * 0.5 * hertz
    # Mean of rise and fall is 2 fJ + 1 fJ/fF; the energy unit is 1 fF x (2 V)^2 = 4 fJ.
    internal = 4 * ((2 + 7) + 2 + 2) * femto * 0.5 * hertz
    clock = (2 * 4 * 4 * femto + 2 * (4 + 1) * femto * 2.0**2 / 2) * hertz
    leakage = (5 + 1 + 3 + 3) * 1e-9
    total = report.total
    assert total.switching == pytest.approx(switching)
    assert total.internal == pytest.approx(internal)
    assert total.clock == pytest.approx(clock)
    assert total.leakage == pytest.approx(leakage)
    assert report.energy == pytest.approx(total.total * 10e-9)


def test_more_activity_is_more_power() -> None:
    netlist = chain()
    library = read_power(parse(TINY, "tiny.lib"), ["INV", "DFF"])
    cells = read_cells(parse(TINY, "tiny.lib"), ["INV", "DFF"])
    watts = [power(netlist, library, assumed(netlist, a, cells), 25).total for a in (0.1, 0.2, 0.4)]
    assert watts[1].switching == pytest.approx(2 * watts[0].switching)
    assert watts[2].internal == pytest.approx(4 * watts[0].internal)
    assert len({row.leakage for row in watts}) == 1


@pytest.mark.parametrize("name", ["nangate45_typ", "sky130hd_tt", "ihp_sg13g2_typ_1p20V_25C"])
def test_opensta_agrees(name: str, reference: Path, tmp_path: Path) -> None:
    """Switching and leakage agree within ten percent.

    The internal power does not: the OpenSTA of 2019 adds the energies of a rise and of a fall for every change of an
    output, where one change is one of the two (later versions take the mean), and halves that of input pins.
    """
    for tool in ("yosys", "sta"):
        require_program(tool)
    (tmp_path / "dut.v").write_text(MULTIPLIER)
    done = synthesise([tmp_path / "dut.v"], "dut", tmp_path, reference / "liberty" / f"{name}.lib.gz")
    netlist = flatten(json.loads((tmp_path / "netlist.json").read_text())["modules"], done.top)
    library = read_power(read(done.library.path), [group.cell for group in netlist.cells])
    activity = assumed(netlist, 0.2, read_cells(read(done.library.path), library.cells))
    ours = power(netlist, library, activity, 25).total
    theirs = opensta_power(netlist, library, done.library.path, tmp_path / "sta", 25, activity=0.2)
    assert ours.switching == pytest.approx(theirs["switching"], rel=0.1)
    assert ours.leakage == pytest.approx(theirs["leakage"], rel=0.1)


def test_libraries_without_power() -> None:
    bare = "library (bare) { %s cell (INV) { pin (A) { direction : input; } pin (Y) { direction : output; } } }"
    units = "nom_voltage : 1.0; capacitive_load_unit (1, ff);"
    with pytest.raises(LibertyError, match=re.escape("library 'bare' has no 'nom_voltage'; power needs")):
        read_power(parse(bare % "", "bare.lib"), ["INV"])
    with pytest.raises(LibertyError, match="library 'bare' has no internal_power tables"):
        read_power(parse(bare % units, "bare.lib"), ["INV"])
    with pytest.raises(LibertyError, match="cell 'NAND' of the netlist is not in the library 'tiny'"):
        read_power(parse(TINY, "tiny.lib"), ["INV", "NAND"])
    with pytest.raises(LibertyError, match="wire_load 'short': slope is 'steep'; expected a number"):
        read_power(parse(TINY.replace("slope : 4", "slope : steep"), "tiny.lib"), ["INV"])
    with pytest.raises(ConfigError, match="wire load 'long' is not in library 'tiny'; expected none or one of short"):
        read_power(parse(TINY, "tiny.lib"), ["INV"], "long")
