"""What is installed here, whether it works, and what somebody loses for want of the rest."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Literal

from econ_ae import __version__, extras, process
from econ_ae.errors import ConfigError, EconAeError, ToolError, did_you_mean

State = Literal["works", "missing", "broken"]

PYTHONS = ((3, 11), (3, 13))
"""Oldest and newest Python that the packages of all extras are made for."""

_CORE = ("numpy", "h5py", "pydantic", "yaml", "typer", "rich", "filelock")
_FOR_EXTRA = {
    "plot": "figures of econ_ae.plot",
    "rtl": "Verilog, HLS C++, simulations in Icarus, costs",
    "physics": "econ-ae physics; generated images",
    "train": "econ-ae run and everything that trains or loads a trained decoder",
    "explore": "econ-ae explore",
    "root": "ROOT ntuples",
    "parquet": "Parquet files",
    "onnx": "ONNX models",
    "serve": "model repositories for Triton; the server has an environment of its own",
    "pythia": "collisions of Pythia 8",
    "pot": "nothing where the compiled EMD works; the EMD where it was not built",
}
_FOR_PROGRAM = {
    process.IVERILOG: ("-V", "every simulation of Verilog: econ-ae run stops before it trains"),
    process.VVP: ("-V", "every simulation of Verilog, as iverilog"),
    process.YOSYS: ("--version", "area, timing, gates; econ-ae run leaves its costs out"),
    process.ABC: ("-h", "area, timing, gates, as yosys"),
    process.OPENSTA: ("-version", "timing and power with a Liberty file; area remains"),
    process.VERILATOR: ("--version", "a million events in minutes (--simulator verilator); Icarus remains"),
    process.GXX: ("--version", "suite hls, Verilator's builds, C++ emulator libraries"),
}
"""Option that prints something, and what is lost without the program."""
_IMPORT = (
    "import importlib, sys\n"
    "for name in sys.argv[1:]:\n"
    "    print('try', name, flush=True)\n"
    "    try:\n        importlib.import_module(name)\n"
    "    except Exception as problem:\n"
    "        text = f'{type(problem).__name__}: {problem}'\n"
    "        print('bad', name, ' '.join(text.split())[:200], flush=True)\n"
    "    else:\n        print('good', name, flush=True)\n"
)
_OWN = {"google.protobuf": "google"}
_SECONDS = 300.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name : of the package's extra, the program, or the part
    kind : python, part, extra or program
    state : broken is there and does not work
    version : of what is there
    use : what it is for; of what is missing or broken what is lost
    remedy : what to do about it; empty where it works
    """

    name: str
    kind: str
    state: State
    version: str
    use: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Return everything that was found; imports happen in processes of their own."""
    modules = dict.fromkeys([*_CORE, *(name for names in extras.EXTRAS.values() for name in names)])
    problems = _import_problems([name for name in modules if extras.is_installed(name)])
    found = [_python(), _core(problems), _emd()]
    found += [_extra(name, problems) for name in extras.EXTRAS]
    return [*found, *(_program(name) for name in _FOR_PROGRAM)]


def is_well(findings: Iterable[Finding], needed: Sequence[str] = ()) -> bool:
    """Tell whether nothing that is there is broken, and everything needed works.

    Raises
    ------
    ConfigError
        When something needed is none of what was looked at.
    """
    states = {one.name: one.state for one in findings}
    for name in needed:
        if name not in states:
            raise ConfigError(
                f"--need {name} is unknown; expected some of {', '.join(states)}{did_you_mean(name, states)}"
            )
    return "broken" not in states.values() and all(states[name] == "works" for name in needed)


def _python() -> Finding:
    oldest, newest = PYTHONS
    fits = oldest <= sys.version_info[:2] <= newest
    remedy = "" if fits else f"use Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
    use = f"econ-ae {__version__} on {os.cpu_count()} cores, {platform.machine()}"
    return Finding("python", "python", "works" if fits else "broken", platform.python_version(), use, remedy)


def _core(problems: dict[str, str]) -> Finding:
    bad = [f"{name} ({problems[name]})" for name in _CORE if name in problems]
    state: State = "broken" if bad else "works"
    remedy = f"{', '.join(bad)}: pip install --force-reinstall econ-ae" if bad else ""
    return Finding(
        "core", "part", state, _versions(_CORE), "readers, emulator, frames, registers, command line", remedy
    )


def _emd() -> Finding:
    import numpy as np

    use = "the Energy Mover's Distance"
    try:
        from econ_ae.geometry import LOW_DENSITY
        from metrics.emd import emd, engine

        name = engine()
        corners = np.eye(LOW_DENSITY.cells)[[0, -1]]
        wanted = LOW_DENSITY.distance[0, -1]  # of one cell's charge to another
        value = emd(corners[:1], corners[1:], LOW_DENSITY).values[0]
    except ModuleNotFoundError as problem:
        remedy = f"install a wheel with the compiled engine, or: pip install 'econ-ae[pot]' ({problem})"
        return Finding("emd", "part", "missing", "", use, remedy)
    except (EconAeError, OSError) as problem:
        return Finding("emd", "part", "broken", "", use, f"{problem}; reinstall econ-ae")
    if abs(value - wanted) > 1e-9:
        return Finding("emd", "part", "broken", name, use, f"it gives {value} instead of {wanted}; reinstall econ-ae")
    slow = (
        "" if "compiled" in name else "about twenty times slower than the compiled engine; install a wheel that has it"
    )
    return Finding("emd", "part", "works", name, use, slow)


def _extra(name: str, problems: dict[str, str]) -> Finding:
    modules = extras.EXTRAS[name]
    lacking = extras.missing(name)
    bad = [f"{one} ({problems[one]})" for one in modules if one in problems]
    earlier = {one for other in list(extras.EXTRAS)[: list(extras.EXTRAS).index(name)] for one in extras.EXTRAS[other]}
    there = _versions([one for one in modules if one not in lacking and one not in earlier])
    if bad:
        remedy = f"does not import: {', '.join(bad)}; pip install --force-reinstall 'econ-ae[{name}]'"
        return Finding(name, "extra", "broken", there, _FOR_EXTRA[name], remedy)
    if lacking:
        remedy = f"pip install 'econ-ae[{name}]' (lacks {', '.join(lacking)})"
        return Finding(name, "extra", "missing", there, _FOR_EXTRA[name], remedy)
    return Finding(name, "extra", "works", there, _FOR_EXTRA[name])


def _program(name: str) -> Finding:
    option, use = _FOR_PROGRAM[name]
    package = process.PACKAGES[name]
    if not process.has(name):
        return Finding(name, "program", "missing", "", use, f"apt-get install {package}")
    try:
        return Finding(name, "program", "works", process.version(name, option)[:60], use)
    except (ToolError, OSError) as problem:
        if name == process.ABC and "failed" in str(problem):  # its only way to say what it is ends with an error
            return Finding(name, "program", "works", "", use)
        return Finding(name, "program", "broken", "", use, f"{problem}; apt-get install --reinstall {package}")


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()  # reads the files of every package


def _versions(modules: Iterable[str]) -> str:
    known = _distributions()
    names = dict.fromkeys(d for m in modules for d in known.get(_OWN.get(m, m), [])[:1])
    return ", ".join(f"{name} {version(name)}" for name in names)


def _import_problems(modules: Sequence[str]) -> dict[str, str]:
    """Return why modules cannot be imported; one that ends its process is blamed, and the others are tried without."""
    problems: dict[str, str] = {}
    left = list(modules)
    with tempfile.TemporaryDirectory(prefix="econ-ae-") as folder:
        while left:
            said = Path(folder, "said")
            how = ""
            try:
                process.run(
                    [sys.executable, "-c", _IMPORT, *left],
                    Path(folder, "log"),
                    timeout=_SECONDS,
                    environment=os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
                    output=said,
                )
            except ToolError as problem:
                how = str(problem).partition("; ")[0]
            lines = [line.split(" ", 2) for line in said.read_text(encoding="utf-8", errors="replace").splitlines()]
            problems |= {line[1]: line[2] for line in lines if line[0] == "bad"}
            done = {line[1] for line in lines if line[0] in {"bad", "good"}}
            if how:
                begun = [line[1] for line in lines if line[0] == "try" and line[1] not in done]
                blamed = begun[-1] if begun else left[0]
                problems[blamed] = how
                done.add(blamed)
            left = [name for name in left if name not in done] if how else []
    return problems
