"""Canonical JSON: exact round trip, stable identity, and no malformed file that gets through or crashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir import codec
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Requantise, TrnEach
from tests.random_cells import random_cell_model
from tests.random_models import random_model

STORED = Path(__file__).with_name("stored")


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


Place = tuple[str | int, ...]


def _places(node: Any, path: Place = ()) -> Iterator[Place]:
    """Every place in nested JSON; of a long list the first two elements."""
    children = node.items() if isinstance(node, dict) else list(enumerate(node))[:2] if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _places(child, (*path, key))


def _damaged(text: str, path: Place, value: Any) -> dict[str, Any]:
    raw = json.loads(text)
    node = raw
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return raw


@pytest.mark.parametrize("kind", ["layers", "cells"])
def test_wrong_values_are_model_errors_and_never_change_silently(econ_t_model: EncoderModel, kind: str) -> None:
    text = codec.dumps(_small(econ_t_model) if kind == "layers" else random_cell_model(294))
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
    assert refused > (500 if kind == "layers" else 250)


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
        ('{"format": "econ-ae encoder", "spec_version": 3}', "not an encoder of spec version 1 or 2: format 'econ-ae"),
        ('{"format": "econ-ae encoder", "spec_version": true}', "spec version True"),
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


@pytest.mark.parametrize(
    ("name", "version", "identity"),
    [
        ("layers_v1.json", 1, "bacceb70cd4d8a1f9701514da745635e1a5cf2e0f07639360219e6ab7bb2acfa"),
        ("cells_v2.json", 2, "2dfcc0af618748f4d339070db7a7e0e67aa2716e96b1449cb32afd6f00cf2c26"),
    ],
)
def test_stored_files_are_read_as_when_they_were_written(name: str, version: int, identity: str) -> None:
    """Version 1 was written before there was a version 2."""
    text = (STORED / name).read_text(encoding="utf-8").strip()
    model = codec.loads(text)
    assert codec.dumps(model) == text
    assert codec.sha256(model) == identity
    assert model.spec_version == version


def test_the_stored_models_are_the_random_ones_still() -> None:
    assert codec.sha256(random_model(0)) == codec.sha256(codec.loads((STORED / "layers_v1.json").read_text("utf-8")))
    model = codec.loads((STORED / "cells_v2.json").read_text("utf-8"))
    assert model.ops == random_cell_model(294).ops
    assert model.cell_code.merge is not None


@pytest.mark.parametrize("seed", range(60))
def test_models_of_cells_come_back(seed: int) -> None:
    model = random_cell_model(seed, 63)
    again = codec.loads(codec.dumps(model))
    assert again.ops == model.ops
    assert again.input == model.input
    assert codec.dumps(again) == codec.dumps(model)


def test_hash_of_cells_is_of_the_computation_only() -> None:
    model = random_cell_model(294)
    assert codec.sha256(replace(model, provenance={"training": "abc"})) == codec.sha256(model)
    bias = [list(row) for row in model.cell_code.choose.bias]
    bias[1][2] ^= 1
    assert codec.sha256(model.with_rule(model.cell_code.choose.limits, bias)) != codec.sha256(model)


def test_integers_of_numpy_are_written() -> None:
    """Learned values come as arrays."""
    model = random_cell_model(294)
    old = model.cell_code.choose
    assert codec.dumps(model.with_rule(np.array(old.limits), np.array(old.bias))) == codec.dumps(model)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modes": [{"cells": 1}]}, "encoder JSON is malformed: KeyError 'pulses'"),
        ({"modes": [1]}, "encoder JSON is malformed: TypeError 'modes' must be dict, not int"),
        ({"bias": [0, 1]}, "encoder JSON is malformed: TypeError 'bias' must be list, not int"),
        ({"limits": [1.0]}, "encoder JSON is malformed: TypeError 'limits' must be int, not float"),
        ({"bias_fraction": True}, "encoder JSON is malformed: TypeError 'bias_fraction' must be int, not bool"),
        ({"op": "choice"}, "operation 'choice' is unknown; expected normalise, conv2d, dense, requantise, pack, order"),
        ({"op": "pack"}, "encoder JSON is malformed: KeyError 'keep'"),
        (
            {"limit": [3]},
            "operation 'choose' has no 'limit'; expected bias, bias_fraction, limits, modes, name, op; did",
        ),
    ],
)
def test_errors_of_the_choice(change: dict[str, Any], message: str) -> None:
    raw = json.loads((STORED / "cells_v2.json").read_text("utf-8"))
    raw["ops"][2] |= change
    with pytest.raises(ModelError) as caught:
        codec.from_dict(raw)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"opps": []},
            "the encoder has no 'opps'; expected format, input, name, ops, provenance, spec_version; did you",
        ),
        ({"input": None}, "encoder JSON is malformed: TypeError 'input' must be dict, not NoneType"),
        ({"ops": ["order"]}, "encoder JSON is malformed: TypeError 'ops' must be dict, not str"),
    ],
)
def test_errors_of_the_whole(change: dict[str, Any], message: str) -> None:
    raw = json.loads((STORED / "cells_v2.json").read_text("utf-8"))
    with pytest.raises(ModelError) as caught:
        codec.from_dict(raw | change)
    assert str(caught.value).startswith(message)
    raw["input"]["cell"] = 8
    with pytest.raises(
        ModelError, match="input has no 'cell'; expected arrangement, cells, charge; did you mean 'cells'"
    ):
        codec.from_dict(raw)


def test_a_version_belongs_to_its_operations(econ_t_model: EncoderModel) -> None:
    cells = codec.to_dict(random_cell_model(294)) | {"spec_version": 1}
    with pytest.raises(ModelError, match="spec version must be 2, not 1"):
        codec.from_dict(cells)
    with pytest.raises(ModelError, match="spec version must be 1, not 2"):
        codec.from_dict(codec.to_dict(econ_t_model) | {"spec_version": 2})
