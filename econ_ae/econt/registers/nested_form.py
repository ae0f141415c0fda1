"""The nested register map: ECON-T > RW > block > registers (spec 12, form 3), in prototype numbering."""

from __future__ import annotations

import re
from typing import Any

from econ_ae.econt.config import EcontConfig, Numbering
from econ_ae.econt.registers import facts
from econ_ae.econt.registers.facts import Register
from econ_ae.econt.registers.tree import Tree, weight_image
from econ_ae.econt.registers.weight_blocks import split
from econ_ae.errors import did_you_mean

KEY = "ECON-T"
_ACCESS = ("RW", "RO", "WO", "ninput", "noutput")
_STARRED = {
    "MFC_MUX_SELECT": ("mux_select_", "mux"),
    "MFC_CAL_VAL": ("cal_", "calibration"),
    "ALGO_THRESHOLD_VAL": ("threshold_val_", "threshold"),
}
_SINGLE = {
    "tx_sync_word": "sync_word",
    "buff_t1": "buff_t1",
    "buff_t2": "buff_t2",
    "buff_t3": "buff_t3",
}
_FORMAT_FIELDS = {"eporttx_numen": "elinks", "use_sum": "use_sum", "stc_type": "stc_type"}
_ALGO_FIELDS = {"select": "algorithm", "density": "high_density"}
_BLOCKS = ("FMTBUF_ALL", "MFC_ALGORITHM_SEL_DENSITY", "ALGO_DROPLSB", *_STARRED)
_WEIGHT_BLOCK = re.compile(r"AUTOENCODER_(\d+|\*)INPUT")
_BYTE = Register(0, 1, 8, 0)
# What a register may hold beside its value: facts of the map that a file may repeat.
_MAP_KEYS = ("addr_offset", "addr_shift", "size_byte", "n_iterations", "param_mask", "param_shift")
_REGISTER_KEYS = ("value", "params", *_MAP_KEYS)


def parse(tree: Tree) -> tuple[Numbering, dict[str, Any]]:
    """Return numbering and ``EcontConfig`` fields; blocks of links and clocks are known but not interpreted."""
    chip = tree.child(KEY)
    chip.check_keys(_ACCESS)
    values: dict[str, Any] = {}
    if "RW" not in chip.raw:
        return Numbering.PROTOTYPE, values
    rw = chip.child("RW")
    weights: dict[int, Tree] = {}
    for block in rw.raw:
        if match := _WEIGHT_BLOCK.fullmatch(str(block)):
            weights |= _weight_blocks(_registers(rw, block), match[1])
        elif block in _STARRED:
            prefix, name = _STARRED[block]
            values[name] = _starred(_registers(rw, block), prefix, facts.FIELDS[name])
        elif block in _BLOCKS:
            values |= _single(_registers(rw, block))
        elif not _is_other(str(block)):
            known = (*_BLOCKS, *facts.OTHER_BLOCKS, *(f"AUTOENCODER_{b}INPUT" for b in range(facts.WEIGHT_BLOCKS)))
            raise rw.error(f"unknown register block {rw.name(block)!r}{did_you_mean(str(block), known)}")
    if weights:
        values["weights"] = weight_image(rw, weights)
    return Numbering.PROTOTYPE, values


def _is_other(block: str) -> bool:
    return any(re.fullmatch(re.escape(known).replace(r"\*", r"(\d+|\*)"), block) for known in facts.OTHER_BLOCKS)


def _registers(rw: Tree, block: str) -> Tree:
    tree = rw.child(block)
    tree.check_keys(("registers", "addr_base", "block_shift"))
    if "registers" not in tree.raw:
        raise tree.error(f"register block {tree.name()} has no 'registers' (is the file truncated?)")
    return tree.child("registers")


def _value(register: Tree) -> object:
    register.check_keys(_REGISTER_KEYS)
    if "value" not in register.raw:
        raise register.error(f"register {register.name()} has no value (is the file truncated?)")
    return register.raw["value"]


def _starred(block: Tree, prefix: str, register: Register) -> tuple[int, ...]:
    """Read all 48 registers: a list under the starred name, single ones by number, or both."""
    star = f"{prefix}*"
    block.check_keys((star, *(f"{prefix}{i}" for i in range(register.count))))
    values = list(range(register.count)) if prefix == "mux_select_" else [register.default] * register.count
    if star in block.raw:
        listed = _value(block.child(star))
        if not isinstance(listed, list) or len(listed) != register.count:
            size = f"{len(listed)} values" if isinstance(listed, list) else repr(listed)
            raise block.error(f"register {block.name(star)} has {size}; expected a list of {register.count}")
        values = [block.checked(v, register, f"{block.name(star)}[{i}]") for i, v in enumerate(listed)]
    for key in block.raw:
        if key != star:
            values[int(key.removeprefix(prefix))] = block.checked(_value(block.child(key)), register, block.name(key))
    return tuple(values)


def _single(block: Tree) -> dict[str, Any]:
    """Read the registers of the formatter, the algorithm selection and drop_lsb."""
    kind = block.path[2]
    known = {
        "FMTBUF_ALL": (*_SINGLE, "config", "mask_ae", "mask_ae2"),
        "MFC_ALGORITHM_SEL_DENSITY": ("algo",),
        "ALGO_DROPLSB": ("drop_lsb",),
    }[kind]
    block.check_keys(known)
    values: dict[str, Any] = {}
    for key in block.raw:
        register = block.child(key)
        if key in ("config", "algo"):
            values |= _fields(register, _FORMAT_FIELDS if key == "config" else _ALGO_FIELDS)
        elif key == "drop_lsb":
            values["drop_lsb"] = block.checked(_value(register), facts.DROP_LSB, block.name(key))
        elif key in _SINGLE:
            values[_SINGLE[key]] = block.checked(_value(register), facts.FIELDS[_SINGLE[key]], block.name(key))
    if "mask_ae" in block.raw or "mask_ae2" in block.raw:
        upper, lower = (
            block.checked(_value(block.child(key)), register, block.name(key)) if key in block.raw else register.default
            for key, register in (("mask_ae", facts.MASK_AE), ("mask_ae2", facts.MASK_AE2))
        )
        values["keep_mask"] = upper << facts.MASK_AE2.bits | lower
    return values


def _fields(register: Tree, names: dict[str, str]) -> dict[str, Any]:
    """Read the fields of a one-byte register: from its value, then from its params."""
    register.check_keys(_REGISTER_KEYS)
    values: dict[str, Any] = {}
    if "value" in register.raw:
        byte = register.number("value", _BYTE)
        for name in names.values():
            bits = facts.FIELDS[name]
            width = 2 if name == "stc_type" else bits.bits
            values[name] = register.checked(byte >> bits.shift & (1 << width) - 1, bits, register.name(name))
    if "params" in register.raw:
        params = register.child("params")
        params.check_keys(names)
        for key in params.raw:
            field = params.child(key)
            field.check_keys(("param_value", "param_mask", "param_shift"))
            if "param_value" not in field.raw:
                raise field.error(f"register {field.name()} has no param_value (is the file truncated?)")
            values[names[key]] = field.number("param_value", facts.FIELDS[names[key]])
    return values


def _weight_blocks(block: Tree, number: str) -> dict[int, Tree]:
    """Read the weight registers of one numbered block, or of all 12 as lists under the starred name."""
    block.check_keys(facts.WEIGHT_REGISTERS)
    values = {key: _value(block.child(key)) for key in block.raw}
    if number != "*":
        if int(number) >= facts.WEIGHT_BLOCKS:
            raise block.error(f"unknown register block {block.path[2]!r}; expected AUTOENCODER_0INPUT..11INPUT")
        return {int(number): Tree(block.source, values, block.path)}
    for key, value in values.items():
        if not isinstance(value, list) or len(value) != facts.WEIGHT_BLOCKS:
            raise block.error(f"register {block.name(key)} must be a list of {facts.WEIGHT_BLOCKS} values")
    return {
        b: Tree(block.source, {key: value[b] for key, value in values.items() if isinstance(value, list)}, block.path)
        for b in range(facts.WEIGHT_BLOCKS)
    }


def nested(config: EcontConfig) -> dict[str, Any]:
    """Return the registers as a nested mapping in prototype numbering, mux entries renumbered when needed."""
    out = config.renumbered(Numbering.PROTOTYPE)
    values = out.registers()
    blocks: dict[str, Any] = {
        "FMTBUF_ALL": {
            "registers": {
                **{key: {"value": values[name]} for key, name in _SINGLE.items()},
                "config": {
                    "params": {key: {"param_value": int(values[name])} for key, name in _FORMAT_FIELDS.items()},
                },
                "mask_ae": {"value": out.keep_mask >> facts.MASK_AE2.bits},
                "mask_ae2": {"value": out.keep_mask & (1 << facts.MASK_AE2.bits) - 1},
            }
        },
        "MFC_ALGORITHM_SEL_DENSITY": {
            "registers": {
                "algo": {"params": {key: {"param_value": int(values[name])} for key, name in _ALGO_FIELDS.items()}}
            }
        },
        "ALGO_DROPLSB": {"registers": {"drop_lsb": {"value": out.drop_lsb}}},
    }
    for block, (prefix, name) in _STARRED.items():
        blocks[block] = {"registers": {f"{prefix}*": {"value": list(values[name])}}}
    for b, registers in enumerate(split(out.weights)):
        blocks[f"AUTOENCODER_{b}INPUT"] = {"registers": {key: {"value": v} for key, v in registers.items()}}
    return {KEY: {"RW": blocks}}
