"""The generated C++ of encoders that send cells as text: loops, widths, options, and what is not in it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from econ_ae.errors import ConfigError
from econ_ae.ir import codec, weights
from rtl_gen.hls import CATAPULT, IMAGE, VITIS, HlsOptions, generate, outputs
from rtl_gen.hls.cells import values
from rtl_gen.hls.generate import MANIFEST
from rtl_gen.hls.options import INCREMENT, STRUCT
from tests.random_cells import random_cell_model
from tests.required import require_program

EVERY = [HlsOptions(flavour, form) for flavour in (CATAPULT, VITIS) for form in (IMAGE, STRUCT)]
SEEDS = (0, 4, 5, 7)
READ_AS = {
    "SPARE": "spare_t", "STEPS": "steps_t", "EXACT_SUM": "exact_sum_t", "EXACT_MODE": "mode_number_t",
    "RECIPROCAL": "reciprocal_t", "LOW_BITS": "low_t", "DOWN": "down_t", "POSITION": "position_t",
    "HIGH_RANK": "high_rank_t",
}  # fmt: skip


@pytest.mark.parametrize("options", EVERY, ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_loop_has_its_own_label_fixed_bounds_and_is_unrolled(seed: int, options: HlsOptions) -> None:
    lines = generate(random_cell_model(seed), options)["encoder.cpp"].splitlines()
    loops = [i for i, line in enumerate(lines) if line.lstrip().startswith("for (")]
    assert len(loops) >= 20
    for i in loops:
        assert re.fullmatch(r" *for \(int (\w+) = 0; \1 < (?:[A-Z]+|\d+); \1\+\+\) \{", lines[i])
        pragma = lines[i - 2] if options.flavour == CATAPULT else lines[i + 1]
        assert pragma == ("#pragma hls_unroll yes" if options.flavour == CATAPULT else "#pragma HLS UNROLL")
    labels = [re.fullmatch(r" *([A-Z0-9_]+):", lines[i - 1]) for i in loops]
    names = [label[1] for label in labels if label]
    assert len(set(names)) == len(loops)
    assert not [line for line in lines if re.search(r"\b(?:while|new|malloc|std::vector)\b", line.split("//")[0])]


@pytest.mark.parametrize("flavour", [CATAPULT, VITIS])
def test_an_event_every_clock(flavour: str) -> None:
    text = generate(random_cell_model(4), HlsOptions(flavour))["encoder.cpp"]  # type: ignore[arg-type]
    assert ("#pragma hls_pipeline_init_interval 1\n" if flavour == CATAPULT else "#pragma HLS PIPELINE II=1\n") in text


@pytest.mark.parametrize("seed", range(12))
def test_tables_fit_the_types_that_they_are_read_as(seed: int) -> None:
    found = values(random_cell_model(seed), HlsOptions())
    tables = {table.name: table for table in found["tables"]}
    assert {name for name in tables if name not in READ_AS} <= {"MODE_CELLS", "NEIGHBOURS"}
    for name, kind in READ_AS.items():
        assert tables[name].largest < 1 << found["bits"][kind], name


def test_tables_are_read_as_these_types() -> None:
    lines = generate(random_cell_model(4), HlsOptions())["encoder.cpp"].splitlines()
    for name, kind in READ_AS.items():
        (line,) = (line for line in lines if f"{name}[" in line)
        assert f"{kind} " in line or f"{kind}({name}[" in line or name == "EXACT_MODE", line


@pytest.mark.parametrize("options", EVERY, ids=str)
def test_the_rule_is_not_in_the_cpp(options: HlsOptions) -> None:
    model = random_cell_model(4)
    choose = model.cell_code.choose
    limits = tuple(range(1, len(choose.limits) + 1))
    other = model.with_rule(limits, tuple((1,) * len(choose.modes) for _ in choose.bias))
    assert weights.pack(other) != weights.pack(model)
    texts = [
        {name: text.replace(codec.sha256(m), "") for name, text in generate(m, options).items()} for m in (model, other)
    ]
    assert texts[0] == texts[1]


def test_manifest_describes_the_project() -> None:
    model = random_cell_model(5)
    files = generate(model, HlsOptions(VITIS))
    facts = json.loads(files[MANIFEST])
    assert set(facts["files"]) == set(files) - {MANIFEST}
    assert {"encoder.h", "tables.h", "encoder.cpp"} < set(files)
    assert (facts["top"], facts["initiation_interval"], facts["cells"]) == ("cells5_encoder", 1, model.input.cells)
    assert facts["registers"] == len(weights.pack(model))
    assert facts["frame_words"] == outputs(model) == min(model.elinks, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            HlsOptions(reuse_factor=2),
            "HLS reuse factor 2: an encoder that sends cells takes an event every clock; expected 1",
        ),
        (
            HlsOptions(half_even=INCREMENT),
            "HLS rounding to even by 'increment': an encoder that sends cells rounds nothing to even; leave it out",
        ),
    ],
)
def test_options_of_layers_are_refused(options: HlsOptions, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        generate(random_cell_model(4), options)
    assert str(caught.value) == message


@pytest.mark.parametrize("options", EVERY, ids=str)
def test_scripts_are_complete_tcl(options: HlsOptions, tmp_path: Path) -> None:
    script = generate(random_cell_model(4), options)[f"build_{options.flavour}.tcl"]
    assert all(name in script for name in ("encoder.cpp", "testbench.cpp", "cells4_encoder", "reports"))
    if options.flavour == CATAPULT:
        port = "registers" if options.weights == IMAGE else "choose_weights"
        assert all(f"/$top/{name}:rsc" in script for name in ("charges", "crossing", "frame", port))
    tclsh = require_program("tclsh")
    path = tmp_path / "build.tcl"
    path.write_text(script)
    ask = f"puts [info complete [read [open {path}]]]\n"
    done = subprocess.run([tclsh], input=ask, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
