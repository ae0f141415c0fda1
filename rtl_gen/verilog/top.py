"""The top module of a block: its ports, and the chain of modules and pipeline registers between them."""

from __future__ import annotations

import math

from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog.cells.text import Text
from rtl_gen.verilog.cells.top import add_cells
from rtl_gen.verilog.chain import VALID, Chain, Item, wire_range
from rtl_gen.verilog.front_end import pixel_format, sum_bits
from rtl_gen.verilog.layer import layer_module, select, slices
from rtl_gen.verilog.leaves import describe
from rtl_gen.verilog.options import (
    DATAPATH,
    ENCODER,
    FRAME_REGISTER,
    FRONT_END_REGISTER,
    INPUT_REGISTER,
    NORMALISER_REGISTER,
    VerilogOptions,
    has_front_end,
    latency,
)
from rtl_gen.verilog.plan import LayerPlan
from rtl_gen.verilog.ports import CODE_BITS, FRAME_BITS, SUM_CODE_BITS, ports
from rtl_gen.verilog.render import render

FRONT_END, NORMALISER = "front_end", "normalise"
"""Names of the modules behind the model's name."""

_DATA_BITS = 146
_CELLS = "Datapath of the cells of {}: trigger-cell {} to the frame of the eLinks"
_TITLES = {
    ENCODER: "Encoder {}: images to latents",
    NORMALISER_REGISTER: "Normaliser and encoder {}: charges to latents and sum code",
    DATAPATH: "Autoencoder datapath {}: trigger-cell {} to the frame of the eLinks",
}


def top(
    module: str,
    model: EncoderModel,
    options: VerilogOptions,
    plans: tuple[LayerPlan, ...],
    cell_texts: tuple[Text, ...] = (),
) -> str:
    """Return the top module of the block that the options ask for.

    Parameters
    ----------
    plans : of the layers
    cell_texts : of a model of cells, the modules behind its normaliser
    """
    chain = Chain()
    declared = ports(model, options)
    unused = _input(chain, model, options, plans)
    if model.sends_cells:
        add_cells(chain, model, options, cell_texts)
        outputs = ["sum_code", "frame"]
    else:
        _layers(chain, model, options, plans)
        outputs = ["latents"]
        if options.block != ENCODER:
            outputs.append("sum_code")
        if options.block == DATAPATH:
            unused += _frame(chain, model)
            outputs.append("frame")
            if FRAME_REGISTER in options.registers:
                chain.register(FRAME_REGISTER)
    nets = {"latents": "data"}
    clocked = bool(options.registers) or options.block == DATAPATH
    if not clocked:
        unused += ["clk", "rst_n"]
    arrangement = model.input.arrangement
    cells = sum(cell >= 0 for cell in arrangement.cells)
    arranged = (
        f"arrangement {arrangement.name}: {cells} of {len(arrangement.cells)} pixels have a trigger cell; "
        "the others are zero whatever the inputs say"
    )
    return render(
        "top",
        title=(_CELLS if model.sends_cells else _TITLES[options.block]).format(
            model.name, "codes" if options.front_end else "charges"
        ),
        latency=latency(model, options),
        notes=[
            *(f"{port.name}: {port.meaning}" for port in declared if port.role != "control"),
            *([] if model.sends_cells else [arranged]),
            "configuration (" + ", ".join(port.name for port in declared if port.role == "configuration")
            + "): hold it still while events pass",
            *(["rst_n: asserted at any time, released with clk (econ_ae_reset_sync does that); events before are lost"]
              if clocked else []),
        ],
        sha256=codec.sha256(model),
        module=module,
        ports=[
            {"direction": port.direction, "name": port.name, "range": wire_range(port.width)}
            for port in declared
        ],
        port_names=[port.name for port in declared],
        chain=chain.items,
        outputs=[("out_valid", chain.nets[VALID]), *((name, chain.nets[nets.get(name, name)]) for name in outputs)],
        output_names=outputs,
        unused=unused,
    )  # fmt: skip


def _input(chain: Chain, model: EncoderModel, options: VerilogOptions, plans: tuple[LayerPlan, ...]) -> list[str]:
    """Add everything up to the pixels that reach a multiplier; return the input slices that nothing reads."""
    cells, pixel = model.input.cells, pixel_format(model)
    used = tuple(range(cells)) if model.sends_cells else plans[0].inputs
    pixels_width = len(used) * pixel.width
    if options.block == ENCODER:
        pixels = math.prod(model.input.arrangement.shape)
        chain.items.append(
            Item(
                f"The {len(used)} pixels that reach a multiplier",
                wires=((wire_range(pixels_width), "pixels"),),
                assigns=(("pixels", select("image", used, pixel.width)),),
            )
        )
        chain.signal("data", "pixels", pixels_width)
        if INPUT_REGISTER in options.registers:
            chain.register(INPUT_REGISTER)
        return slices("image", sorted(set(range(pixels)) - set(used)), pixel.width)
    charges_width = cells * model.input.charge.width
    if options.block == DATAPATH:
        chain.signal("bx0", "bx0", 1)
    if has_front_end(options):
        chain.signal("data", "codes", cells * CODE_BITS)
    else:
        chain.signal("data", "charges", charges_width)
    if INPUT_REGISTER in options.registers:
        chain.register(INPUT_REGISTER)
    if has_front_end(options):
        factors = (("calibration", "calibration"),) if options.calibration else ()
        chain.items.append(
            Item(
                "Front end: mux, float to fix" + (", calibration" if options.calibration else ""),
                f"{model.name}_{FRONT_END}",
                "front_end",
                (("codes", chain.nets["data"]), ("mux", "mux"), *factors, ("charges", "calibrated")),
                ((wire_range(charges_width), "calibrated"),),
            )
        )
        chain.signal("data", "calibrated", charges_width)
        if FRONT_END_REGISTER in options.registers:
            chain.register(FRONT_END_REGISTER)
    op = model.normalise
    total_port, total_wire = [], []
    if model.sends_cells:
        chain.signal("charges", chain.nets["data"], charges_width)
        chain.signal("total", "total", sum_bits(model))
        total_port, total_wire = [("total", "total")], [(wire_range(sum_bits(model)), "total")]
    chain.items.append(
        Item(
            f"Normalise {op.name}",
            f"{model.name}_{NORMALISER}",
            "normaliser",
            (("charges", chain.nets["data"]), *total_port, ("sum_code", "code_of_sum"), ("x", "pixels")),
            (*total_wire, (wire_range(SUM_CODE_BITS), "code_of_sum"), (wire_range(pixels_width), "pixels")),
        )
    )
    chain.signal("sum_code", "code_of_sum", SUM_CODE_BITS)
    chain.signal("data", "pixels", pixels_width)
    if NORMALISER_REGISTER in options.registers and not model.sends_cells:
        chain.register(NORMALISER_REGISTER)
    return []


def _layers(chain: Chain, model: EncoderModel, options: VerilogOptions, plans: tuple[LayerPlan, ...]) -> None:
    fields = {(f.layer, f.kind): f for f in weights.fields(model)}
    for p in plans:
        name, op = p.stage.layer.name, p.stage.requantise
        width = len(p.outputs) * op.out.width
        kernel, bias = fields[name, "kernel"], fields[name, "bias"]
        chain.items.append(
            Item(
                f"{describe(p.stage)}, and Requantise {op.name}",
                f"{model.name}_{layer_module(p.stage)}",
                f"layer_{name}",
                (
                    ("x", chain.nets["data"]),
                    ("kernel", f"weights[{kernel.offset} +: {kernel.bits}]"),
                    ("bias", f"weights[{bias.offset} +: {bias.bits}]"),
                    ("y", f"y_{name}"),
                ),
                ((wire_range(width), f"y_{name}"),),
            )
        )
        chain.signal("data", f"y_{name}", width)
        if op.name in options.registers:
            chain.register(op.name)


def _frame(chain: Chain, model: EncoderModel) -> list[str]:
    """Add header, squeeze and frame; return the kept bits that no frame has room for."""
    bits = model.latents * model.latent.width
    latents = chain.nets["data"]
    chain.items.append(
        Item(
            "Header of the bunch crossing; the count is kept here, behind the last event that it depends on",
            "econ_ae_bx_header",
            "bx_header",
            (
                ("clk", "clk"),
                ("rst_n", "rst_n"),
                ("valid", chain.nets[VALID]),
                ("bx0", chain.nets["bx0"]),
                ("header", "header"),
            ),
            ((wire_range(5), "header"),),
        )
    )
    stages = max(1, (bits - 1).bit_length())
    chain.items.append(
        Item(
            "Kept bits, together at the least significant end",
            "econ_ae_squeeze",
            "squeeze",
            (("mask", "keep_mask"), ("data", latents), ("squeezed", "kept")),
            ((wire_range(bits), "kept"),),
            parameters=f"#(.WIDTH({bits}), .STAGES({stages})) ",
        )
    )
    chain.items.append(
        Item(
            "Frame",
            "econ_ae_frame",
            "formatter",
            (
                ("header", "header"),
                ("sum_code", chain.nets["sum_code"]),
                ("data", _fitted("kept", bits, _DATA_BITS)),
                ("elinks", "elinks"),
                ("frame", "framed"),
            ),
            ((wire_range(FRAME_BITS), "framed"),),
        )
    )
    chain.drop("bx0")
    chain.signal("frame", "framed", FRAME_BITS)
    return [f"kept[{bits - 1}:{_DATA_BITS}]"] if bits > _DATA_BITS else []


def _fitted(net: str, width: int, wanted: int) -> str:
    if width < wanted:
        return f"{{{wanted - width}'d0, {net}}}"
    return net if width == wanted else f"{net}[{wanted - 1}:0]"
