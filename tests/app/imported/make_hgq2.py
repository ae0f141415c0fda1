"""Runs under the interpreter that has HGQ2: writes random models, ``python make_hgq2.py FOLDER SEED...``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from hgq.config import QuantizerConfig, QuantizerConfigScope
from hgq.layers import QBatchNormalization, QConv2D, QDense
from hgq.quantizer import Quantizer

MODES = ("RND", "RND_CONV", "TRN")


def trained(layer: Any, rng: Any, *, uniform: bool) -> None:
    """Give quantizers bits as training leaves them: of every weight, of every activation's unit or of all of them."""
    for name in ("kq", "bq", "iq", "oq"):
        one = getattr(layer, name, None) if name in {"kq", "bq"} or getattr(layer, f"enable_{name}", False) else None
        inner = layer.quantizer if isinstance(layer, Quantizer) else getattr(one, "quantizer", None)
        if inner is None:
            continue
        spread = 2 if name in {"kq", "bq"} or not uniform else 1
        for variable in inner.weights:
            kind = variable.name
            if kind not in {"i", "f", "b"}:
                continue
            low = {"i": 0, "f": 3, "b": 4}[kind] if name not in {"kq", "bq"} else {"i": 0, "f": 4, "b": 4}[kind]
            variable.assign(rng.integers(low, low + spread, variable.shape) + float(rng.integers(0, 2)))
    for variable in layer.weights:
        if variable.name in {"kernel", "bias", "bn_beta", "bn_gamma"}:
            variable.assign(rng.normal(0, 0.5, variable.shape))


def model(seed: int) -> Any:
    """Return a random encoder; overflow, rounding, shapes and who shares bits follow from the seed."""
    rng = np.random.default_rng(seed)
    rows, cols, channels = ((8, 8, 1), (4, 4, 3))[seed % 2]
    mode, overflow = str(rng.choice(MODES)), ("SAT", "WRAP", "WRAP", "SAT_SYM")[int(rng.integers(4))]
    uniform = overflow != "WRAP" or bool(rng.random() < 0.3)
    given = {"round_mode": mode, "overflow_mode": overflow, "homogeneous_axis": None}
    x = entry = keras.Input((rows, cols, channels))
    made = []

    def put(layer: Any) -> Any:
        made.append(layer)
        return layer

    units = () if uniform else (-1,)
    with QuantizerConfigScope(q_type="kif", place="datalane", heterogeneous_axis=units, **given):
        if rng.random() < 0.7:
            taps = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
            padding = ("same", "valid")[int(rng.integers(2))]
            stride = int(rng.integers(1, 3))
            x = put(QConv2D(3, taps, strides=stride, padding=padding, activation="relu", name="first"))(x)
            x = put(Quantizer(QuantizerConfig("kif", "datalane", heterogeneous_axis=units, **given), name="between"))(x)
        x = keras.layers.Flatten()(x)
        if uniform:
            x = put(QDense(7, activation="relu", name="hidden"))(x)
        else:  # what lies before has bits per channel already
            x = put(QDense(7, activation="relu", name="hidden", enable_iq=False, enable_ebops=False))(x)
        if rng.random() < 0.3:
            x = keras.layers.Dropout(0.1)(x)
        last = {"enable_oq": True} if rng.random() < 0.6 else {}
        x = put(QDense(5, name="latent", **last))(x)
    found = keras.Model(entry, x, name="encoder")
    for layer in made:
        trained(layer, rng, uniform=uniform)
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for seed in map(int, sys.argv[2:]):
        model(seed).save(folder / f"{seed}.keras")
    assert QBatchNormalization is not None
