"""The generated C++ as text: structure, options, types, and the copy in the documentation."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.econt.autoencoder import template
from econ_ae.errors import ConfigError, ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir import codec
from econ_ae.ir.model import Dense, EncoderModel
from rtl_gen.hls import CATAPULT, IMAGE, VITIS, HlsOptions, generate
from rtl_gen.hls.generate import MANIFEST
from rtl_gen.hls.options import INCREMENT, STRUCT
from rtl_gen.hls.types import fixed, integer, product_format, rounded
from tests.required import require_program

DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "generated" / "encoder.cpp"
EVERY = [HlsOptions(flavour, weights) for flavour in (CATAPULT, VITIS) for weights in (IMAGE, STRUCT)]


def test_types_of_both_vendors(econ_t_model: EncoderModel) -> None:
    op = econ_t_model.stages[0].requantise
    weight = FixedFormat.parse("s0.5")
    assert (integer(CATAPULT, weight), integer(VITIS, weight)) == ("ac_int<6, true>", "ap_int<6>")
    assert (integer(CATAPULT, op.out), integer(VITIS, op.out)) == ("ac_int<9, false>", "ap_uint<9>")
    assert (fixed(CATAPULT, weight), fixed(VITIS, weight)) == ("ac_fixed<6, 1, true>", "ap_fixed<6, 1>")
    assert rounded(CATAPULT, op) == "ac_fixed<9, 2, false, AC_RND_CONV, AC_SAT>"
    floored = replace(op, out=weight, rounding=Rounding.TRN, overflow=Overflow.WRAP)
    assert rounded(VITIS, floored) == "ap_fixed<6, 1, AP_TRN, AP_WRAP>"


def test_product_types_are_as_narrow_as_their_products() -> None:
    conv, dense = template().stages
    # 255 * -32 >> 5 = -255 and 255 * 31 >> 5 = 247; 4095 * -32 >> 4 = -8190.
    assert (str(product_format(conv)), str(product_format(dense))) == ("s1.7", "s5.8")


def test_rounding_is_the_type_or_an_increment(econ_t_model: EncoderModel) -> None:
    by_type, by_increment = (
        generate(econ_t_model, options) for options in (HlsOptions(), HlsOptions(half_even=INCREMENT))
    )
    assert by_type["encoder.h"].count("AC_RND_CONV") == 2
    assert "AC_RND_CONV" not in by_increment["encoder.h"]
    # 12 fractional bits to 7: 2**4 - 1, and one more when bit 5 is set.
    assert "value + 15 + (value >> 5 & 1)" in by_increment["encoder.cpp"]


@pytest.mark.parametrize("options", EVERY, ids=str)
def test_every_loop_is_labelled_and_unrolled(options: HlsOptions, econ_t_model: EncoderModel) -> None:
    lines = generate(econ_t_model, options)["encoder.cpp"].splitlines()
    loops = [i for i, line in enumerate(lines) if line.lstrip().startswith("for (")]
    assert len(loops) >= 10
    for i in loops:
        assert re.fullmatch(r" *[A-Z0-9_]+:", lines[i - 1])
        pragma = lines[i - 2] if options.flavour == CATAPULT else lines[i + 1]
        assert pragma == ("#pragma hls_unroll yes" if options.flavour == CATAPULT else "#pragma HLS UNROLL")


def test_reuse_factor_is_the_interval_and_shares_multipliers(econ_t_model: EncoderModel) -> None:
    catapult = generate(econ_t_model, HlsOptions(reuse_factor=4))["encoder.cpp"]
    vitis = generate(econ_t_model, HlsOptions(VITIS, reuse_factor=4))["encoder.cpp"]
    assert "#pragma hls_pipeline_init_interval 4\n" in catapult
    assert "#pragma HLS PIPELINE II=4\n" in vitis
    # Per axis 11 of the 12 taps of four 3-wide windows at stride 2 lie inside 8 pixels; 8 filters; dense 128 x 16.
    assert f"instances=mul limit={(11 * 11 * 8 + 128 * 16) // 4}\n" in vitis
    assert "ALLOCATION" not in generate(econ_t_model, HlsOptions(VITIS))["encoder.cpp"]


def test_clock_goes_into_the_scripts(econ_t_model: EncoderModel) -> None:
    files = generate(econ_t_model, HlsOptions(clock_ns=12.5))
    assert "set clock_ns 12.5\n" in files["build_catapult.tcl"]
    assert "create_clock -period 25 " in generate(econ_t_model, HlsOptions(VITIS))["build_vitis.tcl"]


@pytest.mark.parametrize("options", EVERY, ids=str)
def test_the_weights_are_not_in_the_cpp(options: HlsOptions, econ_t_model: EncoderModel) -> None:
    other = econ_t_model.with_weights({op.name: (op.kernel * 0, op.bias * 0) for op in econ_t_model.layers})
    texts = [
        {name: text.replace(codec.sha256(m), "") for name, text in generate(m, options).items()}
        for m in (econ_t_model, other)
    ]
    assert texts[0] == texts[1]


def test_manifest_describes_the_project(econ_t_model: EncoderModel) -> None:
    files = generate(econ_t_model, HlsOptions())
    facts = json.loads(files[MANIFEST])
    assert set(facts["files"]) == set(files) - {MANIFEST}
    assert facts["model_sha256"] == codec.sha256(econ_t_model)
    assert (facts["top"], facts["registers"], facts["initiation_interval"]) == ("econ_t_encoder", 1608, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"flavour": "vitiss"},
            "HLS flavour 'vitiss' is unknown; expected one of catapult, vitis; did you mean 'vitis'?",
        ),
        ({"weights": "rom"}, "HLS weights 'rom' is unknown; expected one of image, struct"),
        ({"reuse_factor": 0}, "HLS reuse factor must be 1 or more clocks, not 0"),
        ({"clock_ns": float("nan")}, "HLS clock period must be a positive number of ns, not nan"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HlsOptions(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_weights_that_a_machine_integer_cannot_carry_are_refused(econ_t_model: EncoderModel) -> None:
    wide = FixedFormat(True, 58, 12)
    bias = replace(econ_t_model.layers[1], bias_format=wide)
    assert isinstance(bias, Dense)
    model = replace(econ_t_model, ops=(*econ_t_model.ops[:3], bias, *econ_t_model.ops[4:]))
    with pytest.raises(ModelError, match="dense: bias of 58 bits"):
        generate(model, HlsOptions())


def test_documented_example_is_current() -> None:
    text = generate(template(), HlsOptions())["encoder.cpp"]
    assert DOCUMENTED.read_text(encoding="utf-8") == text, "regenerate it: see docs/hls.md"


@pytest.mark.parametrize("options", EVERY, ids=str)
def test_scripts_are_complete_tcl(options: HlsOptions, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    script = generate(econ_t_model, options)[f"build_{options.flavour}.tcl"]
    assert all(name in script for name in ("encoder.cpp", "testbench.cpp", "econ_t_encoder", "reports"))
    tclsh = require_program("tclsh")
    path = tmp_path / "build.tcl"
    path.write_text(script)
    ask = f"puts [info complete [read [open {path}]]]\n"
    done = subprocess.run([tclsh], input=ask, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
