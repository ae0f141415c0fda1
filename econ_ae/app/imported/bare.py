"""Files with weights alone, as the collaboration publishes them: layers are found by the shapes of their kernels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from econ_ae.app.imported.encoder import Encoder, Stage, add_conv, add_dense, arrangement_of, finished, inside
from econ_ae.app.imported.quantizers import Quantizer
from econ_ae.app.imported.settings import FLOOR, Choice
from econ_ae.app.imported.stored import Array, Stored
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import same_padding

WEIGHT, ACTIVATION, LATENT = "s0.5", "u2.7", "u1.8"
"""Formats of the chip (ECON-T, spec 6), taken where nothing says otherwise."""
_WEIGHTS = ("kernel", "bias", "0", "1")
_STRIDES = (2, 1, 3, 4)
_MOST_CONVOLUTIONS = 64
_IMAGES = {1: (8, 8, 1), 3: (4, 4, 3)}


def kernels(stored: Stored, *, convs_first: bool) -> list[tuple[str, Array, Array]]:
    """Return name, kernel and bias of every layer with weights, in the file's order.

    Parameters
    ----------
    convs_first : where the file tells no order: convolutions before dense layers, or behind them

    Raises
    ------
    ModelError
        When there is no kernel, or a layer has weights of another kind, of which nothing says what they do.
    """
    places = {path[:-1]: path for path in stored.arrays if path[-1] in {"kernel", "0"}}
    order = {name: i for i, name in enumerate(stored.order)}
    option = "--architecture" if convs_first else "--decoder-architecture"
    for path in stored.arrays:
        if path[-1] not in _WEIGHTS:
            raise ModelError(
                f"{stored.source}: layer {_name(path[:-1])!r} has the weights {path[-1]}, not kernel and bias alone; "
                f"what it does is in the architecture: give {option}"
            )

    def key(place: tuple[str, ...]) -> tuple[int, bool, list[tuple[str, int]]]:
        first = min((order[part] for part in place if part in order), default=len(order))
        behind = (stored.arrays[places[place]].ndim == 4) != convs_first
        return first, behind, [_numbered(part) for part in place]

    out = []
    for place in sorted(places, key=key):
        kernel = stored.arrays[places[place]]
        bias = stored.arrays.get((*place, "bias"), stored.arrays.get((*place, "1"), np.zeros(kernel.shape[-1])))
        out.append((_name(place), kernel, bias))
    if not out:
        raise ModelError(f"{stored.source}: holds no kernel; expected convolutions and dense layers")
    return out


def _name(place: Sequence[str]) -> str:
    return next((part for part in reversed(place) if part != "vars"), "layer")


def _numbered(part: str) -> tuple[str, int]:
    """Return a name and its number: ``dense_10`` comes behind ``dense_9``."""
    found = re.fullmatch(r"(.*?)_?(\d*)", part)
    assert found is not None
    return found[1], int(found[2] or 0)


def encoder(stored: Stored, choice: Choice) -> Encoder:
    """Return the encoder of a file with weights alone; ModelError when its shapes fit no image.

    Formats are the chip's unless ``choice`` says otherwise; convolutions pad as TensorFlow's 'same' if that fits.
    """
    layers = kernels(stored, convs_first=True)
    convs = [one for one in layers if one[1].ndim == 4]
    denses = [one for one in layers if one[1].ndim == 2]
    if len(convs) + len(denses) < len(layers) or not denses or any(a[1].ndim != 4 for a in layers[: len(convs)]):
        shapes = ", ".join(f"{name} {kernel.shape}" for name, kernel, _ in layers)
        raise ModelError(f"{stored.source}: has the kernels {shapes}; expected convolutions, then dense layers")
    shape = _image(convs, denses, stored.source)
    arrangement, _ = arrangement_of(shape, stored.source)
    found = Encoder(arrangement, _with_formats(choice), arrangement.shape)
    found.say(
        f"{stored.source} has weights alone: formats {found.choice.weight}, {found.choice.activation}, latents "
        f"{found.choice.latent}, a ReLU behind every layer; give --architecture with its model as JSON if it differs"
    )
    weight = Quantizer(FixedFormat.parse(str(found.choice.weight)), relu=False, symmetric=False)
    chosen = _fit(shape, convs, denses[0][1].shape[0], stored.source)
    for (name, kernel, bias), (stride, same) in zip(convs, chosen, strict=True):
        stage = Stage(name, inside(kernel, weight), inside(bias, weight), weight.format, weight.format, stride)
        add_conv(found, stage, same=same)
        found.say(f"layer {name!r} is read with stride {stride} and padding {'same' if same else 'valid'}")
    for name, kernel, bias in denses:
        add_dense(found, Stage(name, inside(kernel, weight), inside(bias, weight), weight.format, weight.format))
    for stage in found.stages:
        stage.relu = True
    return finished(found)


def _with_formats(choice: Choice) -> Choice:
    return replace(
        choice,
        weight=choice.weight or WEIGHT,
        activation=choice.activation or ACTIVATION,
        latent=choice.latent or LATENT,
        weights=choice.weights or FLOOR,
    )


def _image(
    convs: list[tuple[str, Array, Array]], denses: list[tuple[str, Array, Array]], source: str
) -> tuple[int, int, int]:
    if convs:
        channels = convs[0][1].shape[2]
        if channels in _IMAGES:
            return _IMAGES[channels]
        raise ModelError(f"{source}: layer {convs[0][0]!r} takes images of {channels} channels; expected 1 or 3")
    inputs = denses[0][1].shape[0]
    for one in LOW_DENSITY.arrangements.values():
        if math.prod(one.shape) == inputs:
            return one.shape
    raise ModelError(f"{source}: layer {denses[0][0]!r} takes {inputs} values; expected 64 or 48, those of an image")


def _fit(
    shape: tuple[int, int, int], convs: list[tuple[str, Array, Array]], inputs: int, source: str
) -> list[tuple[int, bool]]:
    """Return stride and padding of every convolution, so that the first dense layer gets as many inputs as it has."""
    if len(convs) > _MOST_CONVOLUTIONS:
        raise ModelError(f"{source}: has {len(convs)} convolutions; expected at most {_MOST_CONVOLUTIONS}")
    options = [(stride, same) for same in (True, False) for stride in _STRIDES]
    for i, (_, kernel, _) in enumerate(convs):
        channels = convs[i - 1][1].shape[3] if i else shape[2]
        if kernel.shape[2] != channels:
            raise ModelError(f"{source}: a kernel of {kernel.shape} follows an image of {channels} channels")
    channels = convs[-1][1].shape[3] if convs else shape[2]

    @cache  # sizes repeat: without it the search is as long as all combinations are many
    def rest(i: int, rows: int, cols: int) -> tuple[tuple[int, bool], ...] | None:
        if i == len(convs):
            return () if min(rows, cols) > 0 and rows * cols * channels == inputs else None
        for stride, same in options:
            sizes = (_size(n, k, stride, same=same) for n, k in zip((rows, cols), convs[i][1].shape[:2], strict=True))
            behind = rest(i + 1, *sizes)
            if behind is not None:
                return ((stride, same), *behind)
        return None

    found = rest(0, *shape[:2])
    if found is not None:
        return list(found)
    raise ModelError(
        f"{source}: no strides lead from an image {'x'.join(map(str, shape))} to the {inputs} inputs of its dense "
        "layer; give --architecture"
    )


def _size(size: int, kernel: int, stride: int, *, same: bool) -> int:
    padded = size + (sum(same_padding(size, kernel, stride)) if same else 0)
    return (padded - kernel) // stride + 1 if padded >= kernel else 0
