"""The arithmetic leaf modules: one window's multiply-accumulate, and the requantiser."""

from __future__ import annotations

from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir.model import Conv2D, Stage
from econ_ae.ir.ranges import accumulator_format
from rtl_gen.verilog import structural
from rtl_gen.verilog.options import LOOP, STRUCTURAL, SUM
from rtl_gen.verilog.render import render

_GROUP = 32
"""Weights that one process of a written-out sum unpacks."""


def mac_module(stage: Stage, inputs: int) -> str:
    """Return the name of the multiply-accumulate module of a stage's windows with so many inputs."""
    return f"mac{inputs}_{stage.layer.name}"


def requantise_module(stage: Stage) -> str:
    """Return the name of the stage's requantiser module."""
    return f"requantise_{stage.requantise.name}"


def mac(module: str, stage: Stage, inputs: int, leaf: str = SUM) -> dict[str, str]:
    """Return the multiply-accumulate of one window (all outputs that read the same inputs): text by module name.

    ``leaf`` says how it is written, behind the same ports: ``sum``, as written-out sums, ``loop``, or ``structural``,
    which has modules of its own below it.
    """
    if leaf == STRUCTURAL:
        return structural.modules(module, stage, inputs, describe(stage))
    return {module: _written_out(module, stage, inputs, leaf)}


def _written_out(module: str, stage: Stage, inputs: int, leaf: str) -> str:
    layer, x, acc = stage.layer, stage.in_format, accumulator_format(stage)
    outputs, shift = layer.bias.size, stage.product_shift
    products = inputs * outputs
    filter_fastest = isinstance(layer, Conv2D)
    bias_sign = "bias[{0}*BIAS_WIDTH+BIAS_WIDTH-1]" if layer.bias_format.signed else "1'b0"
    bias = "bias[{0}*BIAS_WIDTH +: BIAS_WIDTH]" + (", {{BIAS_SHIFT{{1'b0}}}}" if stage.bias_shift else "")
    product_width = x.width + (not x.signed) + layer.weight.width + (not layer.weight.signed)
    # Exact sums are right modulo 2**acc.width; a product that is shifted right must be whole.
    sum_width = max(acc.width, product_width if shift else max(x.width, layer.weight.width))
    return render(
        {SUM: "mac", LOOP: "mac_loop"}[leaf],
        module=module,
        op=describe(stage),
        inputs=inputs,
        outputs=outputs,
        x_format=x,
        w_format=layer.weight,
        b_format=layer.bias_format,
        acc_format=acc,
        order="[input][output]" if filter_fastest else "[output][input]",
        product_shift=shift,
        sum_width=sum_width,
        c_width=_c_width(max(sum_width, product_width)),
        filter_fastest=filter_fastest,
        bias_shift=stage.bias_shift,
        x=[_operand("x", "X_WIDTH", i, x, sum_width) for i in range(inputs)],
        group_size=_GROUP,
        w=[
            [
                _operand(f"g{first // _GROUP}", "W_WIDTH", i, layer.weight, sum_width)
                for i in range(min(_GROUP, products - first))
            ]
            for first in range(0, products, _GROUP)
        ],
        bias=[
            _extended(
                bias.format(o),
                bias_sign.format(o),
                sum_width - layer.bias_format.width - stage.bias_shift,
                "SUM_WIDTH-BIAS_WIDTH-BIAS_SHIFT",
            )
            for o in range(outputs)
        ],
        terms=[
            [(i, i * outputs + o if filter_fastest else o * inputs + i) for i in range(inputs)] for o in range(outputs)
        ],
    )


def requantise(module: str, stage: Stage) -> str:
    """Return the stage's requantiser: relu, rounding, then saturation or wrapping."""
    op, acc = stage.requantise, accumulator_format(stage)
    shift = acc.fraction - op.out.fraction
    direction = (shift > 0) - (shift < 0)
    r_width = max(acc.width, shift + 1)
    # One bit more than y, so that an overflow is always visible and y is always a slice.
    v_width = max(r_width - shift + (shift > 0), op.out.width + 1)
    round_even = shift > 0 and op.rounding is Rounding.RND_CONV
    saturate = op.overflow is Overflow.SAT
    unused = []
    if shift > 0 and not round_even:
        unused.append("r[SHIFT-1:0]")
    if not saturate:
        unused.append("v[V_WIDTH-1:Y_WIDTH]")
    return render(
        "requantise",
        module=module,
        op=f"Requantise {op.name}",
        steps=_steps(stage, shift),
        acc_format=acc,
        out_format=op.out,
        relu=op.relu,
        shift=shift,
        extended_acc=_extended("acc", "acc[ACC_WIDTH-1]", r_width - acc.width, "R_WIDTH-ACC_WIDTH"),
        extended_r=_extended(
            _SHIFTED[direction],
            "r[R_WIDTH-1]",
            v_width - r_width + shift,
            "V_WIDTH-R_WIDTH" + {1: "+SHIFT", 0: "", -1: "-SHIFT"}[direction],
        ),
        r_width=r_width,
        v_width=v_width,
        round_even=round_even,
        saturate=saturate,
        unused=unused,
    )


def _c_width(width: int) -> int:
    """Return the narrowest C integer that holds this many bits and is not slower than a smaller one."""
    return 32 if width <= 32 else 64


def describe(stage: Stage) -> str:
    """Return the layer as words: ``Conv2D conv, (8, 8, 1) -> (4, 4, 8)``."""
    return f"{type(stage.layer).__name__} {stage.layer.name}, {stage.in_shape} -> {stage.out_shape}"


_SHIFTED = {1: "r[R_WIDTH-1:SHIFT]", 0: "r", -1: "r, {SHIFT{1'b0}}"}
"""r with its fractional bits dropped, kept or added, by the sign of the shift."""


def _extended(value: str, sign: str, count: int, spelled: str) -> str:
    """Return ``value`` (items of a concatenation) after ``count`` sign bits; ``spelled`` is the count in Verilog."""
    if count:
        return f"{{{{({spelled}){{{sign}}}}}, {value}}}"
    return f"{{{value}}}" if "," in value else value


def _operand(bus: str, width: str, index: int, fmt: FixedFormat, sum_width: int) -> str:
    """Return number ``index`` of a bus, extended to the width of the sums; ``width`` is its width in Verilog."""
    sign = f"{bus}[{index}*{width}+{width}-1]" if fmt.signed else "1'b0"
    return _extended(f"{bus}[{index}*{width} +: {width}]", sign, sum_width - fmt.width, f"SUM_WIDTH-{width}")


def _steps(stage: Stage, shift: int) -> list[str]:
    op = stage.requantise
    steps = ["relu: negative values become 0"] if op.relu else []
    if shift <= 0:
        steps.append(f"{-shift} fractional bits added, exact")
    elif op.rounding is Rounding.RND_CONV:
        steps.append(f"{shift} fractional bits dropped, to nearest, ties to even")
    else:
        steps.append(f"{shift} fractional bits dropped, floor")
    bounds = f"{op.out.min}..{op.out.max}"
    steps.append(f"saturated to {bounds}" if op.overflow is Overflow.SAT else f"wrapped into {bounds}")
    return steps
