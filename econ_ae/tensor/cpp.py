"""A program as plain C++: a class that computes one event, with its weights built in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.tensor.program import (
    Concat,
    Constant,
    Convolve,
    Elementwise,
    Function,
    MatMul,
    Pick,
    Program,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Step,
    Value,
)
from econ_ae.texts import renderer

OPERATIONS = "tensor_ops.h"
_render = renderer(Path(__file__).parent / "templates")
_AXES = 3
_PER_LINE = 8

_ELEMENTWISE = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "min": "std::min(a, b)",
    "max": "std::max(a, b)",
    "equal": "a == b ? 1.0f : 0.0f",
    "at_least": "a >= b ? 1.0f : 0.0f",
}
_FUNCTIONS = {
    "relu": "std::max(x, 0.0f)",
    "sigmoid": "1.0f / (1.0f + std::exp(-x))",
    "softplus": "std::max(x, 0.0f) + std::log1p(std::exp(-std::fabs(x)))",
    "tanh": "std::tanh(x)",
    "exp": "std::exp(x)",
    "log": "std::log(x)",
    "abs": "std::fabs(x)",
    "floor": "std::floor(x)",
    "round_even": "std::nearbyint(x)",
}


@dataclass(frozen=True)
class _Table:
    name: str
    type: str
    count: int
    text: str


@dataclass
class _Source:
    names: dict[str, str] = field(default_factory=dict)
    constants: list[_Table] = field(default_factory=list)
    buffers: list[Value] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def table(self, values: NDArray[np.generic], name: str | None = None) -> str:
        name = name or f"c{len(self.constants)}_"
        whole = np.issubdtype(values.dtype, np.integer)
        numbers = [str(int(v)) if whole else _float(float(v)) for v in values.ravel()]
        rows = [", ".join(numbers[i : i + _PER_LINE]) for i in range(0, len(numbers), _PER_LINE)]
        text = "".join(f"    {row},\n" for row in rows)
        self.constants.append(_Table(name, "int" if whole else "float", len(numbers), text))
        return name

    def call(self, function: str, step: Step, sizes: tuple[int, ...], *, before: str = "", after: str = "") -> None:
        given = [self.names[value.name] for value in step.inputs]
        arguments = [*given, *([before] if before else []), self.output(step), *([after] if after else [])]
        self.lines.append(f"tensor::{function}<{', '.join(map(str, sizes))}>({', '.join(arguments)});")

    def output(self, step: Step) -> str:
        if step.output.name not in self.names:
            self.names[step.output.name] = step.output.name
            self.buffers.append(step.output)
        return self.names[step.output.name]


def to_cpp(program: Program, name: str, space: str) -> dict[str, str]:
    """Return the files of a program: ``<name>.h``, ``<name>.cpp`` and ``tensor_ops.h``, C++14.

    Parameters
    ----------
    name : of the class, whose ``run`` takes pointers to the inputs and then to the outputs, in the program's order
    space : namespace
    """
    source = _Source({value.name: f"in_{value.name}" for value in program.inputs})
    for step in program.steps:
        _HANDLERS[type(step.op)](source, step)
    for output, value in program.outputs:
        source.lines.append(f"tensor::map<{_size(value.shape)}>({source.names[value.name]}, out_{output}, "
                            "[](float x) { return x; });")  # fmt: skip
    parameters = [f"const float *in_{value.name}" for value in program.inputs]
    parameters += [f"float *out_{output}" for output, _ in program.outputs]
    values = {
        "name": name,
        "space": space,
        "header": f"{name}.h",
        "operations": OPERATIONS,
        "inputs": program.inputs,
        "outputs": program.outputs,
        "parameters": ", ".join(parameters),
        "size": _size,
        "constants": source.constants,
        "buffers": source.buffers,
        "lines": source.lines,
    }
    return {
        f"{name}.h": _render("network.h", guard=f"{space}_{name}_H".upper(), **values),
        f"{name}.cpp": _render("network.cpp", **values),
        OPERATIONS: _render(OPERATIONS, guard=f"{space}_TENSOR_OPS_H".upper(), space=space),
    }


def _size(shape: Shape) -> int:
    return math.prod(shape)


def _float(value: float) -> str:
    text = f"{value:.9g}"
    return text + ("f" if any(c in text for c in ".e") else ".0f")


def _constant(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Constant)
    source.names[step.output.name] = source.table(step.op.values, f"{step.output.name}_")


def _elementwise(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Elementwise)
    shape = (1,) * (_AXES - len(step.output.shape)) + step.output.shape
    steps = [n for value in step.inputs for n in _steps(value.shape)]
    function = f"[](float a, float b) {{ return {_ELEMENTWISE[step.op.kind]}; }}"
    source.call("zip", step, (*shape, *steps), after=function)


def _steps(shape: Shape) -> list[int]:
    padded = (1,) * (_AXES - len(shape)) + shape
    return [math.prod(padded[i + 1 :]) if size > 1 else 0 for i, size in enumerate(padded)]


def _function(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Function)
    shape = step.output.shape
    if step.op.kind == "softmax":
        source.call("softmax", step, (_size(shape[:-1]), shape[-1]))
        return
    source.call("map", step, (_size(shape),), after=f"[](float x) {{ return {_FUNCTIONS[step.op.kind]}; }}")


def _matmul(source: _Source, step: Step) -> None:
    left, right = step.inputs
    source.call("product", step, (_size(left.shape[:-1]), left.shape[-1], right.shape[-1]))


def _reduce(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Reduce)
    shape, axis = step.inputs[0].shape, step.op.axis
    sizes = (_size(shape[:axis]), shape[axis], _size(shape[axis + 1 :]))
    factor = _float(1.0) if step.op.kind == "sum" else f"1.0f / {shape[axis]}"
    source.call("sum", step, sizes, after=factor)


def _slice(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Slice)
    shape, width = step.inputs[0].shape, step.op.stop - step.op.start
    source.call("columns", step, (_size(shape[:-1]), shape[-1], step.op.start, width, width, 0))


def _concat(source: _Source, step: Step) -> None:
    out, at = source.output(step), 0
    rows, total = _size(step.output.shape[:-1]), step.output.shape[-1]
    for value in step.inputs:
        width = value.shape[-1]
        sizes = ", ".join(map(str, (rows, width, 0, width, total, at)))
        source.lines.append(f"tensor::columns<{sizes}>({source.names[value.name]}, {out});")
        at += width


def _reshape(source: _Source, step: Step) -> None:
    source.names[step.output.name] = source.names[step.inputs[0].name]


def _pick(source: _Source, step: Step) -> None:
    assert isinstance(step.op, Pick)
    source.call("pick", step, (_size(step.output.shape),), before=source.table(step.op.indices))


def _convolve(source: _Source, step: Step) -> None:
    op = step.op
    assert isinstance(op, Convolve)
    (top, _), (left, _) = op.padding
    numbers = (*step.inputs[0].shape, *step.output.shape, *op.kernel.shape[:2], *op.stride, top, left)
    window = f"tensor::Window{{{', '.join(map(str, numbers))}}}"
    kernel, bias = source.table(op.kernel), source.table(op.bias)
    given = source.names[step.inputs[0].name]
    kind = str(op.transposed).lower()
    source.lines.append(f"tensor::convolve<{kind}>({window}, {given}, {kernel}, {bias}, {source.output(step)});")


_HANDLERS: dict[type, Callable[[_Source, Step], None]] = {
    Constant: _constant,
    Elementwise: _elementwise,
    Function: _function,
    MatMul: _matmul,
    Reduce: _reduce,
    Slice: _slice,
    Concat: _concat,
    Reshape: _reshape,
    Pick: _pick,
    Convolve: _convolve,
}
