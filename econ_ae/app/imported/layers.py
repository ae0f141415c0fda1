"""The chain of layers in the architecture of a Keras file, from the image, or the latents, to the output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from econ_ae.app.imported.stored import Stored, saved_names
from econ_ae.errors import ModelError

MODELS = ("Functional", "Model", "Sequential")
_INPUT = "InputLayer"
_JOINS = ("Concatenate",)


@dataclass(frozen=True)
class Layer:
    """One layer.

    Parameters
    ----------
    kind : class of Keras, QKeras, or of whoever wrote it
    name : of the layer
    config : its settings
    arguments : constants that it is called with besides its input
    saved_as : other name under which its weights may be kept
    within : name of the model that it is part of
    """

    kind: str
    name: str
    config: Mapping[str, Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    saved_as: str = ""
    within: str = ""


def chain(stored: Stored, wanted: str) -> list[Layer]:
    """Return the layers of a model in the order of the computation, without its inputs.

    Parameters
    ----------
    wanted : ``encoder`` or ``decoder``: which model to take where a file holds both

    Raises
    ------
    ModelError
        When it is no chain; names the layer.
    """
    assert stored.config is not None  # the caller has asked
    model = _chosen(stored.config, wanted, stored.source)
    raw = [one for one in _layers(model, stored.source) if isinstance(one, dict)]
    saved = saved_names([str(one.get("class_name")) for one in raw])
    within = str(model["config"].get("name", "")) if isinstance(model["config"], dict) else ""
    layers = {str(one.get("name") or one.get("config", {}).get("name")): (one, saved[i]) for i, one in enumerate(raw)}
    if model["class_name"] == "Sequential":
        order = list(layers)
        calls: dict[str, Mapping[str, Any]] = {name: {} for name in order}
    else:
        order, calls = _walked(model, {name: one for name, (one, _) in layers.items()}, stored.source)
    out = []
    for name in order:
        one, saved_as = layers[name]
        if one["class_name"] != _INPUT:
            out.append(Layer(one["class_name"], name, one.get("config", {}), calls[name], saved_as, within))
    return out


def input_shapes(stored: Stored, wanted: str) -> list[tuple[int, ...]]:
    """Return the shapes of a model's inputs, without the batch, as far as its architecture tells them."""
    assert stored.config is not None
    out = []
    for one in _layers(_chosen(stored.config, wanted, stored.source), stored.source):
        config = one.get("config", {}) if isinstance(one, dict) else {}
        shape = config.get("batch_input_shape") or config.get("batch_shape")
        if isinstance(shape, list) and all(isinstance(size, int) for size in shape[1:]):
            out.append(tuple(shape[1:]))
    return out


def _layers(model: Mapping[str, Any], source: str) -> list[Any]:
    config = model["config"]
    found = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(found, list) or not found:
        raise ModelError(f"{source}: its {model['class_name']} lists no layers")
    return found


def _chosen(model: Mapping[str, Any], wanted: str, source: str) -> Mapping[str, Any]:
    """Return the model itself, or the one inside it that is the encoder or the decoder."""
    if model["class_name"] not in MODELS:
        raise ModelError(
            f"{source}: is a {model['class_name']}, whose layers are in code; expected Sequential or Functional"
        )
    inner = [one for one in _layers(model, source) if isinstance(one, dict) and one.get("class_name") in MODELS]
    if not inner:
        return model
    by_name = {str(one.get("name") or one["config"].get("name")): one for one in inner}
    fits = [name for name in by_name if wanted in name.lower() and "auto" not in name.lower()]
    if len(fits) != 1:
        raise ModelError(f"{source}: holds the models {', '.join(by_name)}; expected one whose name says {wanted}")
    return _chosen(by_name[fits[0]], wanted, source)


def _walked(
    model: Mapping[str, Any], layers: Mapping[str, Mapping[str, Any]], source: str
) -> tuple[list[str], dict[str, Mapping[str, Any]]]:
    """Return the names from input to output, and the constants of every call."""
    outputs = [name for name, *_ in _references(model["config"].get("output_layers", []))]
    if len(outputs) != 1:
        raise ModelError(f"{source}: has {len(outputs)} outputs ({', '.join(outputs) or 'none'}); expected one")
    order: list[str] = []
    calls: dict[str, Mapping[str, Any]] = {}
    name = outputs[0]
    while True:
        if name not in layers or name in order:
            raise ModelError(f"{source}: layer {name!r} is not there, or feeds itself")
        order.append(name)
        one = layers[name]
        calls[name] = _constants(one.get("inbound_nodes", []))
        before = list(dict.fromkeys(found for found, *_ in _references(one.get("inbound_nodes", []))))
        if one.get("class_name") in _JOINS:  # conditions that only pass by
            before = [found for found in before if layers.get(found, {}).get("class_name") != _INPUT]
        if not before:
            break
        if len(before) > 1:
            raise ModelError(
                f"{source}: layer {name!r} ({one.get('class_name')}) has the inputs {', '.join(before)}; expected a "
                "chain of layers"
            )
        name = before[0]
    return order[::-1], calls


def _references(node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the layers that a call refers to, in the forms of Keras 2 (lists) and 3 (``keras_history``)."""
    if isinstance(node, dict):
        history = node.get("keras_history")
        if isinstance(history, list) and history:
            yield str(history[0]), {}
            return
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int) and isinstance(node[2], int):
            last = node[3] if len(node) > 3 and isinstance(node[3], dict) else {}
            yield node[0], last
            yield from _references(list(last.values()))
            return
        for value in node:
            yield from _references(value)


def _constants(nodes: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for _, arguments in _references(nodes):
        out |= {name: value for name, value in arguments.items() if value is not None}
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, dict) and isinstance(node.get("kwargs"), dict):
            out |= {name: value for name, value in node["kwargs"].items() if not isinstance(value, dict)}
    return out
