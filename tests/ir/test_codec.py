"""Canonical JSON: exact round trip, stable identity, and no malformed file that gets through or crashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir import codec
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Requantise, TrnEach


def test_round_trip_is_exact(econ_t_model: EncoderModel) -> None:
    text = codec.dumps(econ_t_model)
    again = codec.loads(text)
    assert codec.dumps(again) == text
    for one, other in zip(econ_t_model.layers, again.layers, strict=True):
        np.testing.assert_array_equal(one.kernel, other.kernel)
        np.testing.assert_array_equal(one.bias, other.bias)
        assert other.kernel.dtype == np.int64
    assert again.stages[0].out_shape == (4, 4, 8)


def test_every_option_survives(econ_t_model: EncoderModel) -> None:
    """The chip's arithmetic: floored products, wrapping, truncation."""
    fractions = {"conv": 7, "dense": 8}
    ops = tuple(
        replace(op, accumulate=TrnEach(fractions[op.name]))
        if isinstance(op, Conv2D | Dense)
        else replace(op, rounding=Rounding.TRN, overflow=Overflow.WRAP)
        if isinstance(op, Requantise)
        else op
        for op in econ_t_model.ops
    )
    model = replace(econ_t_model, ops=ops)
    again = codec.loads(codec.dumps(model))
    assert codec.to_dict(again) == codec.to_dict(model)
    assert [stage.product_shift for stage in again.stages] == [5, 4]
    assert {stage.requantise.overflow for stage in again.stages} == {Overflow.WRAP}
    assert codec.sha256(model) != codec.sha256(econ_t_model)


def test_hash_is_of_the_computation_only(econ_t_model: EncoderModel) -> None:
    noted = replace(econ_t_model, provenance={"training": "abc"})
    assert codec.sha256(noted) == codec.sha256(econ_t_model)
    assert codec.dumps(noted) != codec.dumps(econ_t_model)
    kernel = econ_t_model.layers[0].kernel.copy()
    kernel[0, 0, 0, 0] ^= 1
    changed = econ_t_model.with_weights(
        {layer.name: (kernel if i == 0 else layer.kernel, layer.bias) for i, layer in enumerate(econ_t_model.layers)}
    )
    assert codec.sha256(changed) != codec.sha256(econ_t_model)


Path = tuple[str | int, ...]


def _places(node: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in nested JSON; of a long list the first two elements."""
    children = node.items() if isinstance(node, dict) else list(enumerate(node))[:2] if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _places(child, (*path, key))


def _damaged(text: str, path: Path, value: Any) -> dict[str, Any]:
    raw = json.loads(text)
    node = raw
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return raw


def test_wrong_values_are_model_errors_and_never_change_silently(econ_t_model: EncoderModel) -> None:
    small = _small(econ_t_model)
    text = codec.dumps(small)
    refused = 0
    for path in _places(json.loads(text)):
        for bad in (None, "?", 1.5, -3, 0, 63, 2**70, [], {}, True):
            raw = _damaged(text, path, bad)
            try:
                model = codec.from_dict(raw)
            except ModelError as problem:
                refused += "\n" not in str(problem)
                continue
            assert json.loads(codec.dumps(model)) == raw, (path, bad)
            assert not isinstance(bad, float), (path, bad)
    assert refused > 500


def _small(model: EncoderModel) -> EncoderModel:
    """Return the model with one filter and one latent, so that its JSON is short."""
    conv, dense = model.layers
    return replace(
        model,
        ops=(
            model.normalise,
            replace(conv, kernel=conv.kernel[..., :1], bias=conv.bias[:1]),
            model.ops[2],
            replace(dense, kernel=dense.kernel[:16, :1], bias=dense.bias[:1]),
            model.ops[4],
            replace(model.pack, keep=(511,)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "encoder JSON is not JSON: Expecting property name"),
        ("[]", "encoder JSON must be an object, not a list"),
        ("{}", "not an encoder of spec version 1 or 2: format None, spec version None"),
        ('{"format": "econ-ae encoder", "spec_version": 1}', "encoder JSON is malformed: KeyError 'input'"),
    ],
)
def test_errors_of_other_files(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        codec.loads(text)
    assert message in str(caught.value)


def test_fractional_weights_are_refused(econ_t_model: EncoderModel) -> None:
    raw = codec.to_dict(econ_t_model)
    raw["ops"][1]["bias"][0] = 1.5
    with pytest.raises(ModelError, match="weights must be nested lists of 64-bit integers, not of float64"):
        codec.from_dict(raw)


def test_formats_are_kept(econ_t_model: EncoderModel) -> None:
    assert codec.loads(codec.dumps(econ_t_model)).latent == FixedFormat.parse("u1.8")
