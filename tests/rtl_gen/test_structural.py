"""The structural multiply-accumulate: proved equal to the written-out sums, and to what its cells add up to."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir.model import Dense, EncoderModel, Exact, Requantise, Stage, TrnEach
from econ_ae.ir.ranges import accumulator_format
from rtl_gen.verilog import STRUCTURAL, SUM, default_options, generate
from rtl_gen.verilog.leaves import mac
from rtl_gen.verilog.render import primitive
from rtl_gen.verilog.structural import ADDERS
from rtl_gen.writer import write_files
from tests.required import require_program

# x, w, bias, bits that every product loses, inputs, outputs
Shape = tuple[str, str, str, int, int, int]


def stage_of(shape: Shape) -> Stage:
    x, w, bias, lost, inputs, outputs = shape
    x_format, w_format = FixedFormat.parse(x), FixedFormat.parse(w)
    kernel, biases = np.zeros((inputs, outputs), np.int64), np.zeros(outputs, np.int64)
    rule = TrnEach(x_format.fraction + w_format.fraction - lost) if lost else Exact()
    dense = Dense("dense", kernel, biases, w_format, FixedFormat.parse(bias), rule)
    return Stage(dense, Requantise("out", True, x_format), (inputs,), (outputs,), x_format)


def modules(shape: Shape) -> dict[str, str]:
    """The structural modules of a shape (``gate``), and the written-out sums (``gold``)."""
    stage = stage_of(shape)
    found = mac("gate", stage, shape[4], STRUCTURAL) | mac("gold", stage, shape[4], SUM)
    return found | {name: primitive(name) for name in ADDERS}


def write(modules: dict[str, str], directory: Path) -> list[str]:
    return [str(p) for p in write_files({f"{n}.v": text for n, text in modules.items()}, directory, overwrite=True)]


def prove(shape: Shape, directory: Path) -> str:
    """Ask for a proof that both forms are equal on every input: yosys builds the miter, its ABC proves it."""
    for tool in ("yosys", "yosys-abc"):
        require_program(tool)
    miter = directory / "miter.aig"
    script = (
        f"read_verilog {' '.join(write(modules(shape), directory / 'rtl'))}; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr; select -clear; flatten gold gate; "
        "miter -equiv -flatten gold gate miter; hierarchy -top miter; opt; techmap; opt; aigmap; "
        f"write_aiger {miter}"
    )
    done = subprocess.run(["yosys", "-q", "-p", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    proof = ["yosys-abc", "-q", f"read_aiger {miter}; iprove"]
    return subprocess.run(proof, capture_output=True, text=True, check=True).stdout


SHAPES: tuple[Shape, ...] = (
    ("u2.1", "s0.2", "s0.1", 0, 2, 1),  # a pair of inputs
    ("s0.2", "s0.2", "u0.3", 0, 2, 1),  # the same, signed
    ("u2.1", "u0.2", "s0.2", 0, 2, 2),
    ("u2.3", "s0.3", "s0.2", 0, 1, 1),  # one input alone
    ("s1.2", "u0.3", "s4.3", 0, 1, 2),  # a bias wider than the products
    ("u2.2", "s0.3", "s0.2", 2, 1, 1),  # floored, sign of the weight inverted
    ("u1.1", "s0.3", "s0.2", 2, 2, 1),
    ("s1.2", "s0.3", "s2.1", 3, 1, 1),
    ("s1.2", "s0.2", "s2.1", 2, 1, 2),  # floored, odd weights: a negative row
    ("s1.1", "s0.3", "s2.0", 4, 1, 1),  # the floor is above the weight's sign
    ("u2.1", "u0.1", "u1.1", 1, 2, 1),  # weights of one bit
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_proved_equal_to_the_sums(shape: Shape, tmp_path: Path) -> None:
    assert "UNSATISFIABLE" in prove(shape, tmp_path)


def test_the_proof_finds_a_wrong_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = modules(SHAPES[0])
    name = "gate_output"
    broken[name] = broken[name].replace("& {1'b0, x1}", "& {1'b0, x0}", 1)
    assert broken != modules(SHAPES[0])
    monkeypatch.setitem(globals(), "modules", lambda _: broken)
    found = prove(SHAPES[0], tmp_path)
    assert "SATISFIABLE" in found
    assert "UNSATISFIABLE" not in found


@pytest.mark.simulator
@pytest.mark.parametrize("lost", [0, 4, 5])
def test_every_product_of_the_chip(lost: int, tmp_path: Path) -> None:
    """Every input and weight of the econ-t preset's dense layer, and a bias of one bit."""
    require_program("iverilog")
    shape = ("u2.7", "s0.5", "u1.0", lost, 1, 1)
    width = accumulator_format(stage_of(shape)).width
    bench = f"""module bench;
    reg [8:0] x; reg [5:0] w; reg bias; wire [{width - 1}:0] wanted, found; integer n, wrong;
    gold gold (.x(x), .w(w), .bias(bias), .acc(wanted));
    gate gate (.x(x), .w(w), .bias(bias), .acc(found));
    initial begin
        wrong = 0;
        for (n = 0; n < 65536; n = n + 1) begin
            {{w, x, bias}} = n; #1;
            if (found !== wanted) wrong = wrong + 1;
        end
        $display("%0d of %0d wrong", wrong, n);
    end
endmodule
"""
    paths = write(modules(shape) | {"bench": bench}, tmp_path / "rtl")
    program = str(tmp_path / "bench.vvp")
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", program, *paths], check=True)
    done = subprocess.run(["vvp", "-n", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0 of 65536 wrong\n"


def linear(text: str, modulus: int) -> tuple[dict[str, int], int]:
    """Return what the adders of an output add: coefficient of every row and bias bit, and the constant.

    Goes backwards from the accumulator's complement and replaces ``sum + 2 carry`` of every adder by its inputs; fails
    where a carry has another weight than twice its sum, or a cell is no adder.
    """
    body = text[text.index("wire s") :]
    weights: dict[str, int] = defaultdict(int)
    constant = 0

    def add(bit: str, weight: int) -> None:
        nonlocal constant
        if bit.startswith("~"):
            constant, weight, bit = constant + weight, -weight, bit[1:]
        weights[bit] = (weights[bit] + weight) % modulus

    result = re.search(r"assign acc = ~\{(.*)\};", body)
    assert result
    for k, bit in enumerate(reversed(result[1].split(", "))):
        add(bit, 1 << k)
    cells = re.findall(
        r"(?:econ_ae_\w+_adder \w+ \(\.a\((?P<a>\S+)\), \.b\((?P<b>\S+)\)(?:, \.c\((?P<c>\S+)\))?,"
        r" \.sum\((?P<s>\w+)\), \.carry\((?P<carry>\w+)\)\);)"
        r"|(?:wire (?P<or_s>\w+) = ~\((\S+) \^ (\S+)\);\n\s*wire (?P<or_carry>\w+) = (\S+) \| (\S+);)"
        r"|(?:wire (?P<top>\w+) = (?P<xor>[^;&|]+);)",
        body,
    )
    assert len(cells) == len(re.findall(r"econ_ae_|wire s\d+ = ", body)), "every cell is understood"
    for a, b, c, s, carry, or_s, p, q, or_carry, *rest, top, xor in reversed(cells):
        if top:
            weight = weights.pop(top)
            assert weight == modulus // 2, "a sum without its carry stands in the last column"
            inputs = xor.removeprefix("~").strip("()").split(" ^ ")
            constant += weight * xor.startswith("~(")
        else:
            weight = weights.pop(s or or_s)
            assert weights.pop(carry or or_carry) == 2 * weight % modulus
            inputs = [bit for bit in (a, b, c) if bit] if s else [p, q]
            if or_s:
                assert rest == [p, q]
                constant += weight
        for bit in inputs:
            add(bit, weight)
    return {bit: weight for bit, weight in weights.items() if weight}, constant % modulus


@pytest.mark.parametrize(("x", "inputs"), [("u2.7", 128), ("s2.7", 128), ("u1.7", 8)])
def test_the_tree_adds_every_row_once_at_its_weight(x: str, inputs: int) -> None:
    """For every value of the rows: complement of acc = -1 - bias - the sum of all rows, modulo 2**width."""
    stage = stage_of((x, "s0.5", "s0.5", 0, inputs, 16))
    fmt, width = stage.in_format, accumulator_format(stage).width
    text = mac("gate", stage, inputs, STRUCTURAL)["gate_output"]
    wanted: dict[str, int] = {}
    constant = -1
    for i, j, k in np.ndindex(inputs // 2, 6, fmt.width + 1):
        negative = (j == 5) != (fmt.signed and k == fmt.width)
        inverted = j < 5  # rows that are added are written inverted
        weight = (1 if negative else -1) << j + k
        wanted[f"r{2 * i}_{j}[{k}]"] = (-weight if inverted else weight) % (1 << width)
        constant += weight if inverted else 0
    for k in range(6):
        wanted[f"bias[{k}]"] = ((1 if k == 5 else -1) << k + stage.bias_shift) % (1 << width)
    assert linear(text, 1 << width) == (wanted, constant % (1 << width))
    assert len(re.findall(rf"\[{fmt.width}:0\] r\d+_\d = ", text)) == 3 * inputs


def test_a_tree_has_no_more_adders_than_it_needs(econ_t_model: EncoderModel) -> None:
    """n bits in w columns take n - w full adders, less one for every adder that the constant makes a pair of gates."""
    stage = econ_t_model.stages[1]
    text = mac("gate", stage, 128, STRUCTURAL)["gate_output"]
    bits, width = 64 * 6 * 10 + 6, accumulator_format(stage).width
    assert bits - 2 * width < text.count("econ_ae_full_adder") < bits - width
    assert text.count("econ_ae_half_adder") < width


def test_the_chip_is_clean(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    """Verilator and yosys have nothing to say; the tree of the dense layer alone, not sixteen times (minutes)."""
    require_program("verilator")
    require_program("yosys")
    options = replace(default_options(econ_t_model), leaf=STRUCTURAL)
    paths = write_files(generate(econ_t_model, options), tmp_path / "rtl")
    sources = [str(path) for path in paths if path.suffix == ".v"]
    lint = ["verilator", "--lint-only", "-Wall", "--language", "1364-2005"]
    for top in ("mac9_conv", "mac128_dense_multiples", "mac128_dense_output"):
        done = subprocess.run(
            [*lint, "--top-module", f"econ_t_{top}", *sources], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    script = (
        f"read_verilog {' '.join(sources)}; hierarchy -check -top econ_t_encoder; proc; check -assert; "
        "select -assert-none t:$dlatch t:$adlatch t:$sr"
    )
    done = subprocess.run(["yosys", "-q", "-p", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
