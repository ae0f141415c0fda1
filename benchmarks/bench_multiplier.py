"""Area of one output of the structural multiply-accumulate, by how it multiplies, in a standard-cell library.

Yosys maps the adders to the library's full and half adder and its ABC all other gates.
"""

from __future__ import annotations

import argparse
import gzip
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir.model import Dense, Exact, Requantise, Stage, TrnEach
from rtl_gen.verilog.render import primitive
from rtl_gen.verilog.structural import ADDERS, Row, Structure, modules

GATE_EQUIVALENT = 0.798  # um2, NAND2_X1 of NanGate45
SCRIPT = "+strash;&get,-n;&nf,-R,8;&put;topo;buffer,-c;upsize,-D,25000;dnsize,-D,25000;stime,-p"
CELLS = """module econ_ae_full_adder(input a, b, c, output sum, carry);
FA_X1 cell (.A(a), .B(b), .CI(c), .S(sum), .CO(carry));
endmodule
module econ_ae_half_adder(input a, b, output sum, carry);
HA_X1 cell (.A(a), .B(b), .S(sum), .CO(carry));
endmodule
"""


class Multiples(Structure):
    """Digits 0..3 of every weight pick a shared multiple; the last two bits have rows of their own."""

    paired = 0
    offset = False


class OffsetMultiples(Structure):
    """Digits 0..3 of the weight with its sign inverted pick a shared multiple; total corrects the sign."""

    paired = 0
    offset = True


class Array(Structure):
    """A row per bit of the weight (Baugh and Wooley), all corrections of signs in one constant."""

    paired = 0
    offset = False
    digits = range(0)


class Booth(Array):
    """Radix-4 Booth recoding of the weight, unsigned inputs and weights of an even number of bits."""

    def product_rows(self, i: int) -> Iterator[Row]:
        """Yield a row per digit -2..2: the multiple or its complement, and the one that a complement lacks."""
        n = self.x.width + 1
        for j in range(0, self.w.width, 2):
            low = f"w{i}[{j - 1}]" if j else "1'b0"
            mid, high = f"w{i}[{j}]", f"w{i}[{j + 1}]"
            one, two = f"({mid} ^ {low})", f"(({high} ^ {mid}) & ({mid} ~^ {low}))"
            picked = f"(({{{n}{{{one}}}}} & {{1'b0, x{i}}}) | ({{{n}{{{two}}}}} & {{x{i}, 1'b0}})) ^ {{{n}{{{high}}}}}"
            yield Row(f"r{i}_{j}", f"{{{high}, {picked}}}", n + 1, j, False, True)
            yield Row(f"n{i}_{j}", high, 1, j, False, False)


KINDS = {
    "array": Array,
    "booth": Booth,
    "multiples": Multiples,
    "offset multiples": OffsetMultiples,
    "chosen": Structure,
}
SHAPES = {"dense, 128 x u2.7": ("u2.7", 128, 16, 4), "conv, 9 x u1.7": ("u1.7", 9, 8, 5)}


def stage_of(x: str, inputs: int, outputs: int, lost: int) -> Stage:
    """Return a dense layer of 6-bit weights whose products lose so many bits."""
    fmt, weight = FixedFormat.parse(x), FixedFormat.parse("s0.5")
    rule = TrnEach(fmt.fraction + weight.fraction - lost) if lost else Exact()
    zeros = np.zeros((inputs, outputs), np.int64)
    return Stage(Dense("dense", zeros, zeros[0], weight, weight, rule), Requantise("out", True, fmt), (inputs,),
                 (outputs,), fmt)  # fmt: skip


def area(files: dict[str, str], top: str, liberty: Path) -> tuple[float, int]:
    """Return kGE and number of full adders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module, text in files.items():
            (folder / f"{module}.v").write_text(text)
        (folder / "cells.v.map").write_text(CELLS)
        script = (
            f"read_liberty -lib {liberty}; read_verilog {folder}/*.v; hierarchy -top {top}; "
            f"techmap -map {folder}/cells.v.map; flatten; opt -full; techmap; opt; "
            f"abc -liberty {liberty} -script {SCRIPT}; opt_clean -purge; stat -liberty {liberty}"
        )
        text = subprocess.run(["yosys", "-p", script], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"Chip area for module.*: ([\d.]+)", text)
    adders = re.findall(r"FA_X1 +(\d+)", text)
    return float(found[-1]) / GATE_EQUIVALENT / 1000, int(adders[-1]) if adders else 0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[2] / "shared" / "reference" / "liberty" / "nangate45_typ.lib.gz"
    parser.add_argument("--liberty", type=Path, default=default, help="NanGate45, .lib or .lib.gz")
    path = parser.parse_args().liberty
    with tempfile.TemporaryDirectory() as name:
        liberty = Path(name) / "cells.lib"
        liberty.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
        print("| layer | products | rows | full adders | output, kGE | shared, kGE | all outputs, kGE |")
        print("|---|---|---|---|---|---|---|")
        for shape, (x, inputs, outputs, lost) in SHAPES.items():
            for floored in (False, True):
                for kind, structure in KINDS.items():
                    if floored and kind in {"booth", "offset multiples"}:
                        continue  # the chosen form of floored products is that of offset multiples
                    stage = stage_of(x, inputs, outputs, lost if floored else 0)
                    files = modules("mac", stage, inputs, "", structure) | {n: primitive(n) for n in ADDERS}
                    output, adders = area(files, "mac_output", liberty)
                    shared = area(files, "mac_multiples", liberty)[0] if "mac_multiples" in files else 0.0
                    print(
                        f"| {shape} | {'floored' if floored else 'exact'} | {kind} | {adders} | {output:.2f} "
                        f"| {shared:.2f} | {outputs * output + shared:.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
