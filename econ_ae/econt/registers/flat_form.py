"""The flat register files, in prototype and in production numbering (spec 12, forms 1 and 2)."""

from __future__ import annotations

import re
from typing import Any

from econ_ae.econt.config import EcontConfig, Numbering
from econ_ae.econt.registers import facts
from econ_ae.econt.registers.tree import Tree, integer, weight_image
from econ_ae.econt.registers.weight_blocks import split

_PROTOTYPE, _PRODUCTION = "Algorithm", "ConfigAlgo"
_CHANNELS = {"Mux": "mux", "Cal": "calibration", "AlgoThreshold": "threshold"}
_ALGORITHM_KEYS = {
    _PROTOTYPE: {"density": "high_density", "select": "algorithm"},
    _PRODUCTION: {"alg_high_density": "high_density", "alg_type": "algorithm"},
}
_BUFFER_KEYS = {name: name for name in ("buff_t1", "buff_t2", "buff_t3", "stc_type", "use_sum")}
_BUFFER_KEYS |= dict.fromkeys(("link_reset_pattern", "tx_sync_word", "idle_pattern"), "sync_word")
_WRITTEN = [key for key in _BUFFER_KEYS if key not in ("link_reset_pattern", "idle_pattern")]
# Blocks and registers of links, clocks and counters: not the trigger path's, and like none of its names.
_OTHER_BLOCKS = ("Aligner", "ChAligner", "ChErr", "ErrTop", "ERx", "Erx", "ETx", "Etx", "Pll", "PLL", "Misc")
_OTHER_BUFFER_KEYS = r"align_serializer(_\d+)?"

DEFAULTS: dict[str, Any] = {"sync_word": facts.FLAT_SYNC_WORD}
"""Fields whose value in a flat file that leaves them out is not the chip's reset value."""

_MASKS = ("mask_ae", "mask_ae2", "keep_auto_encoder_bits")


def parse(tree: Tree) -> tuple[Numbering, dict[str, Any]]:
    """Return numbering and ``EcontConfig`` fields of a flat file; RegisterError for anything that does not belong."""
    known = (_PROTOTYPE, _PRODUCTION, "AlgoDroplsb", "FormatterBuffer", "Encoder", *_CHANNELS)
    Tree(tree.source, {key: None for key in tree.raw if key not in _OTHER_BLOCKS}).check_spelling(known)
    if (_PROTOTYPE in tree.raw) == (_PRODUCTION in tree.raw):
        both = "both" if _PROTOTYPE in tree.raw else "neither"
        raise tree.error(
            f"register blocks: {both} of {_PROTOTYPE} (prototype numbering) and {_PRODUCTION} (production) given; "
            "expected one (is the file truncated?)"
        )
    key = _PROTOTYPE if _PROTOTYPE in tree.raw else _PRODUCTION
    numbering = Numbering.PROTOTYPE if key == _PROTOTYPE else Numbering.PRODUCTION
    values = _named(_global(tree, key), _ALGORITHM_KEYS[key])
    for block, name in _CHANNELS.items():
        if block in tree.raw:
            values[name] = tree.channels(block, facts.FIELDS[name])
    if "AlgoDroplsb" in tree.raw:
        values["drop_lsb"] = _drop_lsb(tree)
    if "FormatterBuffer" in tree.raw:
        values |= _buffer(_global(tree, "FormatterBuffer"), numbering)
    if "Encoder" in tree.raw:
        encoder = tree.child("Encoder").numbered(facts.WEIGHT_BLOCKS)
        values["weights"] = weight_image(encoder, {b: encoder.child(b) for b in encoder.raw})
    return numbering, values


def _global(tree: Tree, key: str) -> Tree:
    block = tree.child(key)
    block.check_keys(("Global",))
    return block.child("Global") if "Global" in block.raw else Tree(tree.source, {}, block.path)


def _named(block: Tree, names: dict[str, str]) -> dict[str, Any]:
    block.check_keys(names)
    return {names[key]: block.number(key, facts.FIELDS[names[key]]) for key in block.raw}


def _drop_lsb(tree: Tree) -> int:
    """Read ``AlgoDroplsb``: a number under itself, under ``Global``, under ``drop_lsb`` or under both of them."""
    key = "AlgoDroplsb"
    while isinstance(tree.raw[key], dict):
        tree = tree.child(key)
        tree.check_keys(("Global", "drop_lsb") if len(tree.path) == 1 else ("drop_lsb",))
        if not tree.raw:
            return facts.FIELDS["drop_lsb"].default
        if len(tree.raw) > 1:
            raise tree.error(f"register {tree.name('drop_lsb')} is given twice (under Global too)")
        key = next(iter(tree.raw))
    return tree.number(key, facts.FIELDS["drop_lsb"])


def _buffer(block: Tree, numbering: Numbering) -> dict[str, Any]:
    others = [key for key in block.raw if re.fullmatch(_OTHER_BUFFER_KEYS, str(key))]
    block.check_keys((*_BUFFER_KEYS, *_MASKS, "active_etxs", *others))
    values: dict[str, Any] = {}
    for key, name in _BUFFER_KEYS.items():
        if key in block.raw:
            number = block.number(key, facts.FIELDS[name])
            if values.setdefault(name, number) != number:
                other = next(k for k in block.raw if k != key and _BUFFER_KEYS.get(k) == name)
                raise block.error(
                    f"register {block.name(key)} is {number}, but {other} is {block.raw[other]}; expected the same "
                    "idle pattern in both, or one of them left out"
                )
    if "active_etxs" in block.raw:
        values["elinks"] = _elinks(block, numbering)
    if "mask_ae" in block.raw or "mask_ae2" in block.raw:
        if "keep_auto_encoder_bits" in block.raw:
            raise block.error("registers mask_ae and keep_auto_encoder_bits exclude each other")
        upper, lower = (
            block.number(key, register) if key in block.raw else register.default
            for key, register in (("mask_ae", facts.MASK_AE), ("mask_ae2", facts.MASK_AE2))
        )
        values["keep_mask"] = upper << facts.MASK_AE2.bits | lower
    elif "keep_auto_encoder_bits" in block.raw:
        values["keep_mask"] = block.number("keep_auto_encoder_bits", facts.FIELDS["keep_mask"])
    return values


def _elinks(block: Tree, numbering: Numbering) -> int:
    """Read a count (prototype) or a mask (production, and what is no count but a mask in the prototype form)."""
    given = integer(block.raw["active_etxs"], facts.ACTIVE_ETXS_MASK)
    masks = [(1 << links) - 1 for links in range(1, facts.FIELDS["elinks"].largest + 1)]
    if numbering is Numbering.PROTOTYPE and (
        given is None or given <= facts.FIELDS["elinks"].largest or given not in masks
    ):
        return block.number("active_etxs", facts.FIELDS["elinks"])
    mask = block.number("active_etxs", facts.ACTIVE_ETXS_MASK)
    count = mask.bit_count()
    if mask not in masks:
        raise block.error(
            f"register {block.name('active_etxs')} is {mask:#x}; expected links from 0 on without gaps, "
            f"for {count} of them {(1 << count) - 1:#x}"
        )
    return count


def production(config: EcontConfig) -> dict[str, Any]:
    """Return the registers as a production-form mapping, mux entries renumbered when needed.

    An address map order that differs from the numbering's has no register and is not written.
    """
    out = config.renumbered(Numbering.PRODUCTION)
    values = out.registers()
    return {
        _PRODUCTION: {"Global": {"alg_high_density": int(out.high_density), "alg_type": int(out.algorithm)}},
        "AlgoDroplsb": {"Global": {"drop_lsb": out.drop_lsb}},
        **{block: dict(enumerate(values[name])) for block, name in sorted(_CHANNELS.items())},
        "FormatterBuffer": {
            "Global": {
                "active_etxs": (1 << out.elinks) - 1,
                **{key: int(values[_BUFFER_KEYS[key]]) for key in _WRITTEN},
                "keep_auto_encoder_bits": out.keep_mask,
            }
        },
        "Encoder": dict(enumerate(split(out.weights))),
    }
