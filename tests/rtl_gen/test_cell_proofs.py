"""Small modules of the Verilog of cells proved for every input against descriptions of another form."""

from __future__ import annotations

from itertools import product
from math import comb
from pathlib import Path

from econ_ae import process
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.cell_widths import CellWidths
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Order, modes
from econ_ae.ir.model import CELLS_VERSION, CHARGE, EncoderModel, Input, Normalise
from econ_ae.ir.validate import check
from rtl_gen.verilog.cells import enumeration, give, merge, order
from rtl_gen.verilog.cells.apportion import beyond_bits
from tests.emulator import literal_cells as literal


def small(cells: int) -> CellWidths:
    """Return the bounds of a model of so many cells that has a mode for each number of them."""
    chosen = modes(cells, range(1, cells + 1), 40, most_pulses=9, most_exact=9)
    ops = (
        Normalise(FixedFormat(False, 7, 6)),
        Order(),
        Choose(chosen, (), ((0,) * cells,), 3),
        Apportion(),
        Enumerate(2),
    )
    image = Arrangement("cells", cells, 1, 1, tuple(range(cells)))
    return CellWidths(check(EncoderModel("small", Input(cells, CHARGE, image), ops, spec_version=CELLS_VERSION)))


def proved(files: dict[str, str], folder: Path) -> str:
    """Let yosys prove that the output ``ok`` of the module ``proof`` is always 1; return its log."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="ascii")
    script = f"read_verilog {' '.join(files)}; prep -flatten -top proof; memory_map; sat -verify -prove ok 1 proof"
    log = folder / "proof.log"
    process.run(["yosys", "-p", script], log, timeout=300.0)
    return log.read_text(encoding="utf-8")


def test_ranks_of_four_cells_are_proved(tmp_path: Path) -> None:
    """A lower rank is more charge, or as much and a lower number; the largest neighbour has the lowest rank."""
    widths = small(4)
    near = tuple(tuple(j for j in range(4) if j != i) for i in range(4))
    text = order.order("order", widths, Merge(near))
    n, x, rank = 4, widths.x, widths.rank
    of = [f"values[{widths.value * i + x - 1}:{widths.value * i}]" for i in range(n)]
    place = [f"rank[{rank * i + rank - 1}:{rank * i}]" for i in range(n)]
    before = [
        f"(({of[i]} >= {of[j]}) == ({place[i]} < {place[j]}))" for i in range(n) for j in range(i + 1, n)
    ]  # fmt: skip
    best = [
        f"(best[{(n - 1) * i + at}] == ({' && '.join(f'{place[j]} <= {place[other]}' for other in near[i])}))"
        for i in range(n)
        for at, j in enumerate(near[i])
    ]
    proof = f"""module proof(input [{n * widths.value - 1}:0] values, output ok);
wire [{n * rank - 1}:0] rank; wire [{n * (n - 1) - 1}:0] best; wire [{widths.count - 1}:0] hit;
wire [{widths.sum - 1}:0] totals;
order dut(.values(values), .rank(rank), .best(best), .hit(hit), .totals(totals));
assign ok = {" && ".join([*before, *best])};
endmodule
"""
    assert "SUCCESS!" in proved({"order.v": text.render(), "proof.v": proof}, tmp_path)


def test_ranks_of_the_positions_are_proved(tmp_path: Path) -> None:
    """All sets of eight cells: the rank is the sum of binomials, and no two sets of one size share one."""
    widths = small(8)
    tables = []
    for bits in range(256):
        places = [i for i in range(8) if bits >> i & 1]
        tables.append(sum(comb(place, j + 1) for j, place in enumerate(places)))
    for size in range(9):
        assert sorted(tables[b] for b in range(256) if b.bit_count() == size) == list(range(comb(8, size)))
    count, position = merge.count("count", widths), merge.position("positions", widths)
    cases = "\n".join(f"8'd{b}: want = 8'd{value};" for b, value in enumerate(tables))
    proof = f"""module proof(input [7:0] sent, output ok);
wire [{8 * widths.count - 1}:0] ahead; wire [{widths.position - 1}:0] position; reg [7:0] want;
count c(.sent(sent), .ahead(ahead));
positions p(.sent(sent), .ahead(ahead), .position(position));
always @* case (sent)
{cases}
endcase
assign ok = position == want;
endmodule
"""
    files = {"count.v": count.render(), "positions.v": position.render(), "proof.v": proof}
    assert "SUCCESS!" in proved(files, tmp_path)


def test_the_largest_remainders_of_four_cells_are_proved(tmp_path: Path) -> None:
    """Missing pulses go one by one down the remainders, what is left to the largest cell; here they are put in order.

    For every number of cells, all pulses and remainders, and every largest cell, where a sum is too large as well.
    """
    widths = small(4)
    n, bits, fraction = 4, beyond_bits(widths), widths.apportion.fraction
    signed, count, mode_bits = give.missing_bits(widths), widths.count, widths.choose.mode_bits
    of = [f"beyond[{bits * p + bits - 1}:{bits * p}]" for p in range(n)]
    left = [f"left[{fraction * p + fraction - 1}:{fraction * p}]" for p in range(n)]
    out = [f"pulses[{bits * p + bits - 1}:{bits * p}]" for p in range(n)]
    inside = [f"(mode >= {p})" for p in range(n)]  # mode m sends m + 1 cells
    first = [
        [f"({inside[q]} && ({left[q]} > {left[p]} || {left[q]} == {left[p]} && {q} < {p}))" for q in range(n)]
        for p in range(n)
    ]
    spare = [mode.pulses - mode.cells for mode in widths.modes]
    most = [widths.beyond_one(p) for p in range(n)]
    assumed = [f"largest <= mode && {' + '.join(of)} <= {widths.beyond_ones}"]
    assumed += [f"({inside[p]} ? {of[p]} <= {most[p]} : ({of[p]} == 0 && {left[p]} == 0))" for p in range(n)]
    integers = [f"integer own{p}, place{p};" for p in range(n)]
    steps = [
        f"gap = ({' : '.join(f'mode == {m} ? {v}' for m, v in enumerate(spare))} : 0) - ({' + '.join(of)});",
        "grant = gap < 0 ? 0 : gap > mode + 1 ? mode + 1 : gap;",
        *(f"place{p} = {' + '.join(first[p])};" for p in range(n)),
        *(f"own{p} = {of[p]} + (({inside[p]} && place{p} < grant) ? 1 : 0);" for p in range(n)),
        "rest = gap - grant;",
        *(f"if (largest == {p}) own{p} = own{p} + rest;" for p in range(n)),
        f"few = {' || '.join(f'own{p} < 0' for p in range(n))};",
        *(f"if (few) own{p} = largest == {p} ? gap + {' + '.join(of)} : 0;" for p in range(n)),
    ]
    proof = f"""module proof(input [{n * bits - 1}:0] beyond, input [{n * fraction - 1}:0] left,
    input [{mode_bits - 1}:0] mode, input [2:0] largest, output ok);
wire signed [{signed - 1}:0] missing; wire [{count - 1}:0] to_give;
wire [{count * ((1 << fraction) - 1) - 1}:0] counts;
wire [{n * bits - 1}:0] pulses; wire [{count - 1}:0] cells = mode + 1; wire [{n - 1}:0] largest_slot = 1 << largest;
missing m(.beyond(beyond), .left(left), .mode(mode), .cells(cells), .missing(missing), .to_give(to_give),
    .counts(counts));
give g(.beyond(beyond), .left(left), .largest_slot(largest_slot), .mode(mode), .cells(cells), .exact(1'b0),
    .missing(missing), .to_give(to_give), .counts(counts), .pulses(pulses));
integer gap, grant, rest; reg few;
{chr(10).join(integers)}
always @* begin
{chr(10).join(steps)}
end
assign ok = !({" && ".join(assumed)}) || ({" && ".join(f"{out[p]} == own{p}" for p in range(n))});
endmodule
"""
    files = {"missing.v": give.missing("missing", widths).render(), "give.v": give.give("give", widths).render()}
    assert "SUCCESS!" in proved(files | {"proof.v": proof}, tmp_path)


def test_the_fields_of_four_cells_are_proved(tmp_path: Path) -> None:
    """All pulses of all modes, shared and without loss: low bits, and the rank of the high parts as stars and bars."""
    widths = small(4)
    bits, position, mode_bits = beyond_bits(widths), widths.position, widths.choose.mode_bits
    cases = []
    for number, exact, fields in widths.fields:
        bars = product(range(fields.total - fields.cells + 1), repeat=fields.parts)
        for beyond in (one for one in bars if sum(one) <= fields.total - fields.cells):
            known = (*beyond, *(() if exact else (fields.total - fields.cells - sum(beyond),)))
            tail = "".join(literal.bits(value % 2**fields.low_bits, fields.low_bits) for value in beyond)
            places = literal.stars_and_bars([value >> fields.low_bits for value in beyond])
            tail += literal.bits(literal.number_of(places), fields.high_bits)
            pulses = sum(value << bits * p for p, value in enumerate(known))
            key = f"{{{mode_bits}'d{number}, 1'b{int(exact)}, {widths.slots * bits}'d{pulses}}}"
            cases.append(f"{key}: begin known = 1; want = {widths.data}'d{int(tail or '0', 2)} | "
                         f"({{{widths.data}'d0, position}} << {len(tail)}); end")  # fmt: skip
    assert len(cases) > 300
    proof = f"""module proof(input [{widths.slots * bits - 1}:0] pulses, input [{mode_bits - 1}:0] mode, input exact,
    input [{position - 1}:0] position, output ok);
wire [{widths.count - 1}:0] cells = mode + 1; wire [{widths.parts * bits - 1}:0] parts;
wire [{widths.parts * enumeration.high_bits(widths) - 1}:0] highs; wire [{mode_bits + widths.data}:0] fields;
parts p(.pulses(pulses), .mode(mode), .cells(cells), .exact(exact), .parts(parts), .highs(highs));
enumerate_fields e(.parts(parts), .highs(highs), .mode(mode), .cells(cells), .exact(exact), .position(position),
    .fields_of_frame(fields));
reg [{widths.data - 1}:0] want; reg known;
always @* begin
known = 0; want = 0;
case ({{mode, exact, pulses}})
{chr(10).join(cases)}
default: known = 0;
endcase
end
assign ok = !known || fields == {{mode, exact, want}};
endmodule
"""
    files = {
        "parts.v": enumeration.parts("parts", widths).render(),
        "fields.v": enumeration.enumerate_fields("enumerate_fields", widths).render(),
    }
    assert "SUCCESS!" in proved(files | {"proof.v": proof}, tmp_path)
