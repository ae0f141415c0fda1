"""Writes a program step by step, and finds wrong shapes while it does."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import ModelError
from econ_ae.tensor.program import (
    Concat,
    Constant,
    Convolve,
    Elementwise,
    ElementwiseKind,
    Function,
    FunctionKind,
    MatMul,
    Op,
    Pick,
    Program,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Step,
    Value,
)

Operand = Value | ArrayLike


class Builder:
    """A program that grows.

    Every method adds one step and returns its value; numbers and arrays among the operands become constants.
    ModelError when shapes do not go together.

    Parameters
    ----------
    name : of the program
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._inputs: list[Value] = []
        self._steps: list[Step] = []

    def input(self, name: str, shape: Shape) -> Value:
        """Add an input."""
        value = Value(name, shape)
        self._inputs.append(value)
        return value

    def constant(self, values: ArrayLike) -> Value:
        """Add numbers, rounded to float32."""
        array = np.array(values, np.float32)
        array.setflags(write=False)
        return self._add(Constant(array), (), array.shape, constant=True)

    def elementwise(self, kind: ElementwiseKind, a: Operand, b: Operand) -> Value:
        """Add an operation on two tensors; two that change from event to event have equally many axes."""
        left, right = self._value(a), self._value(b)
        both = not (left.constant or right.constant)
        varying = max((v for v in (left, right) if not v.constant), key=lambda v: len(v.shape), default=None)
        fits = varying is not None and max(len(left.shape), len(right.shape)) == len(varying.shape)
        if not fits or (both and len(left.shape) != len(right.shape)):
            raise ModelError(f"{self.name}: {kind} of tensors of shapes {left.shape} and {right.shape}")
        try:
            shape = np.broadcast_shapes(left.shape, right.shape)
        except ValueError as problem:
            raise ModelError(f"{self.name}: {kind} of tensors of shapes {left.shape} and {right.shape}") from problem
        return self._add(Elementwise(kind), (left, right), shape)

    def add(self, a: Operand, b: Operand) -> Value:
        """Return a + b."""
        return self.elementwise("add", a, b)

    def sub(self, a: Operand, b: Operand) -> Value:
        """Return a - b."""
        return self.elementwise("sub", a, b)

    def mul(self, a: Operand, b: Operand) -> Value:
        """Return a * b."""
        return self.elementwise("mul", a, b)

    def div(self, a: Operand, b: Operand) -> Value:
        """Return a / b."""
        return self.elementwise("div", a, b)

    def clip(self, x: Value, low: float, high: float) -> Value:
        """Return min(max(x, low), high)."""
        return self.elementwise("min", self.elementwise("max", x, low), high)

    def function(self, kind: FunctionKind, x: Value) -> Value:
        """Add a function of every value."""
        return self._add(Function(kind), (x,), x.shape)

    def matmul(self, a: Operand, b: Operand) -> Value:
        """Add a product with a constant matrix, which may be either factor."""
        left, right = self._value(a), self._value(b)
        matrix, other = (right, left) if right.constant else (left, right)
        inner = left.shape[-1], right.shape[-2 if len(right.shape) > 1 else 0]
        if not matrix.constant or other.constant or len(matrix.shape) != 2 or inner[0] != inner[1]:
            raise ModelError(f"{self.name}: product of matrices of shapes {left.shape} and {right.shape}")
        shape = (*left.shape[:-1], right.shape[-1])
        return self._add(MatMul(), (left, right), shape)

    def reduce(self, kind: str, x: Value, axis: int) -> Value:
        """Add a ``sum`` or ``mean`` over an axis, which stays with size 1."""
        shape = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
        return self._add(Reduce("sum" if kind == "sum" else "mean", axis), (x,), shape)

    def slice(self, x: Value, start: int, stop: int) -> Value:
        """Add a part of the last axis."""
        return self._add(Slice(start, stop), (x,), (*x.shape[:-1], stop - start))

    def concat(self, parts: Sequence[Value]) -> Value:
        """Put tensors that change from event to event beside each other along the last axis."""
        parts = [part for part in parts if part.shape[-1]]
        if len(parts) == 1:
            return parts[0]
        width = sum(part.shape[-1] for part in parts)
        return self._add(Concat(), tuple(parts), (*parts[0].shape[:-1], width))

    def reshape(self, x: Value, shape: Shape) -> Value:
        """Give a tensor another shape."""
        if math.prod(shape) != math.prod(x.shape):
            raise ModelError(f"{self.name}: {x.shape} cannot have the shape {shape}")
        return x if shape == x.shape else self._add(Reshape(shape), (x,), shape)

    def pick(self, x: Value, indices: NDArray[np.integer] | Sequence[int]) -> Value:
        """Add a choice of the values of a vector."""
        chosen = np.array(indices, np.int64)
        return self._add(Pick(chosen), (x,), chosen.shape)

    def convolve(self, x: Value, op: Convolve) -> Value:
        """Add a convolution."""
        axes = zip(x.shape[:2], op.kernel.shape[:2], op.stride, op.padding, strict=True)
        if op.transposed:
            rows, cols = ((n - 1) * s + k - sum(pad) for n, k, s, pad in axes)
        else:
            rows, cols = ((n + sum(pad) - k) // s + 1 for n, k, s, pad in axes)
        return self._add(op, (x,), (rows, cols, op.kernel.shape[3]))

    def program(self, outputs: Sequence[tuple[str, Value]]) -> Program:
        """Return what was written."""
        return Program(self.name, tuple(self._inputs), tuple(self._steps), tuple(outputs))

    def _value(self, operand: Operand) -> Value:
        return operand if isinstance(operand, Value) else self.constant(operand)

    def _add(self, op: Op, inputs: tuple[Value, ...], shape: Shape, *, constant: bool = False) -> Value:
        value = Value(f"v{len(self._steps)}", tuple(shape), constant)
        self._steps.append(Step(op, inputs, value))
        return value
