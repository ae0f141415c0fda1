"""Runs the Verilog of a model of cells in Icarus: stimulus from a file, frames as hexadecimal text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae import process
from econ_ae.econt.cell_frame import frames
from econ_ae.emulator import encode_pulses
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import VerilogOptions, generate, latency, ports, top_module
from rtl_gen.verilog.ports import CONFIGURATION
from rtl_gen.writer import write_files

_TIMEOUT = 600.0
_ORBIT = 3564

_BENCH = """\
`default_nettype none
module bench;
    localparam EVENTS = {events};
    localparam LATENCY = {latency};
    reg clk = 1'b0, rst_n = 1'b0, in_valid = 1'b0;
    reg [{line}:0] stimulus [0:EVENTS-1];
    reg [{line}:0] now;
    wire out_valid;
    wire [159:0] frame;
    integer t, out;
    {top} dut (
        .clk(clk), .rst_n(rst_n), .in_valid(in_valid), .bx0(now[{line}]), .{data}(now[{last}:0]),
{configuration}
        .out_valid(out_valid), .sum_code(), .frame(frame)
    );
    initial begin
        $readmemh("stimulus.hex", stimulus);
        out = 0;
        now = 0;
        #1 rst_n = 1'b1;
        for (t = 0; t < EVENTS + LATENCY; t = t + 1) begin
            in_valid = t < EVENTS;
            if (t < EVENTS) now = stimulus[t];
            #1;
            if (LATENCY == 0 && out_valid) $display("frame %0d %h", out, frame);
            clk = 1'b1;
            #1;
            if (LATENCY > 0 && out_valid !== (t >= LATENCY - 1 && t < EVENTS + LATENCY - 1))
                $display("late or early at %0d", t);
            if (LATENCY > 0 && out_valid) $display("frame %0d %h", out, frame);
            if (out_valid) out = out + 1;
            clk = 1'b0;
            #1;
        end
        $finish;
    end
endmodule
`default_nettype wire
"""


@dataclass(frozen=True)
class Setting:
    """Configuration of the front end: mux selects and calibration factors, one per cell."""

    mux: IntArray
    calibration: IntArray


def crossings(events: int) -> IntArray:
    """Return the bunch crossings of the events of a bench, which begin at 0."""
    return np.arange(events) % _ORBIT


def expected(model: EncoderModel, charges: NDArray[np.integer]) -> list[str]:
    """Return the frames of the emulator as hexadecimal text."""
    words = frames(model, encode_pulses(model, charges), charges, crossings(len(charges)))[:, :5]
    return ["".join(f"{word:08x}" for word in row) for row in words.tolist()]


def simulate(
    model: EncoderModel,
    options: VerilogOptions,
    data: NDArray[np.integer],
    folder: Path,
    setting: Setting | None = None,
) -> list[str]:
    """Return the frames that the Verilog makes, as hexadecimal text.

    Parameters
    ----------
    data : codes, or charges for options without front end, (n, cells)
    """
    bits = 7 if options.front_end else model.input.charge.width
    number = int.from_bytes(weights.pack(model), "little")
    configured = {"weights": number}
    if setting is not None:
        configured["mux"] = _joined(setting.mux, max((model.input.cells - 1).bit_length(), 1))
        configured["calibration"] = _joined(setting.calibration, 12)
    declared = [port for port in ports(model, options) if port.role == CONFIGURATION]
    configuration = "\n".join(f"        .{port.name}({port.width}'h{configured[port.name]:x})," for port in declared)
    width = bits * model.input.cells
    bench = _BENCH.format(
        events=len(data), latency=latency(model, options), line=width, last=width - 1,
        top=top_module(model, options), data="codes" if options.front_end else "charges", configuration=configuration,
    )  # fmt: skip
    files = generate(model, options) | {"bench.v": bench}
    paths = [path for path in write_files(files, folder) if path.suffix == ".v"]
    lines = (
        f"{(int(bx == 0) << width) | _joined(row, bits):x}" for bx, row in zip(crossings(len(data)), data, strict=True)
    )
    (folder / "stimulus.hex").write_text("\n".join(lines) + "\n", encoding="ascii")
    program = folder / "bench.vvp"
    arguments = ["iverilog", "-g2005", "-DECON_AE_ASSERT", "-s", "bench", "-o", str(program), *map(str, paths)]
    process.run(arguments, folder / "compile.log", timeout=_TIMEOUT)
    log = folder / "bench.log"
    process.run(["vvp", "-n", str(program)], log, timeout=_TIMEOUT, directory=folder)
    found = log.read_text(encoding="ascii").splitlines()
    strange = [line for line in found if not line.startswith("frame ")]
    assert not strange, strange[:3]
    return [line.split()[2] for line in found]


def _joined(numbers: NDArray[np.integer], bits: int) -> int:
    return sum(int(value) << bits * i for i, value in enumerate(numbers))
