"""The structural multiply-accumulate: rows of picked multiples, added by one tree of full adders per output.

A row picks 0, a, b or a + b by two bits of the weights. The sum a + b is built once for all outputs that read the same
inputs; that halves the rows of an array multiplier.

- Exact products: a and b are two inputs, the bits are those of one place of their two weights (distributed arithmetic:
  Peled and Liu, IEEE Trans. ASSP 22 (1974) 456). The input that is left over, if any, is treated as below.
- Floored products: a and b are x and 2 x, the bits are two neighbours of one weight. What lies below the point of
  floor is reduced to its carries, product by product. With the sign bit of the weight inverted there is no negative
  row: w = w' - 2**(W-1), and the sum of all 2**(W-1) x is subtracted once, taken once for all outputs.

The tree adds the complement of the accumulator, so that the rows are plain AOI gates: bits that count positive enter
inverted, the sum leaves inverted. All constants of the signs are one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from econ_ae.fixedpoint import FixedFormat, bits_for
from econ_ae.ir.model import Conv2D, Stage
from econ_ae.ir.ranges import accumulator_format
from rtl_gen.verilog.bit_heap import BitHeap, inverted
from rtl_gen.verilog.plan import runs
from rtl_gen.verilog.render import render

ADDERS = ("econ_ae_full_adder", "econ_ae_half_adder")
_PICK_DELAY = 2


@dataclass(frozen=True)
class Multiple:
    """A number that all outputs of a window read: the sum of some inputs, each shifted left.

    Parameters
    ----------
    terms : (input, left shift)
    width : bits; of a signed input the last one counts negative
    """

    name: str
    terms: tuple[tuple[int, int], ...]
    width: int


@dataclass(frozen=True)
class Row:
    """A partial product: bits from ``column`` on.

    Parameters
    ----------
    value : Verilog of the bits
    negative : the whole row is subtracted
    signed : its last bit counts with the opposite sign
    """

    name: str
    value: str
    width: int
    column: int
    negative: bool
    signed: bool


@dataclass(frozen=True)
class Structure:
    """How one window of a stage is multiplied and added.

    Parameters
    ----------
    inputs : of the window
    """

    stage: Stage
    inputs: int

    @property
    def x(self) -> FixedFormat:
        """Format of the inputs."""
        return self.stage.in_format

    @property
    def w(self) -> FixedFormat:
        """Format of the weights."""
        return self.stage.layer.weight

    @property
    def paired(self) -> int:
        """Inputs that share their rows with a neighbour; the others have rows of their own."""
        return 0 if self.stage.product_shift else self.inputs // 2 * 2

    @property
    def offset(self) -> bool:
        """Whether the weight's sign bit is inverted, and the sum of all inputs subtracted."""
        shift = self.stage.product_shift
        return self.w.signed and self.w.width % 2 == 0 and 0 < shift < self.w.width and self.inputs > 0

    @property
    def digits(self) -> range:
        """Lower one of the two weight bits of every row that picks among multiples of one input."""
        return range(0, self.w.width - (self.w.signed and not self.offset) - 1, 2)

    @property
    def multiples(self) -> tuple[Multiple, ...]:
        """What is computed once for all outputs."""
        found = [Multiple(f"s{i}", ((i, 0), (i + 1, 0)), self.x.width + 1) for i in range(0, self.paired, 2)]
        if self.digits:
            found += [Multiple(f"s{i}", ((i, 0), (i, 1)), self.x.width + 2) for i in range(self.paired, self.inputs)]
        if self.offset:
            _, width = bits_for(self.inputs * self.x.min, self.inputs * self.x.max)
            found.append(Multiple("total", tuple((i, 0) for i in range(self.inputs)), width))
        return tuple(found)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all exact products."""
        for i in range(0, self.paired, 2):
            first, second = self._extended(i, self.x.width + 1), self._extended(i + 1, self.x.width + 1)
            for j in range(self.w.width):
                value = _picked((f"w{i}[{j}]", f"w{i + 1}[{j}]"), first, second, f"s{i}", self.x.width + 1)
                negative = self.w.signed and j == self.w.width - 1
                yield Row(f"r{i}_{j}", value, self.x.width + 1, j, negative, self.x.signed)

    def product_rows(self, i: int) -> Iterator[Row]:
        """Yield the rows of the product of one input."""
        top = self.w.width - 1
        width = self.x.width + 2
        for j in self.digits:
            high = f"{'~' if self.offset and j + 1 == top else ''}w{i}[{j + 1}]"
            twice = f"{{{self._extended(i, width - 1)}, 1'b0}}"
            value = _picked((f"w{i}[{j}]", high), self._extended(i, width), twice, f"s{i}", width)
            yield Row(f"r{i}_{j}", value, width, j, False, self.x.signed)
        for j in range(2 * len(self.digits), self.w.width):
            value = f"{{{self.x.width}{{w{i}[{j}]}}}} & x{i}"
            yield Row(f"r{i}_{j}", value, self.x.width, j, self.w.signed and j == top, self.x.signed)

    def _extended(self, i: int, width: int) -> str:
        count = width - self.x.width
        sign = f"x{i}[{self.x.width - 1}]" if self.x.signed else "1'b0"
        return f"{{{f'{{{count}{{{sign}}}}}' if count > 1 else sign}, x{i}}}" if count else f"x{i}"


def modules(
    module: str, stage: Stage, inputs: int, op: str, structure_type: type[Structure] = Structure
) -> dict[str, str]:
    """Return the multiply-accumulate of one window, and the modules of its own that it uses: text by module name.

    Parameters
    ----------
    op : the layer in words, for the comments
    structure_type : another way to multiply, for comparison
    """
    structure = structure_type(stage, inputs)
    multiples = structure.multiples
    outputs = stage.layer.bias.size
    common = {
        "inputs": inputs,
        "outputs": outputs,
        "structure": structure,
        "multiples": multiples,
        "multiple_bits": sum(m.width for m in multiples),
        "b_format": stage.layer.bias_format,
        "acc_format": accumulator_format(stage),
        "product_shift": stage.product_shift,
        "module": module,
        "op": op,
    }
    filter_fastest = isinstance(stage.layer, Conv2D)
    weights = [[i * outputs + o if filter_fastest else o * inputs + i for i in range(inputs)] for o in range(outputs)]
    order = "[input][output]" if filter_fastest else "[output][input]"
    found = {module: render("mac_structural", weights=weights, order=order, **common)}
    if multiples:
        found[f"{module}_multiples"] = render("mac_multiples", cells=_multiples(structure), **common)
    rows, cells, bits = _output(structure)
    return found | {f"{module}_output": render("mac_output", rows=rows, cells=cells, bits=bits, **common)}


def _multiples(structure: Structure) -> list[str]:
    """Return the Verilog of all multiples as ripple-carry adders."""
    lines: list[str] = []
    last = structure.x.width - 1
    for multiple in structure.multiples:
        heap = BitHeap(multiple.width, prefix=f"{multiple.name}_")
        for i, shift in multiple.terms:
            for k in range(structure.x.width):
                heap.add(f"x{i}[{k}]", shift + k, negative=structure.x.signed and k == last)
        bits = heap.total()
        lines += [*heap.cells, f"wire [{multiple.width - 1}:0] {multiple.name} = {_concatenated(bits)};"]
    return lines


def _output(structure: Structure) -> tuple[list[Row], list[str], str]:
    """Return rows, cells of the tree, and the expression of the accumulator's complement."""
    stage, shift = structure.stage, structure.stage.product_shift
    bias = stage.layer.bias_format
    heap = BitHeap(accumulator_format(stage).width, constant=-1)
    rows: list[Row] = list(structure.rows())
    for row in rows:
        _add(heap, row)
    for i in range(structure.paired, structure.inputs):
        found = list(structure.product_rows(i))
        rows += found
        low = BitHeap(shift, prefix=f"p{i}_")
        for row in found:
            _add(heap, row, shift, low)
        heap.constant -= low.constant >> shift
        for arrival, bit in low.carries():
            heap.add(bit, 0, negative=True, arrival=arrival)
        heap.cells += low.cells
        heap.used |= low.used
    if structure.offset:
        total = structure.multiples[-1]
        for k in range(total.width):
            negative = structure.x.signed and k == total.width - 1
            heap.add(f"total[{k}]", structure.w.width - 1 - shift + k, negative=negative)
    for k in range(bias.width):
        sign = bias.signed and k == bias.width - 1
        heap.add(f"bias[{k}]", stage.bias_shift + k, negative=not sign)
    bits = _concatenated(heap.total())
    unused = [
        f"{row.name}[{first + count - 1}:{first}]"
        for row in rows
        for first, count in runs(k for k in range(row.width) if f"{row.name}[{k}]" not in heap.used)
    ]
    cells = heap.cells + ([f"wire unused = &{{1'b0, {', '.join(unused)}}};"] if unused else [])
    return rows, cells, bits


def _add(heap: BitHeap, row: Row, shift: int = 0, low: BitHeap | None = None) -> None:
    """Subtract a row's bits in the heap of the complement; those below ``shift`` are added in ``low``."""
    for k in range(row.width):
        negative = row.negative != (row.signed and k == row.width - 1)
        # A row that is added is written inverted.
        bit = f"{row.name}[{k}]" if row.negative else f"~{row.name}[{k}]"
        column = row.column + k - shift
        if low is not None and column < 0:
            low.add(bit, column + shift, negative=negative, arrival=_PICK_DELAY)
        else:
            heap.add(bit, column, negative=not negative, arrival=_PICK_DELAY)


def _picked(bits: tuple[str, str], a: str, b: str, both: str, width: int) -> str:
    """Return 0, a, b or both by two bits."""
    p, q = bits
    np, nq = (inverted(bit) for bit in bits)
    return (
        f"({{{width}{{{p} & {nq}}}}} & {a}) | ({{{width}{{{np} & {q}}}}} & {b}) | ({{{width}{{{p} & {q}}}}} & {both})"
    )


def _concatenated(bits: list[str]) -> str:
    return f"{{{', '.join(reversed(bits))}}}"


@dataclass(frozen=True)
class CellCounts:
    """What a module is written with.

    Parameters
    ----------
    full_adders, half_adders : cells
    gates : sums and carries of one-bit adders that have a constant input or of which only one output is used
    picked : bits of rows that are one of three multiples or nothing
    gated : bits of rows that are an input or nothing
    rows : rows of both kinds
    """

    full_adders: int
    half_adders: int
    gates: int
    picked: int = 0
    gated: int = 0
    rows: int = 0


def cell_counts(stage: Stage, inputs: int) -> tuple[CellCounts, CellCounts]:
    """Return what the multiples of a window, and one of its outputs, are written with.

    The texts of ``modules`` have these cells: both are made by the same functions.
    """
    structure = Structure(stage, inputs)
    rows, cells, _ = _output(structure)
    used = _used_bits(cells)
    picked = sum(used.get(row.name, 0) for row in rows if "|" in row.value)
    gated = sum(used.get(row.name, 0) for row in rows if "|" not in row.value)
    return _counted(_multiples(structure)), _counted(cells, picked, gated, len(rows))


def _used_bits(cells: list[str]) -> dict[str, int]:
    """Return how many bits of every row some cell reads."""
    read = {bit for line in cells if "unused" not in line for bit in _BIT.findall(line)}
    found: dict[str, int] = {}
    for name, _ in read:
        found[name] = found.get(name, 0) + 1
    return found


def _counted(cells: list[str], picked: int = 0, gated: int = 0, rows: int = 0) -> CellCounts:
    full = sum(line.startswith("econ_ae_full_adder") for line in cells)
    half = sum(line.startswith("econ_ae_half_adder") for line in cells)
    gates = sum(line.startswith("wire ") and " = " in line and "[" not in line.split("=")[0] for line in cells)
    return CellCounts(full, half, gates - sum("wire unused" in line for line in cells), picked, gated, rows)


_BIT = re.compile(r"\b(r\d+_\d+)\[(\d+)\]")
