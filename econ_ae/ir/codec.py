"""Canonical JSON of an encoder model, and its sha256.

Version 1 describes models of layers, version 2 models that send cells as pulses; a file says which it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any, TypeVar

from econ_ae.errors import ModelError, did_you_mean
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import Arrangement
from econ_ae.ir.cells import Apportion, CellOp, Choose, Enumerate, Merge, Mode, Order
from econ_ae.ir.model import (
    CELLS_VERSION,
    SPEC_VERSION,
    Accumulate,
    Conv2D,
    Dense,
    EncoderModel,
    Exact,
    Input,
    Normalise,
    Op,
    Pack,
    Requantise,
    TrnEach,
    as_int_array,
)
from econ_ae.ir.validate import check

FORMAT = "econ-ae encoder"
_T = TypeVar("_T")
_VERSIONS = (SPEC_VERSION, CELLS_VERSION)
_MODE_KEYS = tuple(entry.name for entry in fields(Mode))
_OPERATIONS = "normalise, conv2d, dense, requantise, pack, order, choose, merge, apportion or enumerate"


def _format(fmt: FixedFormat) -> dict[str, Any]:
    return {"signed": fmt.signed, "width": fmt.width, "fraction": fmt.fraction}


def _accumulate(rule: Accumulate) -> dict[str, Any]:
    return {"rule": "exact"} if isinstance(rule, Exact) else {"rule": "trn_each", "fraction": rule.fraction}


def _layer(op: Conv2D | Dense) -> dict[str, Any]:
    out = {
        "kernel": op.kernel.tolist(),
        "bias": op.bias.tolist(),
        "weight": _format(op.weight),
        "bias_format": _format(op.bias_format),
        "accumulate": _accumulate(op.accumulate),
    }
    if isinstance(op, Conv2D):
        out |= {"stride": list(op.stride), "padding": [list(p) for p in op.padding]}
    return out


def _op(op: Op) -> dict[str, Any]:
    out: dict[str, Any] = {"op": type(op).__name__.lower(), "name": op.name}
    match op:
        case Normalise():
            out["out"] = _format(op.out)
        case Conv2D() | Dense():
            out |= _layer(op)
        case Requantise():
            out |= {"relu": op.relu, "out": _format(op.out), "rounding": op.rounding, "overflow": op.overflow}
        case Pack():
            out |= {"keep": list(op.keep), "elinks": op.elinks}
        case Choose():
            out |= {
                "modes": [_mode(mode) for mode in op.modes],
                "limits": list(op.limits),
                "bias": [list(row) for row in op.bias],
                "bias_fraction": op.bias_fraction,
            }
        case Merge():
            out["neighbours"] = [list(near) for near in op.neighbours]
        case Apportion():
            out |= {"offset": op.offset, "fraction": op.fraction}
        case Enumerate():
            out["elinks"] = op.elinks
    return out


def _mode(mode: Mode) -> dict[str, int]:
    return {key: getattr(mode, key) for key in _MODE_KEYS}


def to_dict(model: EncoderModel) -> dict[str, Any]:
    """Return the model as plain lists and dicts."""
    arrangement = model.input.arrangement
    return {
        "format": FORMAT,
        "spec_version": model.spec_version,
        "name": model.name,
        "input": {
            "cells": model.input.cells,
            "charge": _format(model.input.charge),
            "arrangement": {
                "name": arrangement.name,
                "shape": list(arrangement.shape),
                "cells": list(arrangement.cells),
            },
        },
        "ops": [_op(op) for op in model.ops],
        "provenance": dict(model.provenance),
    }


def dumps(model: EncoderModel) -> str:
    """Return canonical JSON: sorted keys, no white space."""
    return json.dumps(to_dict(model), sort_keys=True, separators=(",", ":"))


def sha256(model: EncoderModel) -> str:
    """Return the hash that identifies what the model computes: canonical JSON without the provenance."""
    content = to_dict(model) | {"provenance": {}}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _get(raw: dict[str, Any], key: str, kind: type[_T]) -> _T:
    """Return ``raw[key]``; TypeError unless it is exactly of this type (a JSON true is no 1)."""
    return _typed(raw[key], key, kind)


def _typed(value: Any, what: str, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise TypeError(f"{what!r} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _integers(raw: dict[str, Any], key: str) -> tuple[int, ...]:
    return tuple(_typed(value, key, int) for value in _get(raw, key, list))


def _pair(raw: dict[str, Any], key: str) -> tuple[int, int]:
    first, second = _integers(raw, key)
    return first, second


def _parse_format(raw: dict[str, Any]) -> FixedFormat:
    return FixedFormat(_get(raw, "signed", bool), _get(raw, "width", int), _get(raw, "fraction", int))


def _parse_accumulate(raw: dict[str, Any]) -> Accumulate:
    match raw["rule"]:
        case "exact":
            return Exact()
        case "trn_each":
            return TrnEach(_get(raw, "fraction", int))
    raise ModelError(f"accumulate rule must be exact or trn_each, not {raw['rule']!r}")


def _parse_layer(raw: dict[str, Any]) -> Conv2D | Dense:
    common = (
        _get(raw, "name", str),
        as_int_array(raw["kernel"]),
        as_int_array(raw["bias"]),
        _parse_format(raw["weight"]),
        _parse_format(raw["bias_format"]),
    )
    rule = _parse_accumulate(raw["accumulate"])
    if raw["op"] == "dense":
        return Dense(*common, rule)
    vertical, horizontal = ({"padding": pair} for pair in _get(raw, "padding", list))
    return Conv2D(*common, _pair(raw, "stride"), (_pair(vertical, "padding"), _pair(horizontal, "padding")), rule)


def _parse_op(entry: Any) -> Op:
    raw = _typed(entry, "ops", dict)
    match raw["op"]:
        case "normalise":
            return Normalise(_parse_format(raw["out"]), _get(raw, "name", str))
        case "requantise":
            return Requantise(
                _get(raw, "name", str),
                _get(raw, "relu", bool),
                _parse_format(raw["out"]),
                Rounding(raw["rounding"]),
                Overflow(raw["overflow"]),
            )
        case "pack":
            return Pack(_integers(raw, "keep"), _get(raw, "elinks", int), _get(raw, "name", str))
        case "conv2d" | "dense":
            return _parse_layer(raw)
        case _:
            return _parse_cell_op(raw)


def _rows(raw: dict[str, Any], key: str) -> tuple[tuple[int, ...], ...]:
    return tuple(_integers({key: row}, key) for row in _get(raw, key, list))


def _parse_mode(raw: Any) -> Mode:
    entry = _typed(raw, "modes", dict)
    unknown = sorted(set(entry) - set(_MODE_KEYS))
    if unknown:
        raise ModelError(f"a mode has no {unknown[0]!r}; expected {', '.join(_MODE_KEYS)}")
    return Mode(*(_get(entry, key, int) for key in _MODE_KEYS))


def _parse_cell_op(raw: dict[str, Any]) -> CellOp:
    match raw["op"]:
        case "order":
            return Order(_get(raw, "name", str))
        case "choose":
            return Choose(
                tuple(_parse_mode(entry) for entry in _get(raw, "modes", list)),
                _integers(raw, "limits"),
                _rows(raw, "bias"),
                _get(raw, "bias_fraction", int),
                _get(raw, "name", str),
            )
        case "merge":
            return Merge(_rows(raw, "neighbours"), _get(raw, "name", str))
        case "apportion":
            return Apportion(_get(raw, "offset", int), _get(raw, "fraction", int), _get(raw, "name", str))
        case "enumerate":
            return Enumerate(_get(raw, "elinks", int), _get(raw, "name", str))
    raise ModelError(f"operation {raw['op']!r} is unknown; expected {_OPERATIONS}")


def from_dict(raw: dict[str, Any]) -> EncoderModel:
    """Return the model of ``to_dict``; ModelError when a key is missing or the model is invalid."""
    version = raw.get("spec_version")
    if raw.get("format") != FORMAT or type(version) is not int or version not in _VERSIONS:
        raise ModelError(
            f"not an encoder of spec version {SPEC_VERSION} or {CELLS_VERSION}: "
            f"format {raw.get('format')!r}, spec version {version!r}"
        )
    try:
        given = _get(raw, "input", dict)
        arrangement = _get(given, "arrangement", dict)
        rows, cols, channels = _integers(arrangement, "shape")
        image = Arrangement(_get(arrangement, "name", str), rows, cols, channels, _integers(arrangement, "cells"))
        source = Input(_get(given, "cells", int), _parse_format(_get(given, "charge", dict)), image)
        ops = tuple(_parse_op(op) for op in _get(raw, "ops", list))
        model = EncoderModel(_get(raw, "name", str), source, ops, _get(raw, "provenance", dict), version)
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(f"encoder JSON is malformed: {type(problem).__name__} {problem}") from problem
    _check_keys(raw, to_dict(model))
    return check(model)


def _check_keys(raw: dict[str, Any], known: dict[str, Any]) -> None:
    """Raise ModelError when a file has a key that nothing reads."""
    pairs = [("the encoder", raw, known), ("input", raw["input"], known["input"])]
    pairs += [
        (f"operation {ours['name']!r}", given, ours) for given, ours in zip(raw["ops"], known["ops"], strict=True)
    ]
    for what, given, ours in pairs:
        unknown = sorted(set(given) - set(ours))
        if unknown:
            raise ModelError(
                f"{what} has no {unknown[0]!r}; expected {', '.join(sorted(ours))}{did_you_mean(unknown[0], ours)}"
            )


def loads(text: str) -> EncoderModel:
    """Return the model of ``dumps``; ModelError when the text is no valid encoder."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as problem:
        raise ModelError(f"encoder JSON is not JSON: {problem}") from problem
    if not isinstance(raw, dict):
        raise ModelError(f"encoder JSON must be an object, not a {type(raw).__name__}")
    return from_dict(raw)
