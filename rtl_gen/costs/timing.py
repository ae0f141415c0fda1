"""Static timing with OpenSTA: slack, maximum frequency, and the longest path of every pipeline stage in words.

Before layout: no wires (none but the library's default wire-load model), an ideal clock, no reset tree. Ports and pins
of the quasi-static configuration are false paths (docs/rtl.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from econ_ae.errors import ToolError
from rtl_gen.costs.hierarchy import base_name
from rtl_gen.costs.synth import Synthesis
from rtl_gen.costs.tools import OPENSTA, run

TIMEOUT = 900.0
"""Seconds that OpenSTA may take."""

CLOCK = "clk"
_REGISTER = "register_"  # instances of pipeline registers
_CONFIGURATION = "configuration"  # instance of the configuration in the complete block
_OUTPUTS = "outputs"

_POINT = re.compile(r"^ +-?[\d.]+ +(-?[\d.]+) [\^v] (\S+) \((\S+)\)$", re.MULTILINE)
_SLACK = re.compile(r"^ +(-?[\d.]+) +slack", re.MULTILINE)
_SETUP = re.compile(r"^ +(-?[\d.]+) +-?[\d.]+ +(?:library setup time|output external delay)", re.MULTILINE)
_INSTANCE = re.compile(rf"^  (\S+) ((?:{_REGISTER})\w+) \($", re.MULTILINE)


@dataclass(frozen=True)
class TimedPath:
    """The longest path to a group of endpoints.

    Parameters
    ----------
    stage : name of the pipeline register at its end, ``configuration`` or ``outputs``
    slack : ns, at the clock of the report
    delay : ns from the clock edge to the endpoint, setup time included: what a clock period must hold
    start, end : pins of the path; of a pipeline register its port and bit, ``datapath/register_input/out_data[7]``
    modules : instances that it goes through, in order, with the ns spent in each
    cells : number of cells
    """

    stage: str
    slack: float
    delay: float
    start: str
    end: str
    modules: tuple[tuple[str, float], ...]
    cells: int


@dataclass(frozen=True)
class Timing:
    """Timing of a netlist.

    Parameters
    ----------
    period : ns, the clock that the slacks are for
    paths : the longest path of every stage, longest first
    seconds : that OpenSTA took
    peak_memory : bytes
    log : of OpenSTA
    """

    period: float
    paths: tuple[TimedPath, ...]
    seconds: float
    peak_memory: int
    log: Path

    @property
    def slack(self) -> float:
        """Smallest slack, ns."""
        return min(path.slack for path in self.paths)

    @property
    def delay(self) -> float:
        """Shortest clock period, ns."""
        return max(path.delay for path in self.paths)

    @property
    def frequency(self) -> float:
        """Largest clock frequency, MHz."""
        return 1000 / self.delay


def analyse(synthesis: Synthesis, folder: Path, *, period: float, quasi_static: Collection[str] = ()) -> Timing:
    """Time a mapped netlist with OpenSTA.

    Parameters
    ----------
    synthesis : into a library with delays
    folder : where script and log go
    period : of the clock, ns
    quasi_static : configuration ports, of the top module or of its configuration; nothing is timed from them

    Raises
    ------
    ToolMissingError
        When OpenSTA is not on the PATH.
    ToolError
        When OpenSTA fails or the netlist has no timed path.
    """
    netlist = synthesis.netlist.read_text(encoding="utf-8")
    names = _INSTANCE.findall(netlist)
    block = any(base_name(module).endswith("_config") for module in synthesis.modules)
    prefix = "datapath/" if block else ""
    groups = {name.removeprefix(_REGISTER): f"{prefix}{name}/*" for _, name in names}
    script = folder / "timing.tcl"
    script.write_text(_script(synthesis, groups, period, sorted(quasi_static), block=block), encoding="utf-8")
    done = run([OPENSTA, "-no_splash", "-exit", script.name], folder / "timing.log", timeout=TIMEOUT)
    text = done.log.read_text(encoding="utf-8", errors="replace")
    errors = [line for line in text.splitlines() if line.startswith("Error:")]
    if errors:
        raise ToolError(f"OpenSTA failed: {errors[0]}; log: {done.log}")
    bits = _Bits(netlist, {name: module for module, name in names})
    found = tuple(sorted((bits.named(path) for path in _paths(text)), key=lambda path: -path.delay))
    if not found:
        raise ToolError(f"OpenSTA found no timed path; log: {done.log}")
    return Timing(period, found, done.seconds, done.peak_memory, done.log)


def _script(
    synthesis: Synthesis, groups: dict[str, str], period: float, quasi_static: list[str], *, block: bool
) -> str:
    lines = [
        f"read_liberty {synthesis.library.path.resolve()}",
        f"read_verilog {synthesis.netlist.resolve()}",
        f"link_design {synthesis.top}",
        f"create_clock -name {CLOCK} -period {period} [get_ports {CLOCK}]",
        f"set_input_delay 0 -clock {CLOCK} [all_inputs]",
        f"set_output_delay 0 -clock {CLOCK} [all_outputs]",
        "set_false_path -from [get_ports rst_n]",
    ]
    where = f"-through [get_pins {_CONFIGURATION}/{{}}*]" if block else "-from [get_ports {}*]"
    lines += [f"set_false_path {where.format(name)}" for name in quasi_static]
    ends = {name: f"[get_pins {{{cells.replace('*', '*/D')}}}]" for name, cells in groups.items()}
    ends[_OUTPUTS] = "[all_outputs]"
    for name, pins in ends.items():
        lines += [f'puts "STAGE {name}"', f"report_checks -path_delay max -format full -digits 4 -to {pins}"]
    lines += ['puts "STAGE "', f"report_checks -path_delay max -format full -digits 4 -path_group {CLOCK}"]
    return "\n".join(lines) + "\n"


def _paths(text: str) -> Iterator[TimedPath]:
    """Yield the paths of a log. The longest of all comes last and counts when its stage is not known yet."""
    seen: set[str] = set()
    for part in text.split("STAGE ")[1:]:
        stage, _, report = part.partition("\n")
        slack, points = _SLACK.search(report), _POINT.findall(report)
        if slack is None or not points:
            continue
        end = points[-1][1]
        stage = stage or _stage(end)
        if stage in seen:
            continue
        seen.add(stage)
        setup = _SETUP.search(report)
        arrival = float(points[-1][0])
        yield TimedPath(
            stage,
            float(slack.group(1)),
            arrival - (float(setup.group(1)) if setup else 0.0),
            points[0][1],
            end,
            tuple(_through(points)),
            len(points) - 1,
        )


class _Bits:
    """Which bit of a pipeline register a flip-flop holds, from the text of the netlist."""

    def __init__(self, netlist: str, modules: dict[str, str]) -> None:
        self._netlist, self._modules = netlist, modules

    def named(self, path: TimedPath) -> TimedPath:
        return replace(path, start=self._name(path.start, "out_data"), end=self._name(path.end, "in_data"))

    def _name(self, pin: str, port: str) -> str:
        instance, _, flop = pin.rpartition("/")[0].rpartition("/")
        module = self._modules.get(instance.rpartition("/")[2])
        if module is None:
            return pin
        start = self._netlist.index(f"\nmodule {module}(")
        body = self._netlist[start : self._netlist.index("\nendmodule", start)]
        cell = re.search(rf" {re.escape(flop)} \((.*?)\);", body, re.DOTALL)
        bit = re.search(rf"\(({port}(?:\[\d+\])?)\)", cell.group(1)) if cell else None
        return f"{instance}/{bit.group(1)}" if bit else pin


def _stage(pin: str) -> str:
    for step in pin.split("/"):
        if step.startswith(_REGISTER):
            return step.removeprefix(_REGISTER)
    return pin.split("/", maxsplit=1)[0] if "/" in pin else _OUTPUTS


def _through(points: list[tuple[str, str, str]]) -> Iterator[tuple[str, float]]:
    """Yield every instance that a path goes through, and the ns between entering and leaving it."""
    current, entered, last = "", 0.0, 0.0
    for time, pin, _ in points:
        instance = pin.rpartition("/")[0].rpartition("/")[0]
        if instance != current:
            if current:
                yield current, round(last - entered, 4)
            current, entered = instance, last
        last = float(time)
    if current:
        yield current, round(last - entered, 4)
