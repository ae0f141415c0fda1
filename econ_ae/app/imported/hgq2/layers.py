"""From the layers of HGQ2, by their class, to an encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from econ_ae.app.imported.encoder import Encoder, arrangement_of
from econ_ae.app.imported.exact.builder import Builder
from econ_ae.app.imported.exact.cut import Cut, Mode
from econ_ae.app.imported.exact.linear import Linear
from econ_ae.app.imported.exact.start import from_row, started
from econ_ae.app.imported.hgq2.process import Described
from econ_ae.app.imported.settings import Choice
from econ_ae.errors import ModelError

_MODES = {
    "RND": Mode.HALF_UP,
    "RND_CONV": Mode.HALF_EVEN,
    "TRN": Mode.FLOOR,
    "TRN_ZERO": Mode.ZERO,
    "RND_ZERO": Mode.HALF_ZERO,
    "RND_MIN_INF": Mode.HALF_DOWN,
    "RND_INF": Mode.HALF_AWAY,
}
"""As the package ``quantizers`` rounds; its stochastic modes are these once it does not train."""
_MOST_BITS = 60


@dataclass
class _State:
    model: Described
    builder: Builder
    index: int = 0

    def layer(self) -> Mapping[str, Any]:
        return self.model.layers[self.index]

    @property
    def where(self) -> str:
        return f"layer {self.layer()['name']!r} ({self.layer()['kind']})"


def translate(model: Described, choice: Choice) -> Encoder:
    """Return the encoder of a chain of layers.

    Raises
    ------
    ModelError
        Which layer has no integer form, and why.
    """
    state = _State(model, _started(model, choice))
    for state.index, layer in enumerate(model.layers):
        handler = _HANDLERS.get(layer["kind"])
        if handler is None:
            raise ModelError(f"{state.where} has no integer form; expected one of {', '.join(_HANDLERS)}")
        _quantizer(state, "iq")
        handler(state)
        if layer["kind"] not in {"Activation", "QUnaryFunctionLUT"}:
            _activation(state, layer.get("activation"))
        _quantizer(state, "oq")
    return state.builder.finish()


def _started(model: Described, choice: Choice) -> Builder:
    shape = model.shape
    if len(shape) == 1 and (row := from_row(shape[0], choice)) is not None:
        return row
    arrangement, pads = arrangement_of(shape, model.source)
    image = np.arange(math.prod(arrangement.shape)).reshape(arrangement.shape)
    builder = started(Encoder(arrangement, choice, arrangement.shape), image, pads)
    if len(shape) == 2:
        builder.reshape(lambda view: view[..., 0])
    return builder


def _quantizer(state: _State, what: str) -> None:
    one = state.layer().get(what)
    if one is None:
        return
    where = f"{state.where}, {what}"
    if one["kind"] != "fixed":
        raise ModelError(f"{where} is a {one['kind']}; expected a fixed-point quantizer (kif or kbi)")
    if one["scaler"] or one["affine"]:
        raise ModelError(f"{where} has a scaler or an affine map, which has no integer form; expected none")
    rounding, overflow = one["round"].removeprefix("S_"), one["overflow"]
    if rounding not in _MODES or overflow not in {"SAT", "WRAP", "SAT_SYM"}:
        raise ModelError(f"{where} rounds {rounding} and overflows {overflow}; expected SAT, WRAP or SAT_SYM")
    parts = [state.model.array(state.index, f"{what}/{name}") for name in "kif"]
    if any(part is None for part in parts):
        raise ModelError(f"{where} has no bits; expected a model that was built")
    there = [np.rint(part).astype(np.int64) for part in parts if part is not None]
    k, i, f = (part.reshape(part.shape[1:]) for part in there)
    width = i + f  # without the sign
    if np.any(width + k > _MOST_BITS):
        raise ModelError(f"{where} has {int((width + k).max())} bits; expected at most {_MOST_BITS}")
    some = k + width > 0
    top = np.where(some, (1 << np.maximum(width, 0)) - 1, 0)
    low = np.where(some, -k * (top + (overflow != "SAT_SYM")), 0)
    name = str(state.layer()["name"])
    state.builder.cut(Cut(name, low, top, np.where(some, f, 0), _MODES[rounding], overflow == "WRAP"))


def _activation(state: _State, name: Any) -> None:
    if name in {None, "linear"}:
        return
    if name != "relu":
        raise ModelError(f"{state.where}: activation {name} has no integer form; expected relu or linear")
    state.builder.relu()


def _own_activation(state: _State) -> None:
    _activation(state, state.layer().get("activation"))


def _relu(state: _State) -> None:
    if any(state.layer().get(key) for key in ("max_value", "negative_slope", "threshold")):
        raise ModelError(f"{state.where}: a ReLU with a limit, a slope or a threshold has no integer form")
    state.builder.relu()


def _skip(state: _State) -> None:
    """Layers that change no value after training."""
    del state


def _weights(state: _State, axes: int) -> Linear:
    kernel, bias = (state.model.array(state.index, name) for name in ("kernel", "bias"))
    if kernel is None or kernel.ndim != axes:
        there = "none" if kernel is None else f"one of {kernel.shape}"
        raise ModelError(f"{state.where}: expected a kernel of {axes} axes, found {there}")
    if bias is None:
        bias = np.zeros(kernel.shape[-1])
    return Linear(str(state.layer()["name"]), kernel, bias.reshape(-1))


def _dense(state: _State) -> None:
    one = _weights(state, 2)
    view = state.builder.view
    if view.ndim == 3 and view.shape[0] * view.shape[1] > 1:  # a dense layer of Keras acts on the last axis
        one.kernel, one.stride = one.kernel[None, None], (1, 1)
        state.builder.conv(one, channels_first=False)
        return
    if view.size != view.shape[-1]:
        raise ModelError(f"{state.where}: meets a tensor of {view.shape}; expected one row of values, or an image")
    state.builder.dense(one)


def _einsum(state: _State) -> None:
    equation = "".join(str(state.layer().get("equation", "")).split())
    given, _, out = equation.partition("->")
    x, _, kernel = given.partition(",")
    if len(x) != 2 or len(kernel) != 2 or kernel[0] != x[1] or out != x[0] + kernel[1] or state.builder.view.ndim != 1:
        raise ModelError(f"{state.where}: the equation {equation} has no integer form here; expected ab,bc->ac")
    _dense(state)


def _conv(state: _State) -> None:
    layer = state.layer()
    if layer.get("data_format") != "channels_last" or layer.get("groups", 1) != 1:
        raise ModelError(f"{state.where}: expected an ungrouped convolution with channels last")
    if set(layer.get("dilation_rate", (1, 1))) != {1}:
        raise ModelError(f"{state.where}: a dilated convolution has no integer form")
    one = _weights(state, 4)
    rows, cols = layer["strides"]
    one.stride = (int(rows), int(cols))
    state.builder.conv(one, channels_first=False, same=layer["padding"] == "same")


def _normalisation(state: _State) -> None:
    factor, offset = (state.model.array(state.index, name) for name in ("factor", "offset"))
    if factor is None or offset is None or state.layer().get("axis", -1) not in {-1, state.builder.view.ndim}:
        raise ModelError(f"{state.where}: expected a normalisation of the last axis")
    state.builder.affine(str(state.layer()["name"]), factor.reshape(-1), offset.reshape(-1))


def _flatten(state: _State) -> None:
    state.builder.reshape(lambda view: view.reshape(-1))


def _reshape(state: _State) -> None:
    shape = tuple(state.layer().get("output") or ())
    if math.prod(shape) != state.builder.view.size:
        raise ModelError(f"{state.where}: makes {shape} of {state.builder.view.shape}; expected the same values")
    state.builder.reshape(lambda view: view.reshape(shape))


def _permute(state: _State) -> None:
    dims = [int(axis) - 1 for axis in state.layer().get("dims", ())]
    state.builder.reshape(lambda view: view.transpose(dims))


def _pad(state: _State) -> None:
    padding = state.layer().get("padding")
    if state.builder.view.ndim != 3 or not isinstance(padding, list):
        raise ModelError(f"{state.where}: expected zeros around an image")
    (top, bottom), (left, right) = padding
    around = ((int(top), int(bottom)), (int(left), int(right)), (0, 0))
    state.builder.reshape(lambda view: np.pad(view, around, constant_values=-1))


_HANDLERS: Mapping[str, Callable[[_State], None]] = {
    "QDense": _dense,
    "QBatchNormDense": _dense,
    "QEinsumDense": _einsum,
    "QConv2D": _conv,
    "QBatchNormalization": _normalisation,
    "QUnaryFunctionLUT": _own_activation,
    "Activation": _own_activation,
    "ReLU": _relu,
    "Quantizer": _skip,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "ZeroPadding2D": _pad,
    "Dropout": _skip,
    "GaussianNoise": _skip,
    "ActivityRegularization": _skip,
}
"""By class; all others have no integer form."""
