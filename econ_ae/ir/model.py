"""The intermediate representation: one frozen dataclass per operation, and the encoder made of them.

Every emitter and the emulator read this and nothing else. All numbers are integers; a format says what they mean.
Activations are laid out (row, column, channel), flattened in that order before the first dense layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.geometry import Arrangement
from econ_ae.ir.cells import Apportion, CellCode, CellOp, Choose, Enumerate, Merge, Order
from econ_ae.ir.layers import (
    Accumulate,
    Conv2D,
    Dense,
    Exact,
    Layer,
    Pack,
    Requantise,
    Shape,
    TrnEach,
    same_padding,
)

__all__ = [
    "CELLS_VERSION",
    "CHARGE",
    "SPEC_VERSION",
    "Accumulate",
    "CellCode",
    "Conv2D",
    "Dense",
    "EncoderModel",
    "Exact",
    "Input",
    "Layer",
    "Normalise",
    "Op",
    "Pack",
    "Requantise",
    "Shape",
    "Stage",
    "TrnEach",
    "as_int_array",
    "same_padding",
]

SPEC_VERSION = 1
"""Of models of layers."""
CELLS_VERSION = 2
"""Of models with operations on cells."""
CHARGE = FixedFormat(signed=False, width=22, fraction=0)
"""A calibrated charge, CALQ (ECON-T, spec 3)."""


@dataclass(frozen=True)
class Input:
    """The encoder's input: trigger-cell charges, and the image that they become.

    Parameters
    ----------
    cells : number of trigger cells
    charge : format of a charge (unsigned, integer)
    arrangement : which cell is at which pixel; operations on cells know cells by their numbers and do not read it
    """

    cells: int
    charge: FixedFormat
    arrangement: Arrangement


@dataclass(frozen=True)
class Normalise:
    """x = (charge << out.fraction) >> floor(log2(sum of charges)); 0 when the sum is 0 (ECON-T, spec 6.2)."""

    out: FixedFormat
    name: str = "normalise"


Op = Normalise | Conv2D | Dense | Requantise | Pack | CellOp


@dataclass(frozen=True)
class Stage:
    """A layer and its requantisation with all shapes and formats resolved: what the emitters loop over."""

    layer: Layer
    requantise: Requantise
    in_shape: Shape
    out_shape: Shape
    in_format: FixedFormat

    @property
    def accumulator_fraction(self) -> int:
        """Fractional bits of the accumulator."""
        if isinstance(self.layer.accumulate, TrnEach):
            return self.layer.accumulate.fraction
        return self.in_format.fraction + self.layer.weight.fraction

    @property
    def product_shift(self) -> int:
        """Bits that each product loses before it is added (0 for exact accumulation)."""
        return self.in_format.fraction + self.layer.weight.fraction - self.accumulator_fraction

    @property
    def bias_shift(self) -> int:
        """Left shift that aligns the bias with the accumulator."""
        return self.accumulator_fraction - self.layer.bias_format.fraction


@dataclass(frozen=True, eq=False)
class EncoderModel:
    """A frozen integer encoder.

    Parameters
    ----------
    name : a Verilog and C identifier
    input : cells, charge format, arrangement
    ops : Normalise, then (Conv2D | Dense, Requantise) pairs, then Pack; or Normalise, Order, Choose, Merge where
        it is wanted, Apportion, Enumerate
    provenance : free text facts (training run hash, quantization rule, ...)

    Notes
    -----
    Two models are equal when their canonical JSON is (``codec.sha256``); ``validate.check`` finds structural errors.
    """

    name: str
    input: Input
    ops: tuple[Op, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    spec_version: int = SPEC_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        for layer in self.layers:
            for array in (layer.kernel, layer.bias):
                array.setflags(write=False)

    @property
    def layers(self) -> list[Layer]:
        """The layers with weights, in order."""
        return [op for op in self.ops if isinstance(op, Conv2D | Dense)]

    @property
    def normalise(self) -> Normalise:
        """The normaliser."""
        op = self.ops[0] if self.ops else None
        if not isinstance(op, Normalise):
            raise ModelError(f"{self.name}: the first operation must be Normalise, not {type(op).__name__}")
        return op

    @property
    def pack(self) -> Pack:
        """The packing of the latents."""
        self._needs_latents("packing")
        op = self.ops[-1] if self.ops else None
        if not isinstance(op, Pack):
            raise ModelError(f"{self.name}: the last operation must be Pack, not {type(op).__name__}")
        return op

    @property
    def sends_cells(self) -> bool:
        """Whether cells are sent as pulses, and not latents."""
        return any(isinstance(op, CellOp) for op in self.ops)

    @cached_property
    def cell_code(self) -> CellCode:
        """The operations on cells.

        Raises
        ------
        ModelError
            When they are not in the one order in which they can follow each other.
        """
        match self.ops[1:]:
            case (
                Order() as order,
                Choose() as choose,
                Merge() as merge,
                Apportion() as apportion,
                Enumerate() as last,
            ):
                return CellCode(order, choose, merge, apportion, last)
            case (Order() as order, Choose() as choose, Apportion() as apportion, Enumerate() as last):
                return CellCode(order, choose, None, apportion, last)
        raise ModelError(
            f"{self.name}: expected Normalise, Order, Choose, Merge (or none), Apportion, Enumerate; "
            f"got {', '.join(type(op).__name__ for op in self.ops)}"
        )

    @property
    def elinks(self) -> int:
        """Output links of 32 bits that are used."""
        return self.cell_code.enumerate.elinks if self.sends_cells else self.pack.elinks

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Every layer with its requantisation, shapes and formats."""
        self._needs_latents("layers")
        return tuple(self._walk())

    def _needs_latents(self, what: str) -> None:
        if self.sends_cells:
            raise ModelError(f"{self.name}: sends cells as pulses and has no {what} of latents; use its cell_code")

    def _walk(self) -> Iterator[Stage]:
        shape: Shape = self.input.arrangement.shape
        fmt = self.normalise.out
        body = self.ops[1:-1]
        if len(body) % 2 or not body:
            raise ModelError(f"{self.name}: between Normalise and Pack every layer needs one Requantise after it")
        for layer, requant in zip(body[::2], body[1::2], strict=True):
            if not isinstance(layer, Conv2D | Dense) or not isinstance(requant, Requantise):
                raise ModelError(
                    f"{self.name}: expected a layer and its Requantise, "
                    f"got {type(layer).__name__} and {type(requant).__name__}"
                )
            out_shape = layer.output_shape(shape)
            yield Stage(layer, requant, shape, out_shape, fmt)
            shape, fmt = out_shape, requant.out

    @property
    def latents(self) -> int:
        """Number of latent values."""
        return math.prod(self.stages[-1].out_shape)

    @property
    def latent(self) -> FixedFormat:
        """Format of a latent."""
        return self.stages[-1].requantise.out

    def with_weights(self, weights: Mapping[str, tuple[IntArray, IntArray]]) -> EncoderModel:
        """Return a copy with other integers: ``{layer name: (kernel, bias)}``, same shapes."""
        ops = tuple(
            replace(op, kernel=weights[op.name][0], bias=weights[op.name][1]) if isinstance(op, Conv2D | Dense) else op
            for op in self.ops
        )
        return replace(self, ops=ops)

    def with_rule(self, limits: Sequence[int], bias: Sequence[Sequence[int]]) -> EncoderModel:
        """Return a copy that chooses by other classes and biases: what ``Choose`` has in registers.

        Raises
        ------
        ModelError
            When the model sends latents; what the numbers must be, ``validate.check`` says.
        """
        old = self.cell_code.choose
        rows = tuple(tuple(int(value) for value in row) for row in bias)
        new = replace(old, limits=tuple(int(limit) for limit in limits), bias=rows)
        return replace(self, ops=tuple(new if op is old else op for op in self.ops))


def as_int_array(values: object) -> IntArray:
    """Return a fresh int64 array of nested integers (helper of the codec and the readers).

    Raises
    ------
    ModelError
        When a number is no integer of 64 bits; numpy would drop its fraction in silence.
    """
    array = np.array(values)
    if array.size and not np.issubdtype(array.dtype, np.signedinteger):
        raise ModelError(f"weights must be nested lists of 64-bit integers, not of {array.dtype}")
    return array.astype(np.int64)
