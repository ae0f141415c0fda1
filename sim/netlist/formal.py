"""Formal equivalence of Verilog and its netlist for small blocks, by ABC: not a sample of inputs but all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import VerificationError
from econ_ae.process import ABC, YOSYS, run
from sim.result import Outcome

TIMEOUT = 600.0
_LATCHES = re.compile(rb"^aig \d+ \d+ (\d+) ")
_OUTPUT = re.compile(r"^\s*output (?:wire )?(?:\[(\d+):0\] )?\w", re.MULTILINE)

_SCRIPT = """\
read_verilog {gold}
hierarchy -check -top {top}
proc
flatten
memory_collect
memory_map
opt_clean
rename {top} gold
design -stash gold
read_verilog {gate}
hierarchy -check -top {top}
proc
flatten
opt_clean
rename {top} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt
techmap
opt
aigmap
write_aiger {miter}
"""
_EQUAL, _DIFFERENT = "UNSATISFIABLE", "SATISFIABLE"


@dataclass(frozen=True, kw_only=True)
class FormalResult(Outcome):
    """Outcome of a proof.

    Parameters
    ----------
    module : what was compared
    events : output bits that had to be equal
    mismatches : 1 when they are not proven to be
    log : everything that ABC printed
    """

    module: str
    log: Path


def prove_equal(gold: Sequence[Path], gate: Sequence[Path], top: str, work_dir: Path) -> FormalResult:
    """Prove that the netlist of a module without registers equals its Verilog for every input.

    Parameters
    ----------
    gold, gate : Verilog files of the two; those of the netlist begin with the module itself, and hold the models of its
        cells
    top : name of the module in both
    work_dir : where script, logs and ``formal.json`` go

    Returns
    -------
    The result; what could not be proven is in it, not an exception.

    Raises
    ------
    ToolMissingError, ToolError
        When yosys is missing or fails, for example because one of the two has no such module.
    VerificationError
        When nothing was compared, or the module has registers.
    """
    work_dir = work_dir.resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    script, miter, log = (work_dir / name for name in ("formal.ys", "miter.aig", "formal.log"))
    gold_files, gate_files = (" ".join(f'"{path.resolve()}"' for path in files) for files in (gold, gate))
    text = _SCRIPT.format(gold=gold_files, gate=gate_files, top=top, miter=miter.name)
    script.write_text(text, encoding="utf-8")
    built = run([YOSYS, "-Q", "-T", "-s", script.name], work_dir / "yosys.log", timeout=TIMEOUT)
    bits = sum(int(high or 0) + 1 for high in _OUTPUT.findall(gate[0].read_text(encoding="utf-8")))
    latches = _LATCHES.match(miter.read_bytes())
    if not bits or latches is None or int(latches.group(1)):
        raise VerificationError(
            f"{top} has {bits} output bits or registers; only logic without registers is proved; see {script}"
        )
    done = run([ABC, "-c", f"read_aiger {miter.name}; iprove"], log, timeout=TIMEOUT)
    found = log.read_text(encoding="utf-8", errors="replace")
    equal = re.search(rf"\b{_EQUAL}\b", found) is not None
    if not equal and re.search(rf"\b{_DIFFERENT}\b", found) is None:
        raise VerificationError(f"ABC decided nothing about {top}; see {log}")
    return FormalResult(
        events=bits,
        mismatches=0 if equal else 1,
        first_mismatch=None if equal else f"{top}: its netlist differs from its Verilog, see {log}",
        seconds=round(built.seconds + done.seconds, 2),
        module=top,
        log=log,
    ).saved(work_dir / "formal.json")
