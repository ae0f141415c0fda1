"""Static timing with OpenSTA: slack, maximum frequency, and the longest path of every pipeline stage in words.

Before layout: no wires (none but the library's default wire-load model), an ideal clock, no reset tree. Nothing is
timed from or to ports of the quasi-static configuration (docs/rtl.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from econ_ae.errors import ToolError
from econ_ae.process import OPENSTA, ToolRun, run
from rtl_gen.costs.netlist.hierarchy import Module, base_name
from rtl_gen.costs.synthesis.synth import Synthesis

TIMEOUT = 900.0
"""Seconds that OpenSTA may take."""

CLOCK, RESET = "clk", "rst_n"
_REGISTER = "register_"  # instances of pipeline registers
CONFIGURATION = "configuration"
_PARTS = {"datapath": "datapath", CONFIGURATION: "config"}
"""Instances of the complete block that are timed apart, and the ends of their modules' names."""

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
    """

    period: float
    paths: tuple[TimedPath, ...]
    seconds: float
    peak_memory: int

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
        When OpenSTA fails, or there is no netlist or no timed path in it.
    """
    if synthesis.netlist is None:
        raise ToolError(f"the synthesis of {synthesis.top} wrote no netlist; OpenSTA needs one: set netlist=True")
    netlist = synthesis.netlist.read_text(encoding="utf-8")
    names = _INSTANCE.findall(netlist)
    bits = _Bits(netlist, {name: module for module, name in names})
    found: dict[str, TimedPath] = {}
    runs: list[ToolRun] = []
    for top, instance in _tops(synthesis):
        stages = [] if instance == CONFIGURATION else [name.removeprefix(_REGISTER) for _, name in names]
        script = folder / f"timing_{top}.tcl"
        part = script.with_suffix(".v")
        part.write_text(_below(netlist, synthesis.modules, top), encoding="utf-8")
        files = synthesis.library.path, part
        script.write_text(
            _script(files, top, stages=stages, period=period, quasi_static=quasi_static), encoding="utf-8"
        )
        runs.append(run([OPENSTA, "-no_splash", "-exit", script.name], script.with_suffix(".log"), timeout=TIMEOUT))
        part.unlink()
        text = runs[-1].log.read_text(encoding="utf-8", errors="replace")
        errors = [line for line in text.splitlines() if line.startswith("Error:")]
        if errors:
            raise ToolError(f"OpenSTA failed: {errors[0]}; log: {runs[-1].log}")
        for path in map(bits.named, _paths(text, instance)):
            if path.stage not in found or path.delay > found[path.stage].delay:
                found[path.stage] = path
    if not found:
        raise ToolError(f"OpenSTA found no timed path; log: {runs[-1].log}")
    return Timing(
        period,
        tuple(sorted(found.values(), key=lambda path: -path.delay)),
        sum(run.seconds for run in runs),
        max(run.peak_memory for run in runs),
    )


def _tops(synthesis: Synthesis) -> list[tuple[str, str]]:
    """Return the modules that are timed, each by itself, and their instances in the top module.

    Between the datapath and the configuration of the complete block run quasi-static signals only.
    """
    below = synthesis.modules[synthesis.top].cells
    parts = {name: next((m for m in below if base_name(m).endswith(f"_{end}")), None) for name, end in _PARTS.items()}
    if None in parts.values():
        return [(synthesis.top, "")]
    return [(module, instance) for instance, module in parts.items() if module is not None]


def _below(netlist: str, modules: Mapping[str, Module], top: str) -> str:
    """Return the modules of a netlist from ``top`` on: OpenSTA holds everything that it reads in memory."""
    needed = {top}
    waiting = [top]
    while waiting:
        inner = [kind for kind in modules[waiting.pop()].cells if kind in modules and kind not in needed]
        needed.update(inner)
        waiting += inner
    return "".join(f"module {text}\n" for text in netlist.split("\nmodule ")[1:] if text.split("(", 1)[0] in needed)


def _script(
    files: tuple[Path, Path], top: str, *, stages: list[str], period: float, quasi_static: Collection[str]
) -> str:
    skipped = " ".join(sorted(quasi_static))
    lines = [
        f"read_liberty {files[0].resolve()}",
        f"read_verilog {files[1].resolve()}",
        f"link_design {top}",
        "set_delay_calculator lumped_cap",  # there are no wires; twice as fast as the default, the same to 0.01 ns
        f"create_clock -name {CLOCK} -period {period} [get_ports {CLOCK}]",
        # Ports without a delay are not timed: the quasi-static ones and the reset.
        f"set skipped {{{skipped} {CLOCK} {RESET}}}",
        "foreach {ports command} [list [all_inputs] set_input_delay [all_outputs] set_output_delay] {",
        "  foreach port $ports {",
        "    set name [lindex [split [get_property $port full_name] {[}] 0]",
        f"    if {{$name ni $skipped}} {{ $command 0 -clock {CLOCK} $port }}",
        "  }",
        "}",
    ]
    ends = {name: f"[get_pins {{{_REGISTER}{name}/*/D}}]" for name in stages}
    ends[_OUTPUTS] = "[all_outputs]"
    for name, pins in ends.items():
        lines += [f'puts "STAGE {name}"', f"report_checks -path_delay max -format full -digits 4 -to {pins}"]
    lines += ['puts "STAGE "', f"report_checks -path_delay max -format full -digits 4 -path_group {CLOCK}"]
    return "\n".join(lines) + "\n"


def _paths(text: str, instance: str) -> Iterator[TimedPath]:
    """Yield the paths of a log. The longest of all comes last and counts when its stage is not known yet."""
    seen: set[str] = set()
    for part in text.split("STAGE ")[1:]:
        stage, _, report = part.partition("\n")
        slack = _SLACK.search(report)
        points = [(time, _full_name(instance, pin), kind) for time, pin, kind in _POINT.findall(report)]
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


def _full_name(instance: str, pin: str) -> str:
    """Return the name that a pin of a part has in the whole design; ports of the part keep theirs."""
    return f"{instance}/{pin}" if instance and "/" in pin else pin


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
