"""Synthesis with yosys and abc: Verilog to a hierarchical netlist of library cells, and the cells of every module.

Two runs. The first knows no library and leaves word-level cells; modules with parameters get readable names. The second
maps: adders and clock gates to the library's own cells, flip-flops, then the logic between them with a light abc
script, module by module. A module that is instantiated often (a neuron) is mapped once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from econ_ae.errors import ToolError
from econ_ae.process import YOSYS, ToolRun, require, run, version
from rtl_gen.costs.library import cells, find, generic
from rtl_gen.costs.library.cells import Library
from rtl_gen.costs.netlist.hierarchy import Module, base_name
from rtl_gen.costs.synthesis import scripts, techmaps
from rtl_gen.costs.synthesis.merge import write_merged, write_merged_json

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
class Recipe:
    """Everything that decides about a netlist but the Verilog.

    Parameters
    ----------
    library : the cells, whose file is plain text
    technology_independent : the cells are the generic ones
    clock_ns : clock period that the logic is sized for
    texts : scripts and maps that yosys and abc read, by file name
    tool : name and version of yosys
    """

    library: Library
    technology_independent: bool
    clock_ns: float
    texts: Mapping[str, str]
    tool: str

    @property
    def sha256(self) -> str:
        """Hash of all of it."""
        said = json.dumps([self.clock_ns, dict(self.texts), self.tool], sort_keys=True)
        return hashlib.sha256(said.encode() + self.library.path.read_bytes()).hexdigest()


def recipe(folder: Path, library: Path | None = None, *, clock_ns: float = 25.0, clock_gating: bool = True) -> Recipe:
    """Return how Verilog is mapped to a library.

    Parameters
    ----------
    folder : where the library goes when it is compressed or generic; made when it does not exist
    library, clock_ns, clock_gating : as for ``synthesise``

    Raises
    ------
    LibertyError, ToolMissingError
        As ``synthesise``.
    """
    require(YOSYS)
    folder.mkdir(parents=True, exist_ok=True)
    found = cells.read(generic.write(folder) if library is None else library, folder)
    find.nand2(found)
    find.flops(found)
    texts = {
        "elaborate.ys": scripts.ELABORATE,
        "map.ys": scripts.MAP + scripts.WRITE,
        "compare.v": techmaps.COMPARE,
        "cells.v": techmaps.cells(found),
        "gates.v": techmaps.clock_gates(found) if clock_gating else "",
        # The logic of a module is sized for 0.4 of a period, as a path goes through two or three modules.
        "abc.script": scripts.ABC_UNSIZED if library is None else scripts.ABC.format(target=round(400 * clock_ns)),
    }
    return Recipe(found, library is None, clock_ns, texts, version(YOSYS, "-V"))


@dataclass(frozen=True)
class Synthesis:
    """A mapped netlist and what it holds.

    Parameters
    ----------
    top : name of the top module
    recipe : how it was mapped, and to which cells
    netlist : hierarchical Verilog of library cells; the same as yosys's JSON beside it (suffix ``.json``); None when
        it was not asked for
    modules : cells and submodules of every module, by its name in the netlist
    seconds : wall time of all programs
    peak_memory : bytes, of the largest process
    """

    top: str
    recipe: Recipe
    netlist: Path | None
    modules: Mapping[str, Module]
    seconds: float
    peak_memory: int

    @property
    def library(self) -> Library:
        """The cells that it is mapped to."""
        return self.recipe.library

    @property
    def gate_equivalent(self) -> float:
        """Area of the smallest two-input NAND, in the library's unit (um2)."""
        return find.nand2(self.library).area

    def cell_areas(self) -> dict[str, float]:
        """Return the gate equivalents of every library cell."""
        unit = self.gate_equivalent
        return {name: cell.area / unit for name, cell in self.library.cells.items()}


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
    clock_ns : clock period that the logic is sized for
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
    how = recipe(folder, library, clock_ns=clock_ns, clock_gating=clock_gating)
    for name in (NETLIST, Path(NETLIST).with_suffix(".json")):
        (folder / name).unlink(missing_ok=True)
    started = perf_counter()
    (folder / "compare.v").write_text(how.texts["compare.v"], encoding="utf-8")
    runs = [_elaborate(files, top, folder, how.texts["elaborate.ys"], timeout)]
    names = _write(how, folder)
    parts = _parts(folder / COARSE, top)
    text = how.texts["map.ys"] if netlist else how.texts["map.ys"].removesuffix(scripts.WRITE)
    for part, apart in parts:
        blackboxes = " ".join(["blackbox", *apart]) if apart else ""
        script = text.format(coarse=COARSE, top=part, stem=f"part_{part}", apart=blackboxes, **names)
        runs.append(_yosys(script, folder / f"map_{part}", timeout))
    modules: dict[str, Module] = {}
    for part, _ in parts:
        modules |= _modules(folder / f"part_{part}.txt")
    return Synthesis(
        top,
        how,
        _joined([part for part, _ in parts], folder) if netlist else None,
        modules,
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


def _elaborate(files: Sequence[Path], top: str, folder: Path, script: str, timeout: float) -> ToolRun:
    raw = folder / "elaborated.il"
    sources = " ".join(f'"{path.resolve()}"' for path in files)
    done = _yosys(script.format(files=sources, top=top, out=raw.name), folder / "elaborate", timeout)
    (folder / COARSE).write_text(_readable(raw.read_text(encoding="utf-8")), encoding="utf-8")
    raw.unlink()
    return done


def _parts(coarse: Path, top: str) -> list[tuple[str, list[str]]]:
    """Return what is mapped in a run of its own, and the modules that are left out there: half the memory."""
    names = [name.removeprefix("\\") for name in _MODULE.findall(coarse.read_text(encoding="utf-8"))]
    large = [name for name in names if name.endswith(CONFIGURATION) and name != top]
    return [*((name, list[str]()) for name in large), (top, large)]


def _write(how: Recipe, folder: Path) -> dict[str, str]:
    """Write the maps and the library as abc reads it fastest; return what the script calls them."""
    trimmed = folder / f"logic_{how.library.path.name}"
    text = how.library.path.read_text(encoding="utf-8", errors="replace")
    trimmed.write_text(_POWER.sub("", text), encoding="utf-8")
    for name in ("cells.v", "gates.v", "abc.script"):
        (folder / name).write_text(how.texts[name], encoding="utf-8")
    gates = "techmap -map gates.v" if how.texts["gates.v"] else ""
    return {"library": trimmed.name, "cells": "cells.v", "gates": gates, "script": "abc.script"}


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
