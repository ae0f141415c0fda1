"""A network as a list of operations on float32 tensors of one event, from which every export is made.

The shapes are those of one event; an exporter puts the batch in front of them. All weights are constants of the
program, so that it needs nothing of the framework that trained it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[np.float32]

ElementwiseKind = Literal["add", "sub", "mul", "div", "min", "max", "equal", "at_least"]
FunctionKind = Literal["relu", "sigmoid", "softmax", "softplus", "tanh", "exp", "log", "abs", "floor", "round_even"]


@dataclass(frozen=True)
class Value:
    """A tensor of a program: its name, its shape without the batch, and whether it is the same for all events."""

    name: str
    shape: Shape
    constant: bool = False


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers that are the same for all events."""

    values: Array


@dataclass(frozen=True)
class Elementwise:
    """Two tensors, one value each; axes of size 1 are repeated. ``equal`` and ``at_least`` give 1 or 0."""

    kind: ElementwiseKind


@dataclass(frozen=True)
class Function:
    """A function of every value; ``softmax`` over the last axis, ``round_even`` to nearest, ties to even."""

    kind: FunctionKind


@dataclass(frozen=True)
class MatMul:
    """Matrix product of the last two axes; one of the two is a constant matrix."""


@dataclass(frozen=True)
class Reduce:
    """Sum or mean over an axis, which stays with size 1."""

    kind: Literal["sum", "mean"]
    axis: int


@dataclass(frozen=True)
class Slice:
    """Part of the last axis."""

    start: int
    stop: int


@dataclass(frozen=True)
class Concat:
    """Several tensors beside each other along the last axis."""


@dataclass(frozen=True)
class Reshape:
    """The same values in another shape."""

    shape: Shape


@dataclass(frozen=True, eq=False)
class Pick:
    """Values of a vector by their index; the result has the shape of the indices."""

    indices: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Convolve:
    """A convolution of an image (rows, cols, channels), or with ``transposed`` what is the gradient of one.

    Parameters
    ----------
    kernel : (rows, cols, channels of the input, channels of the output)
    bias : one per channel of the output
    stride : (rows, cols)
    padding : ((top, bottom), (left, right)) zeros around the input; cut off the output when transposed
    """

    kernel: Array
    bias: Array
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    transposed: bool = False


Op = Constant | Elementwise | Function | MatMul | Reduce | Slice | Concat | Reshape | Pick | Convolve


@dataclass(frozen=True)
class Step:
    """One operation: of which values it makes which."""

    op: Op
    inputs: tuple[Value, ...]
    output: Value


@dataclass(frozen=True)
class Program:
    """Steps in an order in which they can be done.

    Parameters
    ----------
    name : an identifier
    inputs : what is given of an event
    steps : each reads inputs and outputs of earlier ones
    outputs : (name, value) of what is wanted
    """

    name: str
    inputs: tuple[Value, ...]
    steps: tuple[Step, ...]
    outputs: tuple[tuple[str, Value], ...]
