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
from time import perf_counter

from econ_ae.errors import ToolError
from econ_ae.process import YOSYS, ToolRun, require, run
from rtl_gen.costs import functions, generic, liberty, scripts, techmaps
from rtl_gen.costs.hierarchy import Module, base_name
from rtl_gen.costs.liberty import Library
from rtl_gen.costs.netlists import write_merged, write_merged_json

COARSE, NETLIST = "coarse.il", "netlist.v"
CONFIGURATION = "_config"
"""End of the name of the module that is mapped apart: the configuration registers."""

TIMEOUT = 1800.0
"""Seconds that one run of yosys may take."""

_POWER = re.compile(r"\binternal_power\s*\([^)]*\)\s*\{(?:[^{}]|\{[^{}]*\})*\}")
_MODULE = re.compile(r"^module (\S+)", re.MULTILINE)
_PARAMETERS = re.compile(r"^(\s*(?:module|cell)\s+)(\$paramod\S*)", re.MULTILINE)

_TITLE = re.compile(r"=== (.+) ===$")
_COUNT = re.compile(r"     (\S+) +(\d+)$")


@dataclass(frozen=True)
class Synthesis:
    """A mapped netlist and what it holds.

    Parameters
    ----------
    top : name of the top module
    library : the cells that it is mapped to
    technology_independent : the cells are the generic ones
    netlist : hierarchical Verilog of library cells; the same as yosys's JSON beside it (suffix ``.json``); None when
        it was not asked for
    modules : cells and submodules of every module, by its name in the netlist
    gate_equivalent : area of the smallest two-input NAND, in the library's unit (um2)
    logs : of the programs that ran
    seconds : wall time of all programs
    peak_memory : bytes, of the largest process
    """

    top: str
    library: Library
    technology_independent: bool
    netlist: Path | None
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
    clock_ns: float = 25.0,
    clock_gating: bool = True,
    netlist: bool = True,
    timeout: float = TIMEOUT,
) -> Synthesis:
    """Synthesise Verilog files with yosys.

    Parameters
    ----------
    files : Verilog-2005 sources
    top : name of the top module
    folder : where scripts, logs and the netlist go; made when it does not exist
    library : Liberty file, plain or gzip; None takes the generic cells, areas in gate equivalents
    clock_ns : clock period; the logic of a module is sized for 0.4 of it, as a path goes through two or three of them
    clock_gating : registers with an enable get a gated clock instead of a multiplexer per bit, as far as the library
        has a clock gate
    netlist : write it; areas alone are faster
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
    started = perf_counter()
    runs = [_elaborate(files, top, folder, timeout)]
    abc = scripts.ABC_UNSIZED if library is None else scripts.ABC.format(target=round(400 * clock_ns))
    commands = _commands(cells, folder, abc, clock_gating=clock_gating)
    parts = _parts(folder / COARSE, top)
    text = scripts.MAP + scripts.WRITE if netlist else scripts.MAP
    for part, apart in parts:
        blackboxes = " ".join(["blackbox", *apart]) if apart else ""
        script = text.format(coarse=COARSE, top=part, stem=f"part_{part}", apart=blackboxes, **commands)
        runs.append(_yosys(script, folder / f"map_{part}", timeout))
    modules: dict[str, Module] = {}
    for part, _ in parts:
        modules |= _modules(folder / f"part_{part}.txt")
    return Synthesis(
        top,
        cells,
        library is None,
        _joined([part for part, _ in parts], folder) if netlist else None,
        modules,
        unit,
        tuple(run.log for run in runs),
        perf_counter() - started,
        max(run.peak_memory for run in runs),
    )


def _joined(parts: Sequence[str], folder: Path) -> Path:
    """Make one netlist of those of the parts, which go."""
    verilog, tables = ([folder / f"part_{part}.{suffix}" for part in parts] for suffix in ("v", "json"))
    path = folder / NETLIST
    write_merged(verilog, path)
    write_merged_json(tables, path.with_suffix(".json"))
    for part in (*verilog, *tables):
        part.unlink()
    return path


def _elaborate(files: Sequence[Path], top: str, folder: Path, timeout: float) -> ToolRun:
    raw = folder / "elaborated.il"
    sources = " ".join(f'"{path.resolve()}"' for path in files)
    done = _yosys(scripts.ELABORATE.format(files=sources, top=top, out=raw.name), folder / "elaborate", timeout)
    (folder / COARSE).write_text(_readable(raw.read_text(encoding="utf-8")), encoding="utf-8")
    raw.unlink()
    return done


def _parts(coarse: Path, top: str) -> list[tuple[str, list[str]]]:
    """Return what is mapped in a run of its own, and the modules that are left out there: half the memory."""
    names = [name.removeprefix("\\") for name in _MODULE.findall(coarse.read_text(encoding="utf-8"))]
    large = [name for name in names if name.endswith(CONFIGURATION) and name != top]
    return [*((name, list[str]()) for name in large), (top, large)]


def _commands(library: Library, folder: Path, abc: str, *, clock_gating: bool) -> dict[str, str]:
    """Write the maps and the library as abc reads it fastest; return the file names and commands for the script."""
    trimmed = folder / f"logic_{library.path.name}"
    trimmed.write_text(_POWER.sub("", library.path.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
    (folder / "cells.v").write_text(techmaps.cells(library), encoding="utf-8")
    gate = functions.clock_gate(library) if clock_gating else None
    if gate is not None:
        (folder / "gates.v").write_text(techmaps.clock_gates(gate), encoding="utf-8")
    (folder / "abc.script").write_text(abc, encoding="utf-8")
    return {
        "library": trimmed.name,
        "cells": "cells.v",
        "gates": "" if gate is None else "techmap -map gates.v",
        "script": "abc.script",
    }


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
