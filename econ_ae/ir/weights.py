"""The weight image: every learned number of a model as one bit vector, in the order of the chip's registers.

Layer by layer: a convolution's kernel as [row][col][channel][filter] with the filter running fastest, then its bias;
a dense kernel as [output][input] (output-major), then its bias. The first number is in the least significant bits.
For the 8x8x1 encoder with 6-bit weights this is the 12,864-bit image of the ECON-T's 12 weight blocks (spec 7).

A model that sends cells has the numbers of its ``Choose``: the limits in rising order, each as wide as the number of
cells (48 cells: 6 bits), then the biases [class][mode] with the mode running fastest, each of ``bias_fraction`` bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.model import Conv2D, EncoderModel, Layer
from econ_ae.ir.validate_cells import rule_errors


@dataclass(frozen=True)
class WeightField:
    """A run of equally wide numbers in the weight image.

    Parameters
    ----------
    layer : name of the layer, or of the operation that chooses the mode
    kind : ``kernel``, ``bias`` or ``limits``
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
    for name, kind, fmt, values in _numbers(model):
        if values.size:  # one class has no limits
            out.append(WeightField(name, kind, fmt, values.size, offset))
            offset += out[-1].bits
    return tuple(out)


def _numbers(model: EncoderModel) -> Iterator[tuple[str, str, FixedFormat, IntArray]]:
    """Yield name, kind, format and numbers in image order, int64 (count,), of every run of the image."""
    for layer in model.layers:
        yield layer.name, "kernel", layer.weight, flat_kernel(layer)
        yield layer.name, "bias", layer.bias_format, layer.bias
    if model.sends_cells:
        op = model.cell_code.choose
        limit = FixedFormat(signed=False, width=model.input.cells.bit_length(), fraction=0)
        yield op.name, "limits", limit, np.array(op.limits, np.int64)
        bias = FixedFormat(signed=False, width=op.bias_fraction, fraction=op.bias_fraction)
        yield op.name, "bias", bias, np.array(op.bias, np.int64).reshape(-1)


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
    bits = [_to_bits(values, fmt.width) for _, _, fmt, values in _numbers(model)]
    return np.packbits(np.concatenate(bits), bitorder="little").tobytes()


def unpack(model: EncoderModel, image: bytes) -> EncoderModel:
    """Return ``model`` with the numbers of a weight image.

    Raises
    ------
    ModelError
        When the image has another length, or limits that no model of cells may have.
    """
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
    if model.sends_cells:
        return _with_rule(model, numbers)
    weights = {}
    for layer in model.layers:
        flat = numbers[layer.name, "kernel"]
        if isinstance(layer, Conv2D):
            kernel = flat.reshape(layer.kernel.shape)
        else:
            kernel = flat.reshape(layer.kernel.shape[::-1]).T.copy()
        weights[layer.name] = (kernel, numbers[layer.name, "bias"])
    return model.with_weights(weights)


def _with_rule(model: EncoderModel, numbers: dict[tuple[str, str], IntArray]) -> EncoderModel:
    op = model.cell_code.choose
    bias = numbers[op.name, "bias"].reshape(-1, len(op.modes))
    limits = numbers.get((op.name, "limits"), np.zeros(0, np.int64))
    changed = model.with_rule(limits.tolist(), bias.tolist())
    found = rule_errors(changed.cell_code.choose, model.input.cells)
    if found:
        raise ModelError(f"weight image of {model.name}: " + "; ".join(found))
    return changed
