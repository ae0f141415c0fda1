"""The integer encoder that a configuration describes, before any training: all weights 0.

With it mistakes in a configuration are found before hours of training, and without importing TensorFlow; the network
that is trained (``training.network``) is built from the same layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from econ_ae.config import ConvConfig, DecoderConfig, DenseConfig, EncoderConfig, HardwareConfig, RunConfig
from econ_ae.config.cells_skeleton import cells_skeleton
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import Arrangement, WaferGeometry
from econ_ae.ir.model import (
    CHARGE,
    Conv2D,
    Dense,
    EncoderModel,
    Input,
    Normalise,
    Op,
    Pack,
    Requantise,
    Shape,
    same_padding,
)
from econ_ae.ir.transform import truncate_products
from econ_ae.ir.validate import check, check_float32, frame_capacity, keep_bits, leading_mask, least_elinks


def skeleton(config: RunConfig, geometry: WaferGeometry) -> EncoderModel:
    """Return the encoder with all weights, or all biases, 0.

    Raises
    ------
    ConfigError
        When the arrangement does not exist, more bits are kept than a latent or the frame has, or the decoder cannot
        be built.
    ModelError
        When the layers do not fit each other, or cannot be computed exactly.
    """
    check_conditions(config)
    if config.encoder.family == "cells":
        return cells_skeleton(config, geometry)
    encoder = config.on_chip
    arrangement = geometry.arrangement(encoder.arrangement)
    check_decoder(config.decoder, arrangement, geometry.cells)
    _check_unrolled(config)
    layers = empty_layers(encoder, arrangement)
    pack = _pack(config.hardware, encoder.dense[-1].units, layers[-1].activation.out)
    ops = (Normalise(FixedFormat.parse(encoder.input)), *(op for layer in layers for op in layer.ops), pack)
    model = EncoderModel(config.name, Input(geometry.cells, CHARGE, arrangement), ops)
    if config.hardware.accumulate == "trn_each":
        model = truncate_products(model)
    return check_float32(check(model))


@dataclass(frozen=True)
class EmptyLayer:
    """One layer before any training, and what its training starts with.

    Parameters
    ----------
    sums : shape, formats, stride and padding; all weights 0
    activation : what follows it
    initial_bias : float value that the biases start at
    """

    sums: Conv2D | Dense
    activation: Requantise
    initial_bias: float

    @property
    def ops(self) -> tuple[Op, ...]:
        """The layer as operations of the integer model."""
        return self.sums, self.activation


def empty_layers(encoder: EncoderConfig, arrangement: Arrangement) -> tuple[EmptyLayer, ...]:
    """Return the layers that a configuration describes, the convolutions first; nothing is checked.

    The integer skeleton and the QKeras network (``training.network``) are both made of them.
    """
    layers: list[EmptyLayer] = []
    shape: Shape = arrangement.shape
    for i, conv in enumerate(encoder.conv):
        weight = FixedFormat.parse(conv.weight)
        pads = [(0, 0), (0, 0)]
        taps, stride = _both(conv.kernel), _both(conv.stride)
        if conv.padding == "same":
            pads = [same_padding(*one) for one in zip(shape[:2], taps, stride, strict=True)]
        elif conv.padding != "valid":
            pads = list(conv.padding)
        bias = FixedFormat.parse(conv.bias or conv.weight)
        kernel = np.zeros((*taps, shape[2], conv.filters), np.int64)
        op = Conv2D(f"conv{i}", kernel, np.zeros(conv.filters, np.int64), weight, bias, stride, (pads[0], pads[1]))
        shape = op.output_shape(shape)
        layers.append(EmptyLayer(op, _requantise(f"conv{i}_act", conv), 0.0))
    for i, dense in enumerate(encoder.dense):
        weight = FixedFormat.parse(dense.weight)
        kernel = np.zeros((math.prod(shape), dense.units), np.int64)
        bias = FixedFormat.parse(dense.bias or dense.weight)
        sums = Dense(f"dense{i}", kernel, np.zeros(dense.units, np.int64), weight, bias)
        shape = sums.output_shape(shape)
        layers.append(EmptyLayer(sums, _requantise(f"dense{i}_act", dense), dense.initial_bias))
    return tuple(layers)


def _pack(hardware: HardwareConfig, latents: int, latent: FixedFormat) -> Pack:
    """Return the keep masks and links that a configuration asks for; what it leaves open is what fits."""
    keep = hardware.keep
    if keep is None:
        elinks = hardware.elinks or least_elinks(latents * latent.width)
        keep = keep_bits(latents, latent.width, elinks)
    bits = keep if isinstance(keep, tuple) else (keep,) * latents
    if len(bits) != latents:
        raise ConfigError(f"hardware.keep lists {len(bits)} numbers of bits; expected {latents}, one per latent")
    if max(bits) > latent.width:
        raise ConfigError(f"hardware.keep is {max(bits)}; latents of {latent} have {latent.width} bits")
    elinks = hardware.elinks or least_elinks(sum(bits))
    if sum(bits) > frame_capacity(elinks):
        raise ConfigError(
            f"hardware.keep sends {sum(bits)} latent bits, but a frame of {elinks} eLinks carries "
            f"{frame_capacity(elinks)}; keep fewer bits or use more eLinks"
        )
    return Pack(tuple(leading_mask(n, latent.width) for n in bits), elinks)


def check_decoder(config: DecoderConfig, arrangement: Arrangement, cells: int) -> None:
    """Raise ConfigError when the decoder cannot be built.

    Its image must be halved as often as ``filters`` asks and have a pixel for every cell, and ``residual`` needs
    neighbouring hidden layers of equal width.
    """
    if config.residual and all(a != b for a, b in pairwise(config.hidden)):
        raise ConfigError(
            f"decoder.residual adds layers of equal width, but decoder.hidden is {list(config.hidden)}; "
            "expected neighbours of equal width such as [512, 512]"
        )
    if (config.kind == "chain") != bool(config.chain):
        raise ConfigError("decoder.chain lists the layers of decoder.kind = 'chain'; give both, or none of them")
    if config.kind != "conv":
        return
    shrink = 2 ** (len(config.filters) - 1)
    if arrangement.rows % shrink or arrangement.cols % shrink:
        raise ConfigError(
            f"decoder.filters {list(config.filters)} doubles an image {len(config.filters) - 1} times, which cannot "
            f"end at {arrangement.rows}x{arrangement.cols} ({arrangement.name}); give fewer filters"
        )
    if missing := sorted(set(range(cells)) - set(arrangement.cells)):
        raise ConfigError(
            f"arrangement {arrangement.name} has no pixel for trigger cells {missing}; use decoder.kind = 'dense'"
        )


def _check_unrolled(config: RunConfig) -> None:
    """Raise ConfigError for settings that an unrolled decoder has no use for."""
    decoder, prune = config.decoder, config.training.prune
    if decoder.kind != "unrolled":
        return
    if not decoder.hidden:
        raise ConfigError("decoder.hidden = [] leaves decoder.kind = 'unrolled' without steps; give one width per step")
    if decoder.residual or decoder.dropout or decoder.conditioning == "film":
        raise ConfigError(
            "decoder.residual, dropout and conditioning = 'film' do not apply to decoder.kind = 'unrolled'; "
            "leave them out"
        )
    if prune is not None and prune.structured:
        raise ConfigError(
            "training.prune.filters and latents need a decoder whose first layer is dense, "
            "not decoder.kind = 'unrolled'; use 'dense', 'conv' or 'graph'"
        )


def check_conditions(config: RunConfig) -> None:
    """Raise ConfigError when the decoder's conditions contradict other settings."""
    decoder = config.decoder
    if decoder.conditioning == "film" and not decoder.conditions:
        raise ConfigError(
            "decoder.conditioning = 'film' has nothing to go by; give decoder.conditions, or leave it out"
        )
    if decoder.conditioning == "film" and config.encoder.family == "layers" and not decoder.hidden:
        raise ConfigError(
            "decoder.conditioning = 'film' acts on hidden layers and decoder.hidden is empty; use 'concat' or give some"
        )
    if config.training.rotations and (turned := sorted({"u", "v"} & set(decoder.conditions))):
        raise ConfigError(
            f"training.rotations turns images and not the module's place, which decoder.conditions tells "
            f"({', '.join(turned)}); leave one of them out"
        )


def _both(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _requantise(name: str, layer: ConvConfig | DenseConfig) -> Requantise:
    fmt = FixedFormat.parse(layer.activation)
    return Requantise(name, not fmt.signed, fmt, Rounding(layer.rounding), Overflow(layer.overflow))
