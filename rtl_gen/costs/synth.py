"""Synthesis with yosys and abc: Verilog to a hierarchical netlist of library cells, and the cells of every module.

Two runs. The first knows no library and leaves word-level cells; modules with parameters get readable names. The second
maps: adders and clock gates to the library's own cells, flip-flops, then the logic between them with a light abc
script, module by module. A module that is instantiated often (a neuron) is mapped once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import ToolError
from rtl_gen.costs import functions, generic, liberty, techmaps
from rtl_gen.costs.hierarchy import Module, base_name
from rtl_gen.costs.liberty import Library
from rtl_gen.costs.tools import YOSYS, ToolRun, require, run

TIMEOUT = 1800.0
"""Seconds that one run of yosys may take."""

_POWER = re.compile(r"\binternal_power\s*\([^)]*\)\s*\{(?:[^{}]|\{[^{}]*\})*\}")
_PARAMETERS = re.compile(r"^(\s*(?:module|cell)\s+)(\$paramod\S*)", re.MULTILINE)

_TITLE = re.compile(r"=== (.+) ===$")
_COUNT = re.compile(r"     (\S+) +(\d+)$")

_ELABORATE = """\
read_verilog {files}
hierarchy -check -top {top}
proc
opt_expr
opt_clean
check -assert
opt -nodffe -nosdff
wreduce
peepopt
opt_clean
alumacc
opt -nosdff
memory
maccmap
opt -nosdff
write_rtlil {out}
"""

_MAP = """\
read_rtlil {coarse}
read_liberty -lib {library}
techmap -map {adders}
hierarchy -top {top}
{gates}
techmap
opt -fast -nosdff
dfflibmap -liberty {library}
opt -fast -nosdff
abc -liberty {library} -script {script}
opt_clean -purge
hierarchy -top {top}
tee -q -o stat.txt stat
write_verilog -noattr netlist.v
write_json netlist.json
"""

_ABC = "strash; dc2; amap -m; topo; buffer -c; upsize; dnsize; stime -p"
_ABC_UNSIZED = "strash; dc2; amap -m; topo"  # the generic cells have one size each


@dataclass(frozen=True)
class Synthesis:
    """A mapped netlist and what it holds.

    Parameters
    ----------
    top : name of the top module
    library : the cells that it is mapped to
    technology_independent : the cells are the generic ones
    netlist : hierarchical Verilog of library cells
    modules : cells and submodules of every module, by its name in the netlist
    gate_equivalent : area of the smallest two-input NAND, in the library's unit (um2)
    logs : of the programs that ran
    seconds : wall time of all programs
    peak_memory : bytes, of the largest process
    """

    top: str
    library: Library
    technology_independent: bool
    netlist: Path
    modules: Mapping[str, Module]
    gate_equivalent: float
    logs: tuple[Path, ...]
    seconds: float
    peak_memory: int


def synthesise(
    files: Sequence[Path],
    top: str,
    folder: Path,
    library: Path | None = None,
    *,
    clock_gating: bool = True,
    timeout: float = TIMEOUT,
) -> Synthesis:
    """Synthesise Verilog files with yosys.

    Parameters
    ----------
    files : Verilog-2005 sources
    top : name of the top module
    folder : where scripts, logs and the netlist go; made when it does not exist
    library : Liberty file, plain or gzip; None takes the generic cells, areas in gate equivalents
    clock_gating : registers with an enable get a gated clock instead of a multiplexer per bit, as far as the library
        has a clock gate
    timeout : seconds per run of yosys

    Raises
    ------
    LibertyError
        When the file is no Liberty file, or lacks flip-flops or a two-input NAND.
    ToolMissingError
        When yosys is not on the PATH.
    ToolError
        When yosys fails (Verilog that does not elaborate), is killed or takes too long; the log is kept.
    """
    require(YOSYS)
    folder.mkdir(parents=True, exist_ok=True)
    cells = liberty.read(generic.write(folder) if library is None else library, folder)
    unit = functions.nand2(cells).area
    functions.flops(cells)
    coarse, first = _elaborate(files, top, folder, timeout)
    second = _map(coarse, top, cells, clock_gating=clock_gating, sized=library is not None, timeout=timeout)
    return Synthesis(
        top,
        cells,
        library is None,
        folder / "netlist.v",
        _modules(folder / "stat.txt"),
        unit,
        (first.log, second.log),
        first.seconds + second.seconds,
        max(first.peak_memory, second.peak_memory),
    )


def _elaborate(files: Sequence[Path], top: str, folder: Path, timeout: float) -> tuple[Path, ToolRun]:
    raw, coarse = folder / "elaborated.il", folder / "coarse.il"
    sources = " ".join(f'"{path.resolve()}"' for path in files)
    done = _yosys(_ELABORATE.format(files=sources, top=top, out=raw.name), folder / "elaborate", timeout)
    coarse.write_text(_readable(raw.read_text(encoding="utf-8")), encoding="utf-8")
    raw.unlink()
    return coarse, done


def _map(coarse: Path, top: str, library: Library, *, clock_gating: bool, sized: bool, timeout: float) -> ToolRun:
    folder = coarse.parent
    trimmed = folder / f"logic_{library.path.name}"
    trimmed.write_text(_POWER.sub("", library.path.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
    adders, gates, script = folder / "adders.v", folder / "gates.v", folder / "abc.script"
    adders.write_text(techmaps.adders(library), encoding="utf-8")
    gate = functions.clock_gate(library) if clock_gating else None
    if gate is not None:
        gates.write_text(techmaps.clock_gates(gate), encoding="utf-8")
    script.write_text((_ABC if sized else _ABC_UNSIZED).replace("; ", "\n") + "\n", encoding="utf-8")
    text = _MAP.format(
        coarse=coarse.name,
        top=top,
        library=trimmed.name,
        adders=adders.name,
        gates=f"techmap -map {gates.name}" if gate is not None else "",
        script=script.name,
    )
    return _yosys(text, folder / "map", timeout)


def _yosys(script: str, stem: Path, timeout: float) -> ToolRun:
    path = stem.with_suffix(".ys")
    path.write_text(script, encoding="utf-8")
    return run([YOSYS, "-Q", "-T", "-s", path.name], stem.with_suffix(".log"), timeout=timeout)


def _readable(text: str) -> str:
    """Give the modules with parameters the names ``<module>__<n>`` instead of yosys's own."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}

    def named(match: re.Match[str]) -> str:
        prefix, old = match.groups()
        if old not in names:
            base = base_name(old)
            counts[base] = counts.get(base, 0) + 1
            names[old] = f"\\{base}__{counts[base]}"
        return prefix + names[old]

    return _PARAMETERS.sub(named, text)


def _modules(stat: Path) -> dict[str, Module]:
    """Read the text of ``stat``: its JSON is broken for more than one module (yosys 0.23)."""
    found: dict[str, dict[str, int]] = {}
    cells: dict[str, int] = {}
    for line in stat.read_text(encoding="utf-8").splitlines():
        if title := _TITLE.match(line):
            cells = found.setdefault(title.group(1), {})
        elif count := _COUNT.match(line):
            cells[count.group(1)] = int(count.group(2))
    found.pop("design hierarchy", None)
    if not found:
        raise ToolError(f"yosys wrote no statistics; see the log beside {stat}")
    return {name: Module(cells) for name, cells in found.items()}
