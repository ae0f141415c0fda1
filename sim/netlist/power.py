"""Power of a netlist on real events: measured activity beside the activities that tools assume, part by part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from rtl_gen.costs.power.activity import Activity, assumed
from rtl_gen.costs.power.calculate import power
from rtl_gen.costs.power.report import PowerCosts, PowerReport
from rtl_gen.costs.power.tables import read_power
from rtl_gen.verilog import VerilogOptions
from sim.netlist.mapped import MappedNetlist
from sim.netlist.run import run_netlist

ASSUMED = (0.1, 0.2, 0.3)
"""Changes per net and clock that the measured activity is compared with."""


def measure_power(
    mapped: MappedNetlist,
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    clock_ns: float,
    *,
    wire_load: str | None = None,
    glitch_clocks: int = 0,
    progress: Progress | None = None,
) -> PowerCosts:
    """Simulate a netlist on real events and return its power, beside that of assumed activities.

    Parameters
    ----------
    mapped : netlist of the complete block or of a datapath
    events : trigger-cell codes, integers (n, cells)
    clock_ns : clock period; one event comes every clock
    wire_load : wire-load model of the library, ``none`` for pins alone; None takes the library's default
    glitch_clocks : clocks of every lane that are simulated with unit delays too, so that glitches are counted

    Raises
    ------
    LibertyError
        When the library has no power data.
    ConfigError
        When it has no such wire load.
    VerificationError
        When an output differed from econ_ae's models: the activity of a wrong simulation is worth nothing.
    """
    library = read_power(mapped.library, [group.cell for group in mapped.flat.cells], wire_load)
    run = run_netlist(mapped.flat, mapped.cells, model, options, events, glitch_clocks=glitch_clocks, progress=progress)
    if not run.passed:
        raise VerificationError(
            f"{run.mismatches} of {run.events} events of the netlist are wrong: {run.first_mismatch}"
        )

    def watts(activity: Activity, *, gates_open: bool = False) -> PowerReport:
        return power(mapped.flat, library, activity, clock_ns, gates_open=gates_open)

    gated = any(cell.gate for cell in mapped.cells.values())
    return PowerCosts(
        events=min(len(events), run.events),
        measured=watts(run.activity),
        with_unit_delays=None if run.with_glitches is None else watts(run.with_glitches),
        without_clock_gates=watts(run.activity, gates_open=True) if gated else None,
        assumed=tuple((changes, watts(assumed(mapped.flat, changes, mapped.cells))) for changes in ASSUMED),
    )
