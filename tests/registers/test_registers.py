"""The address map: the chip's addresses, other shapes, and the texts that are made of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from peakrdl_html import HTMLExporter
from systemrdl import RDLCompiler
from systemrdl.node import RegNode

from econ_ae.config import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.econt.registers import facts
from econ_ae.errors import RegisterError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import weights
from econ_ae.ir.model import Dense, EncoderModel
from rtl_gen.registers import (
    AddressMap,
    Write,
    address_map,
    bus_seconds,
    c_header,
    flagged_events,
    i2c_sequence,
    markdown,
    register_write,
    systemrdl,
    weight_writes,
)
from rtl_gen.verilog import default_options, latency
from tests.random_models import random_model
from tests.required import require_program

SEEDS = (0, 1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def chip(econ_t_model: EncoderModel) -> AddressMap:
    return address_map(econ_t_model)


def test_the_chip_has_its_published_addresses(chip: AddressMap) -> None:
    assert chip.chip_addresses
    for name, fact in (("mux", facts.FIELDS["mux"]), ("calibration", facts.FIELDS["calibration"])):
        register = chip.register(name)
        assert (register.address, register.size, register.count) == (fact.address, fact.size, fact.count)
        assert register.fields[0].width == fact.bits
    assert chip.register("keep_mask").address == facts.FIELDS["keep_mask"].address
    assert chip.register("keep_mask").count == facts.FIELDS["keep_mask"].size
    links = chip.register("links")
    assert (links.address, links.fields[0].lsb, links.fields[0].width) == (
        facts.FIELDS["elinks"].address,
        facts.FIELDS["elinks"].shift,
        facts.FIELDS["elinks"].bits,
    )
    blocks = [chip.register(name) for name in chip.weight_blocks]
    assert [(b.address, b.count) for b in blocks] == [
        (facts.WEIGHT_BLOCK_BASE + facts.WEIGHT_BLOCK_SHIFT * b, facts.WEIGHT_BLOCK_BYTES)
        for b in range(facts.WEIGHT_BLOCKS)
    ]
    assert chip.stored_bits == 12864 + 48 * 6 + 48 * 12 + 144 + 4 + 2


def test_reset_values_are_the_models(econ_t_model: EncoderModel) -> None:
    pack = replace(econ_t_model.pack, keep=tuple(range(16)), elinks=3)
    layout = address_map(replace(econ_t_model, ops=(*econ_t_model.ops[:-1], pack)))
    mask = int.from_bytes(bytes(layout.register("keep_mask").resets), "little")
    assert [mask >> 9 * o & 511 for o in range(16)] == list(range(16))
    assert layout.register("links").resets == (3 << 4,)
    assert layout.register("mux").resets == tuple(range(48))
    assert set(layout.register("calibration").resets) == {2048}


@pytest.mark.parametrize("seed", SEEDS)
def test_any_shape_has_a_map(seed: int) -> None:
    model = random_model(seed)
    layout = address_map(model)
    assert not layout.chip_addresses
    addresses = [byte.address for byte in layout.mapped]
    assert addresses == sorted(set(addresses))
    image = weights.pack(model)
    assert b"".join(write.data for write in weight_writes(layout, image)) == image
    assert len(weight_writes(layout, image)) == 1
    widths = {name: sum(b.width for b in layout.stored if b.register.name in names)
              for name, names in (("weights", layout.weight_blocks), ("keep", layout.keep_blocks))}  # fmt: skip
    assert widths == {"weights": weights.image_bits(model), "keep": model.latents * model.latent.width}


def test_a_map_that_the_pointer_cannot_reach_is_refused(econ_t_model: EncoderModel) -> None:
    dense = next(op for op in econ_t_model.layers if isinstance(op, Dense))
    ones = np.ones((128, 700), np.int64)
    big = replace(dense, kernel=ones, bias=ones[0])
    pack = replace(econ_t_model.pack, keep=(1,) * 700)
    model = replace(econ_t_model, ops=(*econ_t_model.ops[:3], big, econ_t_model.ops[4], pack))
    with pytest.raises(
        RegisterError, match=r"end at 0x\w+; the 16-bit pointer ends at 0xffff: make the encoder smaller"
    ):
        address_map(model)


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_systemrdl_says_what_the_map_says(seed: int | None, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    layout = address_map(econ_t_model if seed is None else random_model(seed))
    source = tmp_path / "registers.rdl"
    source.write_text(systemrdl(layout))
    compiler = RDLCompiler()
    compiler.compile_file(str(source))
    root = compiler.elaborate()
    found = {}
    for node in root.top.descendants(unroll=True):
        if isinstance(node, RegNode):
            reset = sum((f.get_property("reset") or 0) << f.low for f in node.fields())
            for lane in range(node.size):
                found[node.absolute_address + lane] = reset >> 8 * lane & 0xFF
    assert found == {byte.address: byte.reset for byte in layout.mapped}
    if seed is None:
        HTMLExporter().export(root.top, str(tmp_path / "html"))
        assert (tmp_path / "html" / "index.html").is_file()


def test_c_header_compiles_and_has_the_addresses(chip: AddressMap, tmp_path: Path) -> None:
    compiler = require_program("cc")
    (tmp_path / "registers.h").write_text(c_header(chip))
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "registers.h"\n'
        '#define PRINT(address, bytes) printf("%d %d\\n", address, bytes);\n'
        'int main(void) { printf("%d %d %u\\n", ECON_T_MUX_ADDRESS, ECON_T_MUX_COUNT, ECON_T_LINKS_ELINKS_MASK);\n'
        "    ECON_T_FOR_WEIGHT_BLOCKS(PRINT) return 0; }\n"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "main.c", "-o", "main"], check=True, cwd=tmp_path)
    out = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert out[0] == f"{facts.FIELDS['mux'].address} 48 {0xF0}"
    assert out[1:] == [f"{facts.WEIGHT_BLOCK_BASE + facts.WEIGHT_BLOCK_SHIFT * b} 134" for b in range(12)]


def test_the_documentation_has_the_generated_table(chip: AddressMap) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "registers.md").read_text(encoding="utf-8")

    def rows(table: str) -> list[str]:
        return [line for line in table.splitlines() if line.startswith("|") and "`model_hash`" not in line]

    assert set(rows(markdown(chip))) <= set(text.splitlines())


def test_sequences_and_their_time(chip: AddressMap, econ_t_model: EncoderModel) -> None:
    writes = weight_writes(chip, weights.pack(econ_t_model))
    # By hand: 12 transactions of START, (1 + 2 + 134) bytes of 9 bits, STOP.
    assert bus_seconds(writes, 100_000) == 12 * (2 + 9 * 137) / 100_000
    text = i2c_sequence((Write(0x0538, b"\x01\xab"),), 0x2A)
    assert text.splitlines()[1] == "S 54 05 38 01 ab P"
    assert text.startswith("# 1 transactions, 2 data bytes: 0.470 ms at 100 kHz, 0.117 ms at 400 kHz, 0.047 ms at 1000")
    joined = i2c_sequence((Write(0x0538, b"\x01"), Write(0x05C7, b"\xab")), 0x2A, one_transaction=True)
    assert joined.splitlines()[0].startswith("# 2 writes in one transaction, 2 data bytes")
    # By hand: START, address, pointer and the other byte are 37 periods, STOP one more, of 400, 100 and 40 crossings.
    assert "flagged for 15200 crossings at 100 kHz, 3800 crossings at 400 kHz, 1520 crossings" in joined.splitlines()[0]
    assert flagged_events((), 100_000, 8) == 0
    assert joined.splitlines()[1:] == ["S 54 05 38 01", "S 54 05 c7 ab P"]
    assert register_write(chip, "calibration", [0x123] * 48).data[:4] == b"\x23\x01\x23\x01"


def test_the_documentation_has_the_reload_of_every_frontier_preset() -> None:
    """Computed by what the simulation of smaller blocks is compared with; limits and biases are one write."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "registers.md").read_text(encoding="utf-8")
    for elinks in (2, 3, 4, 5):
        name = f"frontier-{elinks}elinks"
        model = skeleton(load_preset(name), LOW_DENSITY)
        (write,) = weight_writes(address_map(model), weights.pack(model))
        clocks = latency(model, default_options(model))
        times = " | ".join(f"{bus_seconds([write], hertz) * 1e3:.2f}" for hertz in (400_000, 1_000_000))
        flagged = " | ".join(f"{flagged_events([write], hertz, clocks):,}" for hertz in (400_000, 1_000_000))
        row = f"| `{name}` | {len(write.data)} | {times} | {flagged} |"
        assert row in text.splitlines(), row


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("muxx", 0, "register 'muxx' is unknown; did you mean 'mux'?"),
        ("mux", [0] * 47, "register mux has 48 elements; got 47"),
        ("links", 0x101, "links[0] is 0x101; only the bits 0xf0 exist"),
    ],
)
def test_wrong_writes_are_refused(chip: AddressMap, name: str, values: int | list[int], message: str) -> None:
    with pytest.raises(RegisterError) as caught:
        register_write(chip, name, values)
    assert str(caught.value) == message
