"""The nested register map: ECON-T > RW > block > registers (spec 12, form 3), in prototype numbering."""

from __future__ import annotations

import re
from typing import Any

from econ_ae.econt.config import EcontConfig, Numbering
from econ_ae.econt.registers import facts
from econ_ae.econt.registers.facts import Register
from econ_ae.econt.registers.tree import Tree, weight_image
from econ_ae.econt.registers.weight_blocks import split

KEY = "ECON-T"
_STARRED = {
    "MFC_MUX_SELECT": ("mux_select_", "mux"),
    "MFC_CAL_VAL": ("cal_", "calibration"),
    "ALGO_THRESHOLD_VAL": ("threshold_val_", "threshold"),
}
_SINGLE = {"tx_sync_word": "sync_word"} | {name: name for name in ("buff_t1", "buff_t2", "buff_t3")}
_FORMAT_FIELDS = {"eporttx_numen": "elinks", "use_sum": "use_sum", "stc_type": "stc_type"}
_ALGO_FIELDS = {"select": "algorithm", "density": "high_density"}
_SINGLES = {
    "FMTBUF_ALL": (*_SINGLE, "config", "mask_ae", "mask_ae2"),
    "MFC_ALGORITHM_SEL_DENSITY": ("algo",),
    "ALGO_DROPLSB": ("drop_lsb",),
}
_BLOCKS = (*_SINGLES, *_STARRED)
_WEIGHT_BLOCK = re.compile(r"AUTOENCODER_(\d+|\*)INPUT")
_BYTE = Register(0, 1, 8, 0)
# What a register may hold beside its value: facts of the map that a file may repeat.
_MAP_KEYS = ("addr_offset", "addr_shift", "size_byte", "n_iterations", "param_mask", "param_shift")
_REGISTER_KEYS = ("value", "params", *_MAP_KEYS)
_PARAM_KEYS = ("param_value", "param_mask", "param_shift")


def parse(tree: Tree) -> tuple[Numbering, dict[str, Any]]:
    """Return numbering and ``EcontConfig`` fields; blocks of links and clocks are known but not interpreted."""
    chip = tree.child(KEY)
    if "RW" not in chip.raw:
        raise chip.error(f"register block {KEY} has no 'RW' (is the file truncated?)")
    rw = chip.child("RW")
    others = [block for block in rw.raw if _is_other(str(block))]
    interpreted = (*_BLOCKS, *(f"AUTOENCODER_{b}INPUT" for b in (*range(facts.WEIGHT_BLOCKS), "*")))
    Tree(rw.source, {block: None for block in rw.raw if block not in others}, rw.path).check_spelling(
        interpreted, "register block"
    )
    values: dict[str, Any] = {}
    weights: dict[int, Tree] = {}
    # The starred block first: numbered ones override it.
    for block in sorted(rw.raw, key=lambda name: "*" not in str(name)):
        if match := _WEIGHT_BLOCK.fullmatch(str(block)):
            weights |= _weight_blocks(_registers(rw, block), match[1])
        elif block in _STARRED:
            prefix, name = _STARRED[block]
            values[name] = _starred(_registers(rw, block), prefix, facts.FIELDS[name])
        elif block in _BLOCKS:
            values |= _single(_registers(rw, block))
    if weights:
        values["weights"] = weight_image(rw, weights)
    return Numbering.PROTOTYPE, values


def _is_other(block: str) -> bool:
    return any(re.fullmatch(re.escape(known).replace(r"\*", r"(\d+|\*)"), block) for known in facts.OTHER_BLOCKS)


def _registers(rw: Tree, block: str) -> Tree:
    tree = rw.child(block)
    tree.check_spelling(("registers", "addr_base", "block_shift"), "key")
    if "registers" not in tree.raw:
        raise tree.error(f"register block {tree.name()} has no 'registers' (is the file truncated?)")
    return tree.child("registers")


def _value(block: Tree, key: object) -> object:
    """Return the value of a register of one field: given directly, as ``value``, or as that of its only parameter."""
    if not isinstance(block.raw[key], dict | None):
        return block.raw[key]
    register = block.child(key)
    register.check_spelling(_REGISTER_KEYS, "key")
    if "params" in register.raw and "value" not in register.raw:
        params = register.child("params")
        if len(params.raw) == 1:
            return _param(params, next(iter(params.raw)))
    if register.raw.get("value") is None:
        raise register.error(f"register {register.name()} has no value (is the file truncated?)")
    return register.raw["value"]


def _param(params: Tree, key: object) -> object:
    """Return the value of a field, given directly or as ``param_value``; None when only its place is given."""
    if not isinstance(params.raw[key], dict | None):
        return params.raw[key]
    field = params.child(key)
    field.check_spelling(_PARAM_KEYS, "key")
    if field.raw.get("param_value") is None and ("param_value" in field.raw or "param_mask" not in field.raw):
        raise field.error(f"register {field.name()} has no param_value (is the file truncated?)")
    return field.raw.get("param_value")


def _starred(block: Tree, prefix: str, register: Register) -> tuple[int, ...]:
    """Read all 48 registers: a list under the starred name, single ones by number, or both."""
    star = f"{prefix}*"
    block.check_keys((star, *(f"{prefix}{i}" for i in range(register.count))))
    values = [register.default_of(i) for i in range(register.count)]
    if star in block.raw:
        listed = _list(block, star, register.count)
        values = [block.checked(v, register, f"{block.name(star)}[{i}]") for i, v in enumerate(listed)]
    for key in block.raw:
        if key != star:
            values[int(key.removeprefix(prefix))] = block.checked(_value(block, key), register, block.name(key))
    return tuple(values)


def _list(block: Tree, key: object, count: int) -> list[object]:
    """Return the ``count`` values of a starred register: a list, or one value for all."""
    listed = _value(block, key)
    if not isinstance(listed, list):
        return [listed] * count
    if len(listed) != count:
        raise block.error(f"register {block.name(key)} has {len(listed)} values; expected a list of {count}")
    return listed


def _single(block: Tree) -> dict[str, Any]:
    """Read the registers of the formatter, the algorithm selection and drop_lsb."""
    block.check_keys(_SINGLES[block.path[2]])
    values: dict[str, Any] = {}
    for key in block.raw:
        if key in ("config", "algo"):
            values |= _fields(block, key, _FORMAT_FIELDS if key == "config" else _ALGO_FIELDS)
        elif key == "drop_lsb":
            values["drop_lsb"] = block.checked(_value(block, key), facts.FIELDS["drop_lsb"], block.name(key))
        elif key in _SINGLE:
            values[_SINGLE[key]] = block.checked(_value(block, key), facts.FIELDS[_SINGLE[key]], block.name(key))
    if "mask_ae" in block.raw or "mask_ae2" in block.raw:
        upper, lower = (
            block.checked(_value(block, key), register, block.name(key)) if key in block.raw else register.default
            for key, register in (("mask_ae", facts.MASK_AE), ("mask_ae2", facts.MASK_AE2))
        )
        values["keep_mask"] = upper << facts.MASK_AE2.bits | lower
    return values


def _fields(block: Tree, register_name: str, names: dict[str, str]) -> dict[str, Any]:
    """Read the fields of a one-byte register: from its value, then from its params."""
    given = block.raw[register_name]
    raw = given if isinstance(given, dict | None) else {"value": given}
    register = Tree(block.source, {register_name: raw}, block.path).child(register_name)
    register.check_spelling(_REGISTER_KEYS, "key")
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
            value = _param(params, key)
            if value is not None:
                values[names[key]] = params.checked(value, facts.FIELDS[names[key]], params.name(key))
    return values


def _weight_blocks(block: Tree, number: str) -> dict[int, Tree]:
    """Read the weight registers of one numbered block, or of all 12 as lists under the starred name."""
    block.check_keys(facts.WEIGHT_REGISTERS)
    if number != "*":
        if int(number) >= facts.WEIGHT_BLOCKS:
            raise block.error(f"unknown register block {block.path[2]!r}; expected AUTOENCODER_0INPUT..11INPUT")
        return {int(number): Tree(block.source, {key: _value(block, key) for key in block.raw}, block.path)}
    lists = {key: _list(block, key, facts.WEIGHT_BLOCKS) for key in block.raw}
    return {
        b: Tree(block.source, {key: values[b] for key, values in lists.items()}, block.path)
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
