"""Bit widths that are learned with the weights: the fractional bits of every layer's weights and hidden activations.

The forward pass rounds to whole bits, so it is always that of an ordinary network with ordinary formats. The gradient
of a number of fractional bits f is that of HGQ (Sun et al., arXiv:2405.00645): the rounding error of x shrinks as
2**-f, so dx_q/df = ln 2 * (x - x_q), and the bits cost what the caller says. The configuration's widths are the
largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import EmptyLayer, empty_layers
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import Dense
from econ_ae.training.arithmetic import floored_sum, patches
from econ_ae.training.networks import Networks, build

Price = Callable[[RunConfig], float]
"""Cost of a configuration's encoder, in any unit."""


@dataclass(frozen=True)
class Widths:
    """Fractional bits: of the weights of every layer, and of the outputs of every layer but the last."""

    weights: tuple[int, ...]
    activations: tuple[int, ...]


def widths_of(config: RunConfig) -> Widths:
    """Return the fractional bits of a configuration."""
    fractions = [
        [FixedFormat.parse(text).fraction for text in (one.weight, one.activation)] for one in config.encoder.layers
    ]
    return Widths(tuple(w for w, _ in fractions), tuple(a for _, a in fractions[:-1]))


def with_widths(config: RunConfig, widths: Widths) -> RunConfig:
    """Return the configuration with other fractional bits; integer bits stay."""
    layers = config.encoder.layers
    last = FixedFormat.parse(layers[-1].activation).fraction
    changed = [
        {"weight": _with(one.weight, w), "activation": _with(one.activation, a)}
        for one, w, a in zip(layers, widths.weights, (*widths.activations, last), strict=True)
    ]
    conv = [one.model_copy(update=to) for one, to in zip(config.encoder.conv, changed, strict=False)]
    dense = [one.model_copy(update=to) for one, to in zip(config.encoder.dense, changed[len(conv) :], strict=True)]
    encoder = config.encoder.model_copy(update={"conv": tuple(conv), "dense": tuple(dense)})
    return config.model_copy(update={"encoder": encoder})


def _with(text: str, fraction: int) -> str:
    fmt = FixedFormat.parse(text)
    return str(FixedFormat(fmt.signed, fmt.width - fmt.fraction + fraction, fraction))


def prices(config: RunConfig, widths: Widths, price: Price) -> tuple[list[float], list[float]]:
    """Return what one more fractional bit costs, for weights and activations: the slope at these widths."""
    largest = widths_of(config)

    def slope(kind: str, index: int) -> float:
        values = list(getattr(widths, kind))
        ends = []
        for step in (-1, 1):
            changed = values.copy()
            changed[index] = min(max(values[index] + step, 1), getattr(largest, kind)[index])
            weights, activations = (changed, widths.activations) if kind == "weights" else (widths.weights, changed)
            ends.append((changed[index], price(with_widths(config, Widths(tuple(weights), tuple(activations))))))
        (low, cheap), (high, dear) = ends
        return (dear - cheap) / (high - low) if high > low else 0.0

    return (
        [slope("weights", i) for i in range(len(widths.weights))],
        [slope("activations", i) for i in range(len(widths.activations))],
    )


class Bits(tf.Module):
    """A learned number of fractional bits of a format."""

    def __init__(self, fmt: FixedFormat, name: str) -> None:
        super().__init__(name=name)
        self._fmt = fmt
        self.value = tf.Variable(float(fmt.fraction), name=f"{name}_fraction", dtype=tf.float32)

    @property
    def whole(self) -> Any:
        """Bits now, a tensor."""
        return tf.round(tf.stop_gradient(self.value))

    @property
    def learnable(self) -> bool:
        """Whether there is a smaller number of bits."""
        return self._fmt.fraction > 1

    def limit(self) -> None:
        """Keep the bits between 1 and those of the format."""
        self.value.assign(tf.clip_by_value(self.value, 1.0, max(float(self._fmt.fraction), 1.0)))

    def range(self) -> tuple[Any, Any]:
        """Return the smallest and the largest value."""
        whole = 2.0 ** (self._fmt.width - self._fmt.fraction - self._fmt.signed)
        return (-whole if self._fmt.signed else 0.0), whole - tf.pow(2.0, -self.whole)

    def __call__(self, x: Any) -> Any:
        """Return x rounded to the format, ties to even; the gradient is straight through, and to the bits."""
        scale = tf.pow(2.0, self.whole)
        clipped = tf.clip_by_value(x, *self.range())
        rounded = tf.round(clipped * scale) / scale
        error = tf.stop_gradient(clipped - rounded)
        change = self.value - tf.stop_gradient(self.value)
        return clipped - error + error * math.log(2.0) * change


class _Layer(tf.Module):
    """A layer with learned widths."""

    def __init__(self, layer: EmptyLayer, kernel: Any, bias: Any, *, last: bool, floored: bool) -> None:
        super().__init__(name=layer.sums.name)
        self.op, self.floored, self.last = layer.sums, floored, last
        self.kernel, self.bias = tf.Variable(kernel, name="kernel"), tf.Variable(bias, name="bias")
        self.weight = Bits(layer.sums.weight, "weight")
        self.activation = Bits(layer.activation.out, "activation")

    def __call__(self, x: Any) -> Any:
        kernel, bias = self.weight(self.kernel), self.weight(self.bias)
        if isinstance(self.op, Dense):
            taps = tf.reshape(x, (tf.shape(x)[0], kernel.shape[0]))
        else:
            padding = "same" if any(map(any, self.op.padding)) else "valid"
            taps = patches(x, self.op.kernel.shape[:2], self.op.stride, padding)
            kernel = tf.reshape(kernel, (-1, kernel.shape[-1]))
        total = floored_sum(taps, kernel, self.activation.whole) if self.floored else tf.tensordot(taps, kernel, 1)
        return self.activation(total + bias)

    @property
    def bits(self) -> list[Any]:
        """The learned numbers of bits."""
        found = [self.weight] if self.last else [self.weight, self.activation]
        return [one for one in found if one.learnable]

    def constrain(self) -> None:
        """Keep bits and weights in their ranges."""
        for one in self.bits:
            one.limit()
        for variable in (self.kernel, self.bias):
            variable.assign(tf.clip_by_value(variable, *self.weight.range()))


class LearnedEncoder(tf.Module):
    """An encoder whose widths are trained; called as the Keras encoder is.

    Parameters
    ----------
    config : shape, largest widths, arithmetic and seed
    """

    def __init__(self, config: RunConfig, geometry: WaferGeometry) -> None:
        super().__init__(name="learned_encoder")
        layers = empty_layers(config.encoder, geometry.arrangement(config.encoder.arrangement))
        for one in layers:
            if (one.activation.rounding, one.activation.overflow) != (Rounding.RND_CONV, Overflow.SAT):
                raise ConfigError(
                    f"encoder: {one.sums.name} has rounding or overflow of its own; learned widths round to nearest "
                    "and saturate: leave both out"
                )
        floored = config.hardware.accumulate == "trn_each" and config.training.arithmetic == "hardware"
        start = build(config, geometry).encoder
        self.layers = []
        for i, layer in enumerate(layers):
            kernel, bias = start.get_layer(layer.sums.name).get_weights()
            self.layers.append(_Layer(layer, kernel, bias, last=i == len(layers) - 1, floored=floored))

    def __call__(self, images: Any, *, training: bool = False) -> Any:  # noqa: ARG002  # as a Keras model
        """Return the latents, float32 (n, latents), of images, float32 (n, rows, cols, channels)."""
        x = images
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def trainable_variables(self) -> list[Any]:
        """Weights, and the bits that can become fewer."""
        weights = [variable for layer in self.layers for variable in (layer.kernel, layer.bias)]
        return weights + [one.value for layer in self.layers for one in layer.bits]

    def widths(self) -> Widths:
        """Return the whole bits now."""
        weights = tuple(int(layer.weight.whole) for layer in self.layers)
        return Widths(weights, tuple(int(layer.activation.whole) for layer in self.layers[:-1]))

    def cost(self, weights: Sequence[Any], activations: Sequence[Any]) -> Any:
        """Return the bits times their prices, whose gradient is the price of a bit."""
        pairs = [(layer.weight, one) for layer, one in zip(self.layers, weights, strict=True)]
        pairs += [(layer.activation, one) for layer, one in zip(self.layers[:-1], activations, strict=True)]
        return tf.add_n([bits.value * one for bits, one in pairs])

    def constrain(self) -> None:
        """Keep bits and weights in their ranges."""
        for layer in self.layers:
            layer.constrain()

    def ordinary(self, config: RunConfig, geometry: WaferGeometry) -> Networks:
        """Return the QKeras networks of ``with_widths(config, self.widths())`` with these weights of the encoder."""
        networks = build(with_widths(config, self.widths()), geometry)
        for layer in self.layers:
            networks.encoder.get_layer(layer.op.name).set_weights([layer.kernel.numpy(), layer.bias.numpy()])
        return networks
