"""The weight image: every weight of a model as one bit vector, in the order of the chip's registers.

Layer by layer: a convolution's kernel as [row][col][channel][filter] with the filter running fastest, then its bias;
a dense kernel as [output][input] (output-major), then its bias. The first number is in the least significant bits.
For the 8x8x1 encoder with 6-bit weights this is the 12,864-bit image of the ECON-T's 12 weight blocks (spec 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.model import Conv2D, EncoderModel, Layer


@dataclass(frozen=True)
class WeightField:
    """A run of equally wide numbers in the weight image.

    Parameters
    ----------
    layer : name of the layer
    kind : ``kernel`` or ``bias``
    format : format of each number
    count : how many numbers
    offset : bit position of the first number's least significant bit
    """

    layer: str
    kind: str
    format: FixedFormat
    count: int
    offset: int

    @property
    def bits(self) -> int:
        """Bits that the field takes."""
        return self.count * self.format.width


def fields(model: EncoderModel) -> tuple[WeightField, ...]:
    """Return the layout of the model's weight image."""
    out: list[WeightField] = []
    offset = 0
    for layer in model.layers:
        for kind, fmt, count in (
            ("kernel", layer.weight, layer.kernel.size),
            ("bias", layer.bias_format, layer.bias.size),
        ):
            out.append(WeightField(layer.name, kind, fmt, count, offset))
            offset += out[-1].bits
    return tuple(out)


def image_bits(model: EncoderModel) -> int:
    """Return the number of bits in the model's weight image."""
    return sum(f.bits for f in fields(model))


def flat_kernel(layer: Layer) -> IntArray:
    """Return the kernel's numbers in image order, int64 (size,)."""
    return (layer.kernel if isinstance(layer, Conv2D) else layer.kernel.T).reshape(-1)


def _to_bits(values: IntArray, width: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Bits of every value, least significant first: uint8 (values * width,)."""
    return ((values[:, None] >> np.arange(width)) & 1).astype(np.uint8).reshape(-1)


def pack(model: EncoderModel) -> bytes:
    """Return the weight image as little-endian bytes: bit n of the image is bit n % 8 of byte n // 8."""
    bits = [
        part
        for layer in model.layers
        for part in (
            _to_bits(flat_kernel(layer), layer.weight.width),
            _to_bits(layer.bias, layer.bias_format.width),
        )
    ]
    return np.packbits(np.concatenate(bits), bitorder="little").tobytes()


def unpack(model: EncoderModel, image: bytes) -> EncoderModel:
    """Return ``model`` with the weights of a weight image; ModelError when the image has another length."""
    expected = -(-image_bits(model) // 8)
    if len(image) != expected:
        raise ModelError(f"weight image of {len(image)} bytes; {model.name} needs {expected}")
    bits = np.unpackbits(np.frombuffer(image, dtype=np.uint8), bitorder="little").astype(np.int64)
    numbers: dict[tuple[str, str], IntArray] = {}
    for f in fields(model):
        raw = bits[f.offset : f.offset + f.bits].reshape(f.count, f.format.width)
        values = raw @ (np.int64(1) << np.arange(f.format.width, dtype=np.int64))
        if f.format.signed:
            values = values - (raw[:, -1] << f.format.width)
        numbers[f.layer, f.kind] = values
    weights = {}
    for layer in model.layers:
        flat = numbers[layer.name, "kernel"]
        if isinstance(layer, Conv2D):
            kernel = flat.reshape(layer.kernel.shape)
        else:
            kernel = flat.reshape(layer.kernel.shape[::-1]).T.copy()
        weights[layer.name] = (kernel, numbers[layer.name, "bias"])
    return model.with_weights(weights)
