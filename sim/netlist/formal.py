"""Formal equivalence of Verilog and its netlist for small blocks, by yosys: not a sample of inputs but all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import VerificationError
from econ_ae.process import YOSYS, run
from sim.result import Outcome

TIMEOUT = 600.0
_COUNT = re.compile(r"Found (\d+) \$equiv cells in \S+:\s+Of those cells (\d+) are proven and (\d+) are unproven", re.S)
_UNPROVEN = re.compile(r"Unproven \$equiv [^:]*: (.+)")

_SCRIPT = """\
read_verilog {gold}
hierarchy -check -top {top}
proc
flatten
async2sync
opt_clean
rename {top} gold
design -stash gold
read_verilog {gate}
hierarchy -check -top {top}
proc
flatten
async2sync
opt_clean
rename {top} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
equiv_make gold gate equivalent
hierarchy -top equivalent
opt -purge
equiv_struct
equiv_simple -undef
equiv_induct -undef -seq 4
equiv_status
"""


@dataclass(frozen=True, kw_only=True)
class FormalResult(Outcome):
    """Outcome of a proof.

    Parameters
    ----------
    module : what was compared
    events : outputs and registers that had to be equal
    mismatches, unproven : how many were not proven to be, and their names
    log : everything that yosys printed
    """

    module: str
    unproven: tuple[str, ...]
    log: Path


def prove_equal(gold: Sequence[Path], gate: Sequence[Path], top: str, work_dir: Path) -> FormalResult:
    """Prove that a netlist equals its Verilog for every input.

    Parameters
    ----------
    gold, gate : Verilog files of the two; those of the netlist hold the models of its cells
    top : name of the module in both
    work_dir : where script, log and ``formal.json`` go

    Returns
    -------
    The result; what could not be proven is in it, not an exception.

    Raises
    ------
    ToolMissingError, ToolError
        When yosys is missing or fails, for example because one of the two has no such module.
    VerificationError
        When nothing was compared.
    """
    work_dir = work_dir.resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    script, log = work_dir / "formal.ys", work_dir / "formal.log"
    gold_files, gate_files = (" ".join(f'"{path.resolve()}"' for path in files) for files in (gold, gate))
    script.write_text(_SCRIPT.format(gold=gold_files, gate=gate_files, top=top), encoding="utf-8")
    done = run([YOSYS, "-Q", "-T", "-s", str(script)], log, timeout=TIMEOUT)
    text = log.read_text(encoding="utf-8", errors="replace")
    counts = _COUNT.findall(text)
    if not counts or not int(counts[-1][0]):
        raise VerificationError(f"yosys compared nothing of {top}; see {log}")
    points, proven, _ = map(int, counts[-1])
    unproven = tuple(dict.fromkeys(_UNPROVEN.findall(text))) if proven < points else ()
    problem = f"{top}: {points - proven} points not proven equal: {', '.join(unproven[:3])}"
    return FormalResult(
        events=points,
        mismatches=points - proven,
        first_mismatch=problem if proven < points else None,
        seconds=round(done.seconds, 2),
        module=top,
        unproven=unproven,
        log=log,
    ).saved(work_dir / "formal.json")
