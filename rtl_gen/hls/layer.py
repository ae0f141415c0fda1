"""What the templates need to know of one layer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding, bits_for
from econ_ae.ir.model import Conv2D, Stage
from econ_ae.ir.ranges import accumulator_format, accumulator_range
from rtl_gen.hls.options import INCREMENT, HlsOptions
from rtl_gen.hls.types import Native, native, product_format, rounded

_MOST_SHIFT = 60  # the increment of a longer one does not fit a machine integer


def layer(stage: Stage, options: HlsOptions) -> dict[str, Any]:
    """Return names, types, sizes and loop bounds of a layer and its requantisation."""
    op, requantise = stage.layer, stage.requantise
    shift = stage.accumulator_fraction - requantise.out.fraction
    increment = options.half_even == INCREMENT and 0 < shift <= _MOST_SHIFT and requantise.rounding is Rounding.RND_CONV
    accumulator, product = _accumulator(stage, shift if increment else 0), product_format(stage)
    if requantise.rounding is Rounding.RND_CONV and accumulator.width <= shift:
        # AP_RND_CONV reads the lowest bit that stays, also where that is beyond the sum's sign.
        accumulator = FixedFormat(True, shift + 1, accumulator.fraction)
    machine = native(stage, accumulator)
    out = {
        "op": op,
        "name": op.name,
        "label": op.name.upper(),
        "convolution": isinstance(op, Conv2D),
        "title": f"{type(op).__name__} {op.name}, {stage.in_shape} -> {stage.out_shape}",
        "inputs": math.prod(stage.in_shape),
        "outputs": math.prod(stage.out_shape),
        "in_format": stage.in_format,
        "product_format": product,
        "accumulator_format": accumulator,
        "out_format": requantise.out,
        "rounded_type": rounded(
            options.flavour, replace(requantise, rounding=Rounding.TRN) if increment else requantise
        ),
        "increment": _increment(shift, machine) if increment else "",
        "native": machine,
        "product_shift": min(stage.product_shift, machine.bits - 1),  # a longer shift gives the same
        "bias_factor": 1 << stage.bias_shift,
        "requantise": requantise.name,
        "relu": requantise.relu,
        "steps": _steps(stage),
        "kernel_shape": op.kernel.shape if isinstance(op, Conv2D) else op.kernel.shape[::-1],
    }
    return out | (_convolution(stage, op) if isinstance(op, Conv2D) else _dense(stage))


def _increment(shift: int, machine: Native) -> str:
    """Return what is added before ``shift`` bits are dropped: just below half, and one more for an odd result."""
    below_half = f"{(1 << (shift - 1)) - 1}{machine.suffix} + " if shift > 1 else ""
    return f"{below_half}(value >> {shift} & 1)"


def _accumulator(stage: Stage, dropped: int) -> FixedFormat:
    """Return the format of the sum; with room for the increment when ``dropped`` bits are rounded by one."""
    exact = accumulator_format(stage)
    if not dropped:
        return exact
    low, high = accumulator_range(stage)
    _, width = bits_for(min(low, -1), max(high, 0) + (1 << (dropped - 1)))
    return FixedFormat(True, width, exact.fraction)


def _convolution(stage: Stage, op: Conv2D) -> dict[str, Any]:
    rows, cols, channels = stage.in_shape
    out_rows, out_cols, _ = stage.out_shape
    (top, bottom), (left, right) = op.padding
    padded = bool(top or left or _overhang(op, stage))
    reads = sum(
        _inside(r * op.stride[0] + i - top, rows) * _inside(c * op.stride[1] + j - left, cols)
        for r in range(out_rows)
        for c in range(out_cols)
        for i in range(op.kernel.shape[0])
        for j in range(op.kernel.shape[1])
    )
    return {
        "kernel_order": "[row][col][channel][filter]",
        "summary": f"kernel {op.kernel.shape[0]}x{op.kernel.shape[1]}, stride {op.stride}, "
        f"zeros above {top}, below {bottom}, left {left}, right {right}",
        "in_shape": stage.in_shape,
        "out_shape": stage.out_shape,
        "pixel": ", ".join(
            [f"r = {_window('row', 'i', op.stride[0], top)}"] * (padded or rows > 1)
            + [f"c = {_window('col', 'j', op.stride[1], left)}"] * (padded or cols > 1)
        ),
        "in_index": _index([("r", rows), ("c", cols), ("channel", channels)]),
        "out_index": _index([("row", out_rows), ("col", out_cols), ("filter", op.bias.size)]),
        "tap_index": _index(list(zip(("i", "j", "channel", "filter"), op.kernel.shape, strict=True))),
        "padded": padded,
        "multiplications": reads * channels * op.bias.size,
    }


def _window(place: str, tap: str, stride: int, before: int) -> str:
    """Return the C++ expression of the row or column that a tap reads."""
    start = place if stride == 1 else f"{stride} * {place}"
    return f"{start} + {tap}" + (f" - {before}" if before else "")


def _index(axes: list[tuple[str, int]]) -> str:
    """Return the C++ expression of a flattened index over (variable, size) axes, the last one fastest."""
    text = ""
    for name, size in axes:
        if size > 1 and text:
            text = f"({text}) * {size} + {name}" if " " in text else f"{text} * {size} + {name}"
        elif size > 1:
            text = name
    return text or "0"


def _inside(index: int, size: int) -> bool:
    return 0 <= index < size


def _overhang(op: Conv2D, stage: Stage) -> bool:
    """Whether the last window reaches beyond the last row or column."""
    return any(
        (stage.out_shape[axis] - 1) * op.stride[axis] - op.padding[axis][0] + op.kernel.shape[axis]
        > stage.in_shape[axis]
        for axis in (0, 1)
    )


def _dense(stage: Stage) -> dict[str, Any]:
    return {
        "kernel_order": "[output][input]",
        "summary": "inputs flattened as (row, col, channel)",
        "multiplications": stage.layer.kernel.size,
    }


def _steps(stage: Stage) -> str:
    op = stage.requantise
    shift = stage.accumulator_fraction - op.out.fraction
    steps = ["max(x, 0)"] if op.relu else []
    if shift > 0:
        how = "to nearest, ties to even" if op.rounding is Rounding.RND_CONV else "floor"
        steps.append(f"{shift} fractional bit{'s' if shift > 1 else ''} dropped, {how}")
    bounds = f"{op.out.min}..{op.out.max}"
    steps.append(f"saturated to {bounds}" if op.overflow is Overflow.SAT else f"wrapped into {bounds}")
    return ", ".join(steps)
