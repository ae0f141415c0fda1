"""An encoder that is read layer by layer: shapes, formats, float weights, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from econ_ae.app.imported.quantizers import Quantizer
from econ_ae.app.imported.settings import Choice
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.geometry import LOW_DENSITY, Arrangement
from econ_ae.ir.model import Conv2D, Dense, Exact, same_padding

INPUT = FixedFormat.parse("u1.7")
"""What the chip's normaliser gives."""
Pads = tuple[tuple[int, int], tuple[int, int]]
NO_PADS: Pads = ((0, 0), (0, 0))


@dataclass
class Stage:
    """A convolution (stride and padding are given) or a dense layer, and what follows it.

    Parameters
    ----------
    kernel, bias : float, inside their formats
    """

    name: str
    kernel: Array
    bias: Array
    weight: FixedFormat
    bias_format: FixedFormat
    stride: int | tuple[int, int] = 0
    padding: Pads = NO_PADS
    same: bool = False
    relu: bool = False
    out: FixedFormat | None = None
    rounding: Rounding = Rounding.RND_CONV
    overflow: Overflow = Overflow.SAT

    @property
    def strides(self) -> tuple[int, int]:
        """Rows and columns from one output to the next."""
        return (self.stride, self.stride) if isinstance(self.stride, int) else self.stride

    @property
    def conv(self) -> bool:
        """Whether it is a convolution."""
        return bool(self.stride)


@dataclass
class Encoder:
    """An encoder as it was read.

    Parameters
    ----------
    arrangement : its image
    kept : leading bits of every latent, where the file says
    messages : what was assumed or left out, a sentence each
    """

    arrangement: Arrangement
    choice: Choice
    shape: tuple[int, ...]
    stages: list[Stage] = field(default_factory=list)
    kept: int | None = None
    messages: list[str] = field(default_factory=list)
    pads: Pads | None = None
    scale: int = 0
    floored: int | None = None

    def say(self, text: str) -> None:
        """Note what was assumed."""
        if text not in self.messages:
            self.messages.append(text)


def arrangement_of(shape: Sequence[int], source: str) -> tuple[Arrangement, Pads | None]:
    """Return which image an input is, and zeros that are already around it; ModelError when it is none."""
    rows, cols, channels = (*shape, 1) if len(shape) == 2 else tuple(shape) if len(shape) == 3 else (0, 0, 0)
    for one in LOW_DENSITY.arrangements.values():
        if one.shape == (rows, cols, channels):
            return one, None
        if (rows - 1, cols - 1, channels) == one.shape:
            return one, ((0, 1), (0, 1))
    known = ", ".join(LOW_DENSITY.arrangements)
    raise ModelError(f"{source}: its input is {'x'.join(map(str, shape))}; expected an image {known}")


def finished(found: Encoder) -> Encoder:
    """Give every layer its format, and check that there is one; ModelError where none is known."""
    if not found.stages or found.stages[-1].conv:
        raise ModelError("the last layer must be dense: its outputs are the latents")
    for stage in found.stages:
        last = stage is found.stages[-1]
        if stage.out is None:
            text, option = (
                (found.choice.latent, "--latent-format") if last else (found.choice.activation, "--activation-format")
            )
            if text is None:
                raise ModelError(
                    f"layer {stage.name!r} is followed by no quantizer; expected a QActivation, or give {option}, for "
                    f"example {'u1.8' if last else 'u2.7'}"
                )
            stage.out = FixedFormat.parse(text)
        if stage.relu and stage.out.signed:  # what is left of a signed format above 0
            stage.out = FixedFormat(False, stage.out.width - 1, stage.out.fraction)
        if not stage.relu and not stage.out.signed:
            stage.relu = True
    if found.scale:
        raise ModelError(
            f"the latents come out multiplied by 2^{found.scale}; expected a division by the same number behind it"
        )
    if found.floored is not None:
        latent = found.stages[-1].out
        assert latent is not None
        found.kept = latent.width - max(latent.fraction - found.floored, 0)
    return found


def add_conv(found: Encoder, stage: Stage, *, same: bool) -> None:
    """Put a convolution behind what there is: padding as TensorFlow does it, besides zeros that are there already."""
    around, found.pads = found.pads or NO_PADS, None
    padded = tuple(n + sum(p) for n, p in zip(found.shape, around, strict=False))
    own = tuple(_own(stage, padded) if same else NO_PADS)
    rows, cols = (tuple(a + b for a, b in zip(p, q, strict=True)) for p, q in zip(around, own, strict=True))
    stage.padding = ((rows[0], rows[1]), (cols[0], cols[1]))
    stage.same = stage.padding == _own(stage, found.shape[:2])
    op = Conv2D(
        stage.name,
        np.zeros(stage.kernel.shape, np.int64),
        np.zeros(stage.kernel.shape[-1], np.int64),
        stage.weight,
        stage.bias_format,
        stage.strides,
        stage.padding,
        Exact(),
    )
    found.shape = op.output_shape(found.shape)
    found.stages.append(stage)


def _own(stage: Stage, size: Sequence[int]) -> Pads:
    """Return the zeros that TensorFlow's 'same' padding adds."""
    sizes = zip(size, stage.kernel.shape[:2], stage.strides, strict=True)
    rows, cols = (same_padding(n, k, s) for n, k, s in sizes)
    return rows, cols


def add_dense(found: Encoder, stage: Stage) -> None:
    """Put a dense layer behind what there is; ModelError when it expects another number of inputs."""
    if found.floored is not None or found.scale:
        raise ModelError(f"layer {stage.name!r} follows a floor, or a factor; expected these behind the last layer")
    op = Dense(
        stage.name, np.zeros(stage.kernel.shape, np.int64), np.zeros(0, np.int64), stage.weight, stage.bias_format
    )
    found.shape = op.output_shape(found.shape)
    found.stages.append(stage)


def inside(values: Array, one: Quantizer) -> Array:
    """Return float weights inside what a quantizer can give, where it saturates."""
    step = 2.0**-one.format.fraction
    low = -one.format.max if one.symmetric else one.format.min
    return np.clip(values, low * step, one.format.max * step)
