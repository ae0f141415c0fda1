"""Quantizers of QKeras as they are written in a file: as a table or as a call in a string. Nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat

_POSITIONS = {
    "quantized_bits": ("bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding"),
    "quantized_relu": ("bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding"),
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "quantized_bits": {"bits": 8, "integer": 0, "symmetric": 0, "keep_negative": 1, "alpha": None},
    "quantized_relu": {"bits": 8, "integer": 0, "use_sigmoid": 0, "negative_slope": 0.0, "relu_upper_bound": None},
}


@dataclass(frozen=True)
class Quantizer:
    """A quantizer with an integer form: round half to even, saturate.

    Parameters
    ----------
    format : of its values
    relu : whether it is a ReLU, too
    symmetric : whether the smallest value is minus the largest
    """

    format: FixedFormat
    relu: bool
    symmetric: bool


def quantizer(raw: Any, where: str, *, weights: bool = False) -> Quantizer:
    """Return a quantizer.

    Parameters
    ----------
    raw : ``{"class_name": ..., "config": ...}`` or ``"quantized_bits(6,0,1)"``
    weights : it is of a kernel, where QKeras makes a scale that depends on the weights of a missing ``alpha``

    Raises
    ------
    ModelError
        When it has no fixed-point form; says what of it.
    """
    name, settings = _parsed(raw, where)
    if name not in _DEFAULTS:
        raise ModelError(f"{where}: quantizer {name} has no integer form; expected quantized_bits or quantized_relu")
    s = {**_DEFAULTS[name], **settings}
    if s.get("use_stochastic_rounding"):
        raise ModelError(f"{where}: {name} rounds at random; expected use_stochastic_rounding=False")
    if s.get("qnoise_factor", 1.0) != 1:
        raise ModelError(f"{where}: {name} has qnoise_factor={s['qnoise_factor']}; expected 1, a quantizer fully on")
    try:
        bits, integer = int(s["bits"]), int(s["integer"])
    except (TypeError, ValueError):
        raise ModelError(
            f"{where}: {name} has bits={s['bits']!r}, integer={s['integer']!r}; expected integers"
        ) from None
    try:
        if name == "quantized_relu":
            if s["use_sigmoid"] or s["negative_slope"] or s["relu_upper_bound"] is not None:
                raise ModelError(
                    f"{where}: quantized_relu with a slope, a sigmoid or an upper bound has no integer form"
                )
            return Quantizer(FixedFormat(False, bits, bits - integer), relu=True, symmetric=False)
        _check_scale(s["alpha"], where, weights=weights)
        signed = bool(s["keep_negative"])
        fmt = FixedFormat(signed, bits, bits - integer - signed)
        return Quantizer(fmt, relu=not signed, symmetric=bool(s["symmetric"]))
    except ModelError as problem:
        raise problem if str(problem).startswith(where) else ModelError(f"{where}: {problem}") from problem


def _check_scale(alpha: Any, where: str, *, weights: bool) -> None:
    if alpha in (1, 1.0) and not isinstance(alpha, bool):
        return
    if alpha is None and not weights:
        return
    given = "no alpha, of which QKeras makes 'auto_po2'," if alpha is None else f"alpha={alpha!r},"
    raise ModelError(
        f"{where}: quantized_bits has {given} a scale that depends on the weights and fits no fixed register; expected "
        "alpha=1, or give --weight-format to read its weights in a format of your choice"
    )


def _parsed(raw: Any, where: str) -> tuple[str, dict[str, Any]]:
    if isinstance(raw, Mapping):
        config = raw.get("config")
        return str(raw.get("class_name")), dict(config) if isinstance(config, Mapping) else {}
    if isinstance(raw, str):
        return _call(raw, where)
    raise ModelError(f"{where}: has no quantizer")


def _call(text: str, where: str) -> tuple[str, dict[str, Any]]:
    """Return name and arguments of a call of constants."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise ModelError(f"{where}: {text!r} is no quantizer")
        name = node.func.id
        given = [ast.literal_eval(value) for value in node.args]
        settings = dict(zip(_POSITIONS.get(name, ()), given, strict=False))
        return name, settings | {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ModelError(f"{where}: {text[:60]!r} is no quantizer") from None


def is_quantizer(raw: Any) -> bool:
    """Tell whether a setting is meant as a quantizer, and not as a plain activation."""
    name = raw.get("class_name") if isinstance(raw, Mapping) else raw
    return isinstance(name, str) and name.partition("(")[0].startswith(
        ("quantized_", "binary", "ternary", "stochastic")
    )
