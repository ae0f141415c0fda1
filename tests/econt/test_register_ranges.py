"""Every register at both ends of its range, just outside it, and with values of other kinds, in all forms."""

from __future__ import annotations

import pytest
import yaml

from econ_ae.econt.registers.read import parse_config
from econ_ae.errors import RegisterError

CHANNELS = {"Mux": 47, "Cal": 4095, "AlgoThreshold": (1 << 24) - 1}
STARRED = {
    "MFC_MUX_SELECT mux_select_": 47,
    "MFC_CAL_VAL cal_": 4095,
    "ALGO_THRESHOLD_VAL threshold_val_": (1 << 24) - 1,
}
BUFFER = {"buff_t1": 65535, "buff_t2": 65535, "buff_t3": 255, "use_sum": 1, "link_reset_pattern": 65535,
          "tx_sync_word": 65535, "idle_pattern": 65535}  # fmt: skip
HEADS = {"Algorithm": ("select", "density"), "ConfigAlgo": ("alg_type", "alg_high_density")}
SOME = ("weights_byte0", "weights_byte112", "weights_byte128")
BLOCK = {f"weights_byte{n}": 0 for n in range(0, 129, 16)}


def dump(tree):
    return yaml.dump(tree, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def flat_places():
    """Yield (build a file with a value, name, low, high) of every register of the flat forms."""
    for head, (select, density) in HEADS.items():
        yield lambda v, h=head, s=select: {h: {"Global": {s: v}}}, f"{head} Global {select}", 0, 4
        yield lambda v, h=head, d=density: {h: {"Global": {d: v}}}, f"{head} Global {density}", 0, 1
        base = {head: {"Global": {}}}
        for block, high in CHANNELS.items():
            yield lambda v, b=base, k=block: b | {k: dict.fromkeys(range(47), 0) | {47: v}}, f"{block} 47", 0, high
            yield lambda v, b=base, k=block: b | {k: [v] + [0] * 47}, f"{block} 0", 0, high
        yield lambda v, b=base: b | {"AlgoDroplsb": {"Global": v}}, "AlgoDroplsb Global", 0, 255
        yield lambda v, b=base: b | {"AlgoDroplsb": {"Global": {"drop_lsb": v}}}, "AlgoDroplsb Global drop_lsb", 0, 255
        limits = BUFFER | {"stc_type": 3 if head == "Algorithm" else 4}
        for key, high in limits.items():
            yield (lambda v, b=base, k=key: b | {"FormatterBuffer": {"Global": {k: v}}}), key, 0, high
        low, high = (1, 13) if head == "Algorithm" else (1, 0x1FFF)
        yield lambda v, b=base: b | {"FormatterBuffer": {"Global": {"active_etxs": v}}}, "active_etxs", low, high
        for key, bits in (("mask_ae", 128), ("mask_ae2", 16), ("keep_auto_encoder_bits", 144)):
            yield (lambda v, b=base, k=key: b | {"FormatterBuffer": {"Global": {k: v}}}), key, None, (1 << bits) - 1
        for name in SOME if head == "Algorithm" else ():
            bits = 48 if name == "weights_byte128" else 128
            yield (
                lambda v, b=base, n=name: b | {"Encoder": {i: BLOCK | ({n: v} if i == 7 else {}) for i in range(12)}},
                f"Encoder 7 {name}", 0, (1 << bits) - 1,
            )  # fmt: skip


def nested(block, register, content):
    return {"ECON-T": {"RW": {block: {"registers": {register: content}}}}}


def nested_places():
    for place, high in STARRED.items():
        block, prefix = place.split()
        yield lambda v, b=block, p=prefix: nested(b, f"{p}*", {"value": [0] * 47 + [v]}), f"{prefix}*[47]", 0, high
        yield lambda v, b=block, p=prefix: nested(b, f"{p}*", {"value": v}), f"{prefix}*[0]", 0, high
        yield lambda v, b=block, p=prefix: nested(b, f"{p}31", {"value": v}), f"{prefix}31", 0, high
    for name, high in {"tx_sync_word": 65535, "buff_t1": 65535, "buff_t2": 65535, "buff_t3": 255}.items():
        yield lambda v, n=name: nested("FMTBUF_ALL", n, {"value": v}), name, 0, high
    for name, low, high in (("eporttx_numen", 1, 13), ("use_sum", 0, 1), ("stc_type", 0, 3)):
        yield lambda v, n=name: nested("FMTBUF_ALL", "config", {"params": {n: {"param_value": v}}}), name, low, high
    for name, high in (("select", 4), ("density", 1)):
        yield (
            lambda v, n=name: nested("MFC_ALGORITHM_SEL_DENSITY", "algo", {"params": {n: {"param_value": v}}}),
            name, 0, high,
        )  # fmt: skip
    yield lambda v: nested("MFC_ALGORITHM_SEL_DENSITY", "algo", {"value": v}), "algo value", 0, None
    yield lambda v: nested("ALGO_DROPLSB", "drop_lsb", {"value": v}), "drop_lsb", 0, 255
    for name, bits in (("mask_ae", 128), ("mask_ae2", 16)):
        yield lambda v, n=name: nested("FMTBUF_ALL", n, {"value": v}), name, None, (1 << bits) - 1
    for name in SOME:
        high = (1 << (48 if name == "weights_byte128" else 128)) - 1
        yield (
            lambda v, n=name: {"ECON-T": {"RW": {
                f"AUTOENCODER_{i}INPUT": {"registers": {k: {"value": w} for k, w in (BLOCK | {n: v}).items()}}
                for i in range(12)
            }}},
            f"AUTOENCODER_0INPUT registers {name}", 0, high,
        )  # fmt: skip
        yield (
            lambda v, n=name: {"ECON-T": {"RW": {"AUTOENCODER_*INPUT": {
                "registers": {k: {"value": [w] * 12} for k, w in (BLOCK | {n: v}).items()}
            }}}},
            f"AUTOENCODER_*INPUT registers {name}", 0, high,
        )  # fmt: skip


PLACES = [*flat_places(), *nested_places()]


@pytest.mark.parametrize(("build", "name", "low", "high"), PLACES, ids=[f"{i} {p[1]}" for i, p in enumerate(PLACES)])
def test_range(build, name, low, high):
    """``low`` None: a mask, which may be negative in two's complement; ``high`` None: only the low end is tried."""
    bits = (high or 255).bit_length()
    inside = [0 if low is None else low, *([high] if high else []), *([-1, -(1 << bits - 1)] if low is None else [])]
    for value in inside:
        parse_config(dump(build(value)), "f.yaml")
        parse_config(dump(build(str(value))), "f.yaml")
    outside = [low - 1, -(1 << 50)] if low is not None else [-(1 << bits - 1) - 1]
    outside += [high + 1, 1 << 200] if high else [256]
    for value in outside:
        message = refusal(build(value), name)
        shown = str(value) if abs(value) < 1 << 40 else f"number of {value.bit_length()} bits"
        assert f"is {shown}; expected " in message.replace("a negative ", "").replace("a number", "number"), message
    for value in (1.5, 1e30, float("nan"), float("inf"), "many", "", [1], {"value": [1]}, {"x": 1}, None):
        refusal(build(value), name.split()[0].split("[")[0])


def refusal(tree, name):
    with pytest.raises(RegisterError) as caught:
        parse_config(dump(tree), "f.yaml")
    message = str(caught.value)
    assert message.startswith("f.yaml: ")
    assert name in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "text",
    [
        "Algorithm: {Global: {}}\nEncoder: {0: {weights_byte0: 1, weights_byte0: 2}}",
        "Algorithm: {Global: {}}\nMux: {1: 1, 0x1: 2}",
        "Algorithm: {Global: {select: 1, select: 1}}",
        "Algorithm: {Global: {}}\nAlgorithm: {Global: {select: 1}}",
        "ECON-T: {RW: {FMTBUF_ALL: {registers: {buff_t1: {value: 1, value: 1}}}}}",
        "ECON-T: {RW: {ALGO_DROPLSB: {registers: {}}, ALGO_DROPLSB: {registers: {drop_lsb: {value: 1}}}}}",
    ],
)
def test_registers_given_twice(text):
    with pytest.raises(RegisterError, match=r"^f.yaml: register .* is given twice, in lines \d+ and \d+$"):
        parse_config(text, "f.yaml")


@pytest.mark.parametrize("block", [*CHANNELS])
@pytest.mark.parametrize("count", [0, 1, 47, 49])
def test_lists_of_another_length(block, count):
    message = refusal({"Algorithm": {"Global": {}}, block: [1] * count}, block)
    assert message.endswith(f"has {count} values; expected 48")
    other = {"Mux": "mux_select_*", "Cal": "cal_*", "AlgoThreshold": "threshold_val_*"}[block]
    home = {"Mux": "MFC_MUX_SELECT", "Cal": "MFC_CAL_VAL", "AlgoThreshold": "ALGO_THRESHOLD_VAL"}[block]
    assert refusal(nested(home, other, {"value": [1] * count}), other).endswith(
        f"{count} values; expected a list of 48"
    )
