"""Register files: three forms, both ways; and what a wrong file says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from econ_ae.econt import chip
from econ_ae.econt.config import AddressMap, Algorithm, EcontConfig, Numbering
from econ_ae.econt.registers import facts
from econ_ae.econt.registers.read import parse_config, read_config
from econ_ae.econt.registers.weight_blocks import join, split, weight_registers
from econ_ae.econt.registers.write import nested_yaml, production_yaml
from econ_ae.errors import RegisterError

PROTOTYPE = "Algorithm: {Global: {density: 1, select: 2}}\n"
PRODUCTION = "ConfigAlgo: {Global: {alg_high_density: 1, alg_type: 2}}\n"


def test_facts_are_those_of_the_register_map(reference):
    blocks = yaml.safe_load((reference / "econt_register_map.yaml").read_text())["ECON-T"]["RW"]
    places = {
        ("FMTBUF_ALL", "tx_sync_word"): facts.FIELDS["sync_word"],
        ("FMTBUF_ALL", "buff_t1"): facts.FIELDS["buff_t1"],
        ("FMTBUF_ALL", "buff_t2"): facts.FIELDS["buff_t2"],
        ("FMTBUF_ALL", "buff_t3"): facts.FIELDS["buff_t3"],
        ("FMTBUF_ALL", "mask_ae"): facts.MASK_AE,
        ("FMTBUF_ALL", "mask_ae2"): facts.MASK_AE2,
        ("MFC_MUX_SELECT", "mux_select_*"): facts.FIELDS["mux"],
        ("MFC_CAL_VAL", "cal_*"): facts.FIELDS["calibration"],
        ("ALGO_THRESHOLD_VAL", "threshold_val_*"): facts.FIELDS["threshold"],
        ("ALGO_DROPLSB", "drop_lsb"): facts.FIELDS["drop_lsb"],
    }
    for (block, name), mine in places.items():
        raw = blocks[block]["registers"][name]
        assert mine.address == blocks[block]["addr_base"] + raw.get("addr_offset", 0), name
        assert mine.size == raw.get("size_byte", 1), name
        assert (mine.count, mine.stride) == (raw.get("n_iterations", 0), raw.get("addr_shift", 0)), name
        if not mine.count:
            assert mine.default == raw["value"], name
        elif name != "mux_select_*":
            assert [mine.default] * mine.count == raw["value"], name
        if "param_mask" in raw:
            assert (1 << mine.bits) - 1 == raw["param_mask"], name
    config = blocks["FMTBUF_ALL"]["registers"]["config"]
    algo = blocks["MFC_ALGORITHM_SEL_DENSITY"]["registers"]["algo"]
    fields = {
        "eporttx_numen": facts.FIELDS["elinks"],
        "use_sum": facts.FIELDS["use_sum"],
        "stc_type": facts.FIELDS["stc_type"],
    }
    for name, mine in {**fields, "select": facts.FIELDS["algorithm"], "density": facts.FIELDS["high_density"]}.items():
        raw = (config if name in fields else algo)["params"][name]
        assert mine.shift == raw["param_shift"], name
        mask = facts.PROTOTYPE_STC_TYPE_MAX if name == "stc_type" else (1 << mine.bits) - 1
        assert mask == raw["param_mask"], name
    assert config["value"] == facts.FORMAT_DEFAULT
    encoder = blocks["AUTOENCODER_*INPUT"]
    assert (encoder["addr_base"], encoder["block_shift"]) == (facts.WEIGHT_BLOCK_BASE, facts.WEIGHT_BLOCK_SHIFT)
    listed = {name: (r.get("addr_offset", 0), r["size_byte"]) for name, r in encoder["registers"].items()}
    assert listed == facts.WEIGHT_REGISTERS
    assert {b for b in facts.OTHER_BLOCKS if b not in blocks} <= {"CH_ERR_*INPUT_ALL", "CH_ERR_12_ALL"}


def test_missing_registers_take_the_defaults():
    assert parse_config("ECON-T: {RW: {}}", "f") == EcontConfig()
    config = parse_config("Algorithm: {Global: {}}", "f")
    assert config == EcontConfig(sync_word=0x122)  # the flat forms mean the emulator's idle pattern
    assert parse_config("ConfigAlgo: {Global: {}}", "f").sync_word == 0x122
    assert (config.elinks, config.stc_type, config.use_sum, config.buff_t1, config.buff_t2) == (2, 1, True, 48, 511)
    assert (EcontConfig().sync_word, config.keep_mask, config.mux[47]) == (0x70F, (1 << 144) - 1, 47)
    assert config.given == frozenset()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), select=st.integers(0, 4), elinks=st.integers(1, 13), production=st.booleans())
def test_written_forms_read_back(make_configuration, make_words, to_config, *, seed, select, elinks, production):
    rng = np.random.default_rng(seed)
    config = to_config(make_configuration(rng, select, elinks, production))
    words = make_words(rng, 5)
    expected = chip.run(config, words)
    order = AddressMap.TC0_FIRST if config.tc0_first else AddressMap.TC47_FIRST
    for text, numbering in (
        (production_yaml(config), Numbering.PRODUCTION),
        (nested_yaml(config), Numbering.PROTOTYPE),
    ):
        back = parse_config(text, "f")
        assert back.numbering is numbering
        if numbering is config.numbering:
            assert back == config
        np.testing.assert_array_equal(chip.run(replace(back, address_map=order), words), expected)


def test_nested_file_and_flat_file_agree(reference):
    nested = read_config(reference / "econt_vectors_random" / "TS_diffThreshold" / "init.yaml")
    assert nested.numbering is Numbering.PROTOTYPE
    assert (nested.elinks, nested.sync_word, nested.threshold[5], nested.high_density) == (13, 290, 3456, True)
    assert (nested.buff_t1, nested.buff_t2, nested.buff_t3, nested.drop_lsb, nested.use_sum) == (338, 314, 25, 3, False)
    assert nested.mux[:4] == (3, 2, 1, 0)


def test_whole_byte_then_fields():
    text = (
        "ECON-T: {RW: {FMTBUF_ALL: {registers: {config: {value: 0x97, params: {use_sum: {param_value: 0}}}}},"
        " MFC_MUX_SELECT: {registers: {mux_select_5: {value: 9}}}, PLL_ALL: {registers: {anything: 1}},"
        " CH_ALIGNER_3INPUT_ALL: {registers: {}}}}"
    )
    config = parse_config(text, "f")
    assert (config.elinks, config.use_sum, config.stc_type, config.mux[5]) == (9, False, 3, 9)


def test_register_map_itself_reads_as_the_defaults(reference):
    assert read_config(reference / "econt_register_map.yaml") == EcontConfig()


FLAT = """
AlgoDroplsb: {Global: 3}
AlgoThreshold: %s
Algorithm: {Global: {density: 1, select: 2}}
FormatterBuffer: {Global: {active_etxs: 4, use_sum: 1, link_reset_pattern: 290, mask_ae2: 65534}}
Mux: %s
"""
NESTED = """
daq: {verbose: 1}
ECON-T:
 ninput: 12
 RW:
  MFC_MUX_SELECT: {registers: {'mux_select_*': {value: %s}}}
  ALGO_THRESHOLD_VAL: {registers: {'threshold_val_*': {value: 300}}}
  ALGO_DROPLSB: {registers: {drop_lsb: {value: 3}}}
  MFC_ALGORITHM_SEL_DENSITY: {registers: {algo: {params: {select: {param_value: 2}, density: {param_value: 1}}}}}
  FMTBUF_ALL:
   registers:
    tx_sync_word: {value: 290}
    mask_ae2: {value: 65534}
    config: {value: 0x45}
"""
THRESHOLD, MUX = [300] * 48, [i ^ 3 for i in range(48)]


def mapping(values, write="{0}: {1}"):
    return f"{{{', '.join(write.format(i, v) for i, v in enumerate(values))}}}"


@pytest.mark.parametrize(
    "text",
    [
        FLAT % (mapping(THRESHOLD), mapping(MUX)),
        FLAT % (mapping(THRESHOLD, "0x{0:x}: 0x{1:X}"), mapping(MUX, "{0}: 0b{1:b}")),
        FLAT % (mapping(THRESHOLD, "'{0}': '{1}'"), mapping(MUX, '{0}: "0x{1:02X}"')),
        FLAT % (mapping(THRESHOLD, "{0}: {1}.0"), mapping(MUX, '{0}: "0B{1:b}"')),
        FLAT % (THRESHOLD, MUX),
        (FLAT % (THRESHOLD, MUX)).replace("Global: 3", "Global: {drop_lsb: '0x3'}"),
        (FLAT % (THRESHOLD, MUX)).replace("Global: 3", "drop_lsb: 3").replace("use_sum: 1", "use_sum: True"),
        (FLAT % (THRESHOLD, MUX)).replace("link_reset_pattern", "tx_sync_word").replace("65534", "-2"),
        (FLAT % (THRESHOLD, MUX)).replace("290", "290, tx_sync_word: 0b00100100010, align_serializer_0: 1"),
        (FLAT % (THRESHOLD, MUX)).replace("290,", "290,  # a comment\n "),
        (FLAT % (THRESHOLD, MUX)).replace("link_reset_pattern: 290", "idle_pattern: 0x122"),
        (FLAT % (THRESHOLD, MUX)).replace("290", "290, idle_pattern: '290'"),
        (FLAT % (THRESHOLD, MUX)).replace(", link_reset_pattern: 290", ""),
        (FLAT % (THRESHOLD, MUX)).replace("etxs: 4", "etxs: 0xF").replace("\n", "\r\n"),
        "---\n" + FLAT % (THRESHOLD, MUX) + "\ni2c: {emulator_addr: 1}\nAligner: {Global: {i2c_snapshot_en: 0}}\n...\n",
        "x: &one {density: 1}\n" + (FLAT % (THRESHOLD, MUX)).replace("density: 1", "<<: *one"),
        NESTED % MUX,
        (NESTED % MUX).replace("value: 3}", "params: {drop_lsb: {param_value: '3'}}}").replace("{value: 290}", "290"),
        (NESTED % MUX).replace("{param_value: 1}", "1").replace("{value: 0x45}", "0x45"),
        (NESTED % MUX).replace("value: 0x45", "params: {eporttx_numen: {param_value: 4, param_shift: 4}}"),
        (NESTED % MUX).replace("value: 0x45", "value: 0x15, params: {eporttx_numen: 4, use_sum: {param_mask: 1}}"),
        (NESTED % MUX) + "  PLL_ALL: {registers: {a: 1}}\n  BIST: {x: 1}\n RO: {MISC_ALL: {}}\n notes: text\n",
    ],
)  # fmt: skip
def test_spellings_of_one_configuration(text):
    expected = EcontConfig(
        algorithm=Algorithm.BEST_CHOICE, high_density=True, mux=tuple(MUX), threshold=tuple(THRESHOLD), drop_lsb=3,
        elinks=4, use_sum=True, sync_word=290, keep_mask=(1 << 144) - 2, stc_type=1,
    )  # fmt: skip
    assert parse_config(text, "f") == expected


def test_wide_thresholds_and_sync_words(make_words):
    words = make_words(np.random.default_rng(0), 20)
    config = EcontConfig(elinks=13, buff_t1=400, sync_word=0x722)
    never, high = (chip.run(replace(config, threshold=(t,) * 48), words) for t in (1 << 22, (1 << 24) - 1))
    np.testing.assert_array_equal(never, high)
    assert (never[:, 0] >> 24 & 7 == 0).all()
    np.testing.assert_array_equal(never, chip.run(replace(config, threshold=(1 << 22,) * 48, sync_word=0xFF22), words))


def test_channels_that_a_map_leaves_out_have_the_defaults():
    config = parse_config("Mux: {5: 9}\nCal: {0: 7}\nAlgorithm: {Global: {}}", "f")
    assert config.mux == (*range(5), 9, *range(6, 48))
    assert config.calibration == (7, *[2048] * 47)


def channels(block, changes=(), count=48):
    values = dict.fromkeys(range(count), 1) | dict(changes)
    return f"{block}: {{{', '.join(f'{k}: {v}' for k, v in values.items())}}}\n"


def encoder(drop=None, **changes):
    blocks = split(bytes(range(256)) * 6 + bytes(72))
    blocks[3] |= changes
    if drop:
        del blocks[11][drop]
    return yaml.dump({"Encoder": dict(enumerate(blocks))})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Algoritm: {Global: {select: 1}}", "f.yaml: unknown register 'Algoritm'; did you mean 'Algorithm'?"),
        ("config_algo: {Global: {alg_type: 1}}", "unknown register 'config_algo'; did you mean 'ConfigAlgo'?"),
        ("Algorithm: {Global: {selct: 1}}", "Global selct'; expected density, select; did you mean 'select'?"),
        ("Algorithm: {Global: {select: 5}}", "register Algorithm Global select is 5; expected 0..4"),
        (PROTOTYPE + PRODUCTION, "both of Algorithm (prototype numbering) and ConfigAlgo (production) given"),
        ("Mux: {}", "neither of Algorithm"),
        (PROTOTYPE + "Mux:\n  0: 1\n  7: 2\n  7: 3\n", "register 7 is given twice, in lines 4 and 5"),
        (PROTOTYPE + channels("Mux", {5: 48}), "register Mux 5 is 48; expected 0..47"),
        (PROTOTYPE + channels("Cal", {47: 4096}), "register Cal 47 is 4096; expected 0..4095"),
        (PROTOTYPE + channels("Cal", count=31), "register Cal has 31 of 48 entries, 31 is missing (is the file trunc"),
        (PROTOTYPE + channels("Cal", {48: 1}), "unknown register 'Cal 48'"),
        (PROTOTYPE + channels("AlgoThreshold", {0: 1 << 24}), "AlgoThreshold 0 is 16777216; expected 0..16777215"),
        (PROTOTYPE + "FormatterBuffer: {Global: {active_etxs: 14}}", "active_etxs is 14; expected 1..13"),
        (PRODUCTION + "FormatterBuffer: {Global: {active_etxs: 0x5}}", "is 0x5; expected links from 0 on without gaps"),
        (PRODUCTION + f"FormatterBuffer: {{Global: {{keep_auto_encoder_bits: {1 << 144}}}}}",
         "keep_auto_encoder_bits is a number of 145 bits; expected 0..2**144 - 1 (144 bits)"),
        (PROTOTYPE + f"FormatterBuffer: {{Global: {{mask_ae: {1 << 128}}}}}", "mask_ae is a number of 129 bits"),
        (PROTOTYPE + "FormatterBuffer: {Global: {stc_type: 4}}", "stc_type is 4; expected 0..3 in prototype"),
        (PROTOTYPE + "FormatterBuffer:\n  Global:\n    buff_t1:", "buff_t1 has no value (is the file truncated?)"),
        (PROTOTYPE + "FormatterBuffer: {Global: {buff_t1: abc}}", "buff_t1 has 'abc'; expected an integer 0..65535"),
        (PROTOTYPE + "FormatterBuffer: {Global: {buff_t1: 3", "no valid YAML in line"),
        (PROTOTYPE + encoder(weights_byte16=1 << 128), "Encoder 3 weights_byte16 is a number of 129 bits; expected"),
        (PROTOTYPE + encoder(weights_byte0=-1), "Encoder 3 weights_byte0 is -1; expected 0..2**128 - 1 (128 bits)"),
        (PROTOTYPE + encoder(weights_byte128=-1), "Encoder 3 weights_byte128 is -1; expected 0..2**48 - 1 (48 bits)"),
        (PROTOTYPE + encoder(weights_byte16=-(1 << 127)), "is a negative number of 128 bits; expected 0..2**128 - 1"),
        (PROTOTYPE + encoder(weights_byte16=1.5), "Encoder 3 weights_byte16 has 1.5; expected an integer 0..2**128 -"),
        (PROTOTYPE + encoder(weights_byte16=1e30), "Encoder 3 weights_byte16 has 1e+30; expected an integer 0..2**12"),
        (PROTOTYPE + encoder(weights_byte16="abc"), "Encoder 3 weights_byte16 has 'abc'; expected an integer 0..2**12"),
        (PROTOTYPE + encoder(weights_byte16=[1, 2]), "Encoder 3 weights_byte16 has [1, 2]; expected an integer 0..2*"),
        (PROTOTYPE + encoder(weights_byte16=None), "Encoder 3 weights_byte16 has no value (is the file truncated?)"),
        (PROTOTYPE + encoder(weights_byte1=1), "unknown register 'Encoder 3 weights_byte1'"),
        (PROTOTYPE + encoder(drop="weights_byte128"), "Encoder 11 weights_byte128 is missing"),
        (PROTOTYPE + "Encoder: {0: {weights_byte0: 1}}", "weight block 1 is missing, 1 of 12 given"),
        ("ECON-T: {RW: {FMTBUF_AL: {registers: {}}}}", "'ECON-T RW FMTBUF_AL'; did you mean 'FMTBUF_ALL'?"),
        ("ECON-T: {RW: {MFC_CAL_VAL: {registers: {'cal_*': {value: [1, 2]}}}}}", "has 2 values; expected a list of 48"),
        ("ECON-T: {RO: {}}", "ECON-T has no 'RW' (is the file truncated?)"),
        (PROTOTYPE + "Mux: [1, 2]", "register Mux has 2 values; expected 48"),
        (PROTOTYPE + "Mux: {0: 1, '0': 2}", "register Mux 0 is given twice (as a number and in quotes)"),
        (PROTOTYPE + "FormatterBuffer: {Global: {link_reset_pattern: 290, tx_sync_word: 291}}",
         "register FormatterBuffer Global tx_sync_word is 291, but link_reset_pattern is 290; expected the same idle"),
        (PRODUCTION + "FormatterBuffer: {Global: {idle_pattern: 7, link_reset_pattern: 290}}",
         "register FormatterBuffer Global idle_pattern is 7, but link_reset_pattern is 290; expected the same idle"),
        (PROTOTYPE + "FormatterBuffer: {Global: {mask_ae2: -32769}}", "mask_ae2 is -32769; expected 0..65535"),
        (PROTOTYPE + "FormatterBuffer: {Global: {active_etxs: 0x1F1F}}", "active_etxs is 7967; expected 1..13"),
        (PROTOTYPE + "Cal: {1: true}", "register Cal 1 has True; expected an integer 0..4095"),
        (PROTOTYPE + "Cal: {1: '09'}", "register Cal 1 has '09'; expected an integer 0..4095"),
        (PROTOTYPE + "Cal: 2024-13-45", "no valid YAML (month must be in 1..12)"),
        (PROTOTYPE + f"Cal: {{0: {'9' * 5000}}}", "no valid YAML (Exceeds the limit"),
        ("", "expected a mapping of register blocks, got NoneType"),
        ("[1, 2", "no valid YAML in line"),
    ],
)  # fmt: skip
def test_errors_are_one_line_and_name_the_register(tmp_path, text, message):
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(RegisterError) as caught:
        read_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_cut_of_a_published_file_is_refused_or_reads_the_same_registers(reference):
    text = (reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras" / "init.yaml").read_text()
    rng = np.random.default_rng(0)
    whole = parse_config(text, "f")
    refused = 0
    for cut in rng.integers(10, len(text), 60).tolist():
        try:
            config = parse_config(text[:cut], "f")
        except RegisterError:
            refused += 1
            continue
        # What is read without complaint is a whole block; only a number at the very end can lose digits.
        assert all(getattr(config, name) == getattr(whole, name) for name in config.given - {"mux", "keep_mask"})
    assert refused > 50


def test_weight_blocks_round_trip():
    image = np.random.default_rng(0).bytes(1608)
    assert join(split(image)) == image
    registers = list(weight_registers())
    assert len(registers) == 108
    assert (registers[0].address, registers[-1].address, registers[-1].size) == (0x538, 0x538 + 143 * 11 + 128, 6)
