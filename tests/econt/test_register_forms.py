"""Register files of every form, with any registers left out, through the fast model and the literal one."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from econ_ae.econt import chip
from econ_ae.econt.registers.read import parse_config

FORMS = ("prototype", "production", "nested")
MISSING = {
    "select": 0, "hd": False, "mux": list(range(48)), "cal": [2048] * 48, "thr": [0] * 48, "drop": 0, "elinks": 2,
    "t1": 0x30, "t2": 0x1FF, "t3": 0, "stc_type": 1, "use_sum": True, "sync": 0x122, "keep": (1 << 144) - 1, "image": 0,
}  # fmt: skip
"""The reset values of the public register map, and the idle pattern of the flat forms."""


def weights(image):
    """Blocks of weight registers: bits [8N + 8 size - 1 : 8N] of each 1072-bit piece of the image."""
    blocks = {}
    for b in range(12):
        piece = image >> 1072 * b & (1 << 1072) - 1
        blocks[b] = {
            f"weights_byte{n}": piece >> 8 * n & (1 << (128 if n < 128 else 48)) - 1 for n in range(0, 129, 16)
        }
    return blocks


def flat(c, given, production, rng):
    names = ("alg_type", "alg_high_density") if production else ("select", "density")
    head = {name: int(c[key]) for name, key in zip(names, ("select", "hd"), strict=True) if key in given}
    file = {"ConfigAlgo" if production else "Algorithm": {"Global": head}}
    for block, key in (("Mux", "mux"), ("Cal", "cal"), ("AlgoThreshold", "thr")):
        if key in given:
            file[block] = dict(enumerate(c[key])) if rng.random() < 0.7 else c[key]
    if "drop" in given:
        file["AlgoDroplsb"] = {"Global": c["drop"] if rng.random() < 0.5 else {"drop_lsb": c["drop"]}}
    buffer = {
        name: int(c[key])
        for name, key in (("buff_t1", "t1"), ("buff_t2", "t2"), ("buff_t3", "t3"), ("stc_type", "stc_type"),
                          ("use_sum", "use_sum"))
        if key in given
    }  # fmt: skip
    if "elinks" in given:
        buffer["active_etxs"] = (1 << c["elinks"]) - 1 if production else c["elinks"]
    if "sync" in given:
        idle = ("link_reset_pattern", "tx_sync_word", *(["idle_pattern"] if production else []))
        buffer |= dict.fromkeys(
            rng.choice(idle, int(rng.integers(1, len(idle) + 1)), replace=False).tolist(), c["sync"]
        )
    if "keep" in given and production:
        buffer["keep_auto_encoder_bits"] = c["keep"]
    elif "keep" in given:
        buffer |= {"mask_ae": c["keep"] >> 16, "mask_ae2": c["keep"] & 0xFFFF}
    if buffer or rng.random() < 0.5:
        file["FormatterBuffer"] = {"Global": buffer}
    if "image" in given:
        file["Encoder"] = weights(c["image"])
    return file


def nested(c, given, rng):
    rw = {}

    def put(block, register, content):
        rw.setdefault(block, {"registers": {}})["registers"][register] = content

    for name, key in (("tx_sync_word", "sync"), ("buff_t1", "t1"), ("buff_t2", "t2"), ("buff_t3", "t3")):
        if key in given:
            put("FMTBUF_ALL", name, {"value": c[key]})
    counts = (("eporttx_numen", "elinks"), ("use_sum", "use_sum"), ("stc_type", "stc_type"))
    fields = {name: {"param_value": int(c[key])} for name, key in counts if key in given}
    if fields:
        put("FMTBUF_ALL", "config", {"params": fields})
    algo = {n: {"param_value": int(c[k])} for n, k in (("select", "select"), ("density", "hd")) if k in given}
    if algo:
        put("MFC_ALGORITHM_SEL_DENSITY", "algo", {"params": algo})
    if "drop" in given:
        put("ALGO_DROPLSB", "drop_lsb", {"value": c["drop"]})
    masks = (("mask_ae", c["keep"] >> 16), ("mask_ae2", c["keep"] & 0xFFFF))
    for name, value in masks if "keep" in given else ():
        put("FMTBUF_ALL", name, {"value": value})
    for block, prefix, key in (
        ("MFC_MUX_SELECT", "mux_select_", "mux"), ("MFC_CAL_VAL", "cal_", "cal"),
        ("ALGO_THRESHOLD_VAL", "threshold_val_", "thr"),
    ):  # fmt: skip
        if key in given and rng.random() < 0.7:
            put(block, f"{prefix}*", {"value": c[key]})
        elif key in given:
            for i, value in enumerate(c[key]):
                put(block, f"{prefix}{i}", {"value": value})
    for b, registers in weights(c["image"]).items() if "image" in given else ():
        for name, value in registers.items():
            put(f"AUTOENCODER_{b}INPUT", name, {"value": value})
    return {"i2c": {"emulator_addr": 1}, "ECON-T": {"ninput": 12, "RW": rw}, "daq": {"verbose": 1}}


@pytest.fixture(scope="module")
def compare(literal, make_configuration, make_words):
    def run(seed, form):
        rng = np.random.default_rng(seed)
        select = int(rng.choice([0, 0, 0, 1, 2, 3, 4]))
        c = make_configuration(rng, select, int(rng.integers(1, 14)), form == "production")
        share = rng.choice([0.3, 0.7, 0.95])
        given = {key for key in MISSING if rng.random() < share} | ({"select"} if select else set())
        expected = c | {key: value for key, value in MISSING.items() if key not in given}
        if form == "nested" and "sync" not in given:
            expected["sync"] = 0x70F
        if expected["select"] == 0:  # a buffer that fills and empties
            given |= {"cal", "thr"}
            expected |= {"cal": [2048] * 48, "thr": [int(rng.choice([100, 3000, 1 << 20]))] * 48}
        file = nested(expected, given, rng) if form == "nested" else flat(expected, given, form == "production", rng)
        config = parse_config(yaml.dump(file, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)), "f.yaml")
        words = make_words(rng, 40)
        np.testing.assert_array_equal(
            chip.run(config, words), literal.run(expected, words.tolist()), err_msg=f"seed {seed}, {form}"
        )

    return run


@pytest.mark.parametrize("form", FORMS)
def test_any_registers_left_out(compare, form):
    for seed in range(12):
        compare(seed, form)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block", range(10))
def test_any_registers_left_out_at_length(compare, form, block):
    for seed in np.random.default_rng(block).integers(0, 2**32, 40).tolist():
        compare(seed, form)
