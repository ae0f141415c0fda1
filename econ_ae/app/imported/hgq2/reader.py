"""Runs under the interpreter that has HGQ2: what a model file holds, as plain numbers. Nothing of this project is here.

    python reader.py MODEL WANTED OUT.npz [IMAGES.npy]

Writes the layers of the model named like WANTED (``encoder``), first to last, as JSON in the array ``layers``, and
their arrays as ``0/kernel`` and so on. With images also what its ``predict`` gives, as ``predicted``. Exit code 3 and
one line on standard error when it cannot.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

MODELS = ("Functional", "Sequential", "Model")


def stop(text):
    """End with one line."""
    sys.stderr.write("reader: " + " ".join(str(text).split())[:400] + "\n")
    raise SystemExit(3)


def model_of(path, wanted):
    """Return the model, or the one inside it whose name says what is wanted."""
    import hgq.layers
    import hgq.quantizer  # noqa: F401  registers its classes
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as problem:  # noqa: BLE001  Keras raises what it likes
        stop(f"is no model that HGQ2 reads: {type(problem).__name__}: {problem}")
    inner = [one for one in model.layers if type(one).__name__ in MODELS]
    if not inner:
        return model
    fits = [one for one in inner if wanted in one.name.lower() and "auto" not in one.name.lower()]
    if len(fits) != 1:
        stop(f"holds the models {', '.join(one.name for one in inner)}; expected one whose name says {wanted}")
    return fits[0]


def chain(model):
    """Return the layers from input to output."""
    if len(model.outputs) != 1 or len(model.inputs) != 1:
        stop(f"has {len(model.inputs)} inputs and {len(model.outputs)} outputs; expected one of each")
    order: list[Any] = []
    tensor = model.outputs[0]
    while True:
        layer, index, _ = tensor._keras_history
        if type(layer).__name__ == "InputLayer":
            return order[::-1]
        order.append(layer)
        before = layer._inbound_nodes[index].input_tensors
        if len(before) != 1:
            names = ", ".join(one._keras_history[0].name for one in before)
            stop(f"layer {layer.name!r} ({type(layer).__name__}) has the inputs {names}; expected a chain of layers")
        tensor = before[0]


def numbers(value):
    """Return a tensor of whatever backend as an array."""
    import keras

    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)


def quantizer(what, arrays, where):
    """Put the bits of a quantizer into the arrays; return its settings."""
    inner = what.quantizer
    kind = type(inner).__name__
    if kind not in ("FixedPointQuantizerKBI", "FixedPointQuantizerKIF"):
        return {"kind": kind}
    for name, value in zip("kif", inner.kif, strict=True):
        arrays[f"{where}/{name}"] = numbers(value)
    return {
        "kind": "fixed",
        "round": str(inner.round_mode),
        "overflow": str(inner.overflow_mode),
        "scaler": what.scaler is not None,
        "affine": what.affine is not None,
    }


def activation(layer):
    """Return the name of a layer's function, or None."""
    found = getattr(layer, "activation", None)
    return None if found is None else getattr(found, "__name__", type(found).__name__)


def described(layer, index, arrays):
    """Return what a layer is; its arrays go to the others."""
    kind = type(layer).__name__
    out = {"kind": kind, "name": layer.name, "activation": activation(layer), "output": list(layer.output.shape[1:])}
    for name in ("strides", "padding", "data_format", "dilation_rate", "groups", "equation", "target_shape", "dims"):
        value = getattr(layer, name, None)
        if isinstance(value, (int, str, list, tuple)):
            out[name] = list(value) if isinstance(value, (list, tuple)) else value
    for name in ("max_value", "negative_slope", "threshold"):
        value = getattr(layer, name, None)
        out[name] = None if value is None else float(value)
    for name in ("iq", "oq"):
        if getattr(layer, f"enable_{name}", False):
            out[name] = quantizer(getattr(layer, name), arrays, f"{index}/{name}")
    if kind == "Quantizer":
        out["iq"] = quantizer(layer, arrays, f"{index}/iq")
    if hasattr(layer, "qscaler_and_qoffset"):
        arrays[f"{index}/factor"], arrays[f"{index}/offset"] = map(numbers, layer.qscaler_and_qoffset)
        out["axis"] = int(layer.axis)
    elif hasattr(layer, "qkernel"):
        arrays[f"{index}/kernel"] = numbers(layer.qkernel)
        if getattr(layer, "qbias", None) is not None:
            arrays[f"{index}/bias"] = numbers(layer.qbias)
    elif layer.weights and kind != "Quantizer" and "iq" not in out:
        for variable in layer.weights:
            arrays[f"{index}/{variable.name}"] = numbers(variable)
    return out


def main():
    """Read, and write."""
    path, wanted, out, *images = sys.argv[1:]
    model = model_of(path, wanted)
    arrays: dict[str, Any] = {}
    layers = [described(layer, i, arrays) for i, layer in enumerate(chain(model))]
    shape = [size if isinstance(size, int) else 0 for size in model.inputs[0].shape[1:]]
    text = json.dumps({"name": model.name, "shape": shape, "layers": layers})
    arrays["layers"] = np.frombuffer(text.encode(), np.uint8)
    if images:
        arrays["predicted"] = np.asarray(model.predict(np.load(images[0]), verbose=0), np.float64)
    np.savez(out, **arrays)


if __name__ == "__main__":
    try:
        main()
    except ImportError as problem:
        stop(f"the interpreter {sys.executable} has no HGQ2 ({problem})")
