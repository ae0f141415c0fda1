"""One module per layer: splits its input, and holds a multiply-accumulate per window and a requantiser per output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from econ_ae.ir.model import Conv2D, Stage
from econ_ae.ir.ranges import accumulator_format
from rtl_gen.verilog.leaves import describe, mac_module, requantise_module
from rtl_gen.verilog.plan import LayerPlan, Window, runs
from rtl_gen.verilog.render import render


def layer_module(stage: Stage) -> str:
    """Return the name of the stage's layer module."""
    return f"layer_{stage.layer.name}"


def layer(prefix: str, plan: LayerPlan) -> str:
    """Return the module of a layer; ``prefix`` comes before the names of the modules it uses."""
    stage = plan.stage
    position = {index: i for i, index in enumerate(plan.inputs)}
    outputs = stage.layer.bias.size
    return render(
        "layer",
        module=prefix + layer_module(stage),
        op=describe(stage),
        summary=_summary(stage),
        x_format=stage.in_format,
        w_format=stage.layer.weight,
        b_format=stage.layer.bias_format,
        acc_format=accumulator_format(stage),
        y_format=stage.requantise.out,
        inputs=len(plan.inputs),
        weights=stage.layer.kernel.size,
        biases=outputs,
        outputs=len(plan.outputs),
        products=plan.products,
        windows=[
            {
                "n": n,
                "inputs": len(window.inputs),
                "comment": _comment(stage, window),
                "mac": prefix + mac_module(stage, len(window.inputs)),
                "x": select("x", [position[i] for i in window.inputs], stage.in_format.width) if window.inputs else "",
                "w": select("kernel", window.weights, stage.layer.weight.width) if window.weights else "",
            }
            for n, window in enumerate(plan.windows)
        ],
        requantise=prefix + requantise_module(stage),
        unused=", ".join(slices("kernel", plan.unused_weights, stage.layer.weight.width)),
    )


def select(bus: str, indices: Sequence[int], width: int) -> str:
    """Return the expression of some numbers of ``width`` bits of a bus, the first at the least significant bits."""
    parts = slices(bus, indices, width)
    return parts[0] if len(parts) == 1 else "{" + ", ".join(reversed(parts)) + "}"


def slices(bus: str, indices: Iterable[int], width: int) -> list[str]:
    """Return one part-select per run of consecutive numbers of ``width`` bits of a bus."""
    return [f"{bus}[{first * width} +: {count * width}]" for first, count in runs(indices)]


def _summary(stage: Stage) -> str:
    if isinstance(stage.layer, Conv2D):
        rows, cols = stage.layer.kernel.shape[:2]
        (top, bottom), (left, right) = stage.layer.padding
        return (
            f"kernel {rows}x{cols}, stride {stage.layer.stride}, zeros above {top}, below {bottom}, "
            f"left {left}, right {right}; taps on zeros have no multiplier"
        )
    return "every output reads every input, flattened as (row, col, channel); zero inputs have no multiplier"


def _comment(stage: Stage, window: Window) -> str:
    if isinstance(stage.layer, Conv2D):
        row, col, _ = np.unravel_index(window.outputs[0], stage.out_shape)
        return f"Window at output row {row}, col {col}"
    return "All outputs"
