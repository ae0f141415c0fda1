"""The Verilog of an encoder model: texts by relative path, and the manifest that describes them."""

from __future__ import annotations

import json
import math
from typing import Any

from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.verilog.layer import layer, layer_module, select, slices
from rtl_gen.verilog.leaves import describe, mac, mac_module, requantise, requantise_module
from rtl_gen.verilog.options import INPUT_REGISTER, VerilogOptions, check_options, latency
from rtl_gen.verilog.plan import LayerPlan, plan
from rtl_gen.verilog.render import primitive, render

MANIFEST = "manifest.json"
_RESET_SYNC = "econ_ae_reset_sync"
_REGISTER = "econ_ae_pipeline_register"


def top_module(model: EncoderModel) -> str:
    """Return the name of the top module, ``<model name>_encoder``."""
    return f"{model.name}_encoder"


def generate(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    """Return the Verilog files of the encoder and ``manifest.json``, text by relative path.

    Parameters
    ----------
    model : a valid encoder; its weights are an input port of the Verilog, not part of it
    options : where the pipeline registers are

    Raises
    ------
    ConfigError
        When the options name a register stage that the model does not have.
    ModelError
        When the model is invalid or a layer reads no pixel.
    """
    files = _modules(check(model), check_options(model, options))
    return files | {MANIFEST: json.dumps(manifest(model, options, sorted(files)), indent=2) + "\n"}


def manifest(model: EncoderModel, options: VerilogOptions, files: list[str] | None = None) -> dict[str, Any]:
    """Return what a user of the Verilog must know: top module, latency, ports with widths, model hash, files."""
    pixels = math.prod(model.input.arrangement.shape)
    plans = plan(model)
    return {
        "top": top_module(model),
        "model_sha256": codec.sha256(model),
        "latency": latency(model, options),
        "initiation_interval": 1,
        "registers": sorted(options.registers),
        "multiplications": {p.stage.layer.name: p.products for p in plans},
        "ports": {
            "clk": {"direction": "input", "width": 1},
            "rst_n": {"direction": "input", "width": 1},
            "in_valid": {"direction": "input", "width": 1},
            "image": {"direction": "input", "width": pixels * model.normalise.out.width},
            "weights": {"direction": "input", "width": weights.image_bits(model)},
            "out_valid": {"direction": "output", "width": 1},
            "latents": {"direction": "output", "width": model.latents * model.latent.width},
        },
        "files": sorted(_modules(model, options)) if files is None else files,
    }


def _modules(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    prefix = f"{model.name}_"
    plans = plan(model)
    modules = {top_module(model): _top(prefix, model, options, plans)}
    for p in plans:
        modules[prefix + layer_module(p.stage)] = layer(prefix, p)
        for inputs in p.window_sizes:
            name = prefix + mac_module(p.stage, inputs)
            modules[name] = mac(name, p.stage, inputs)
        name = prefix + requantise_module(p.stage)
        modules[name] = requantise(name, p.stage)
    if options.registers:
        modules |= {name: primitive(name) for name in (_RESET_SYNC, _REGISTER)}
    return {f"{name}.v": text for name, text in modules.items()}


def _top(prefix: str, model: EncoderModel, options: VerilogOptions, plans: tuple[LayerPlan, ...]) -> str:
    pixels = math.prod(model.input.arrangement.shape)
    used = plans[0].inputs
    width = f"{len(used)}*{model.normalise.out.width}"
    data, valid = "pixels", "in_valid"
    chain: list[dict[str, Any]] = []

    def register(name: str) -> None:
        nonlocal data, valid
        chain.append(
            {"kind": "register", "name": name, "width": width, "in_data": data, "in_valid": valid}
            | {"data": f"data_{name}", "valid": f"valid_{name}"}
        )
        data, valid = f"data_{name}", f"valid_{name}"

    if INPUT_REGISTER in options.registers:
        register(INPUT_REGISTER)
    fields = {(f.layer, f.kind): f for f in weights.fields(model)}
    for p in plans:
        name, op = p.stage.layer.name, p.stage.requantise
        width = f"{len(p.outputs)}*{op.out.width}"
        chain.append(
            {"kind": "layer", "name": name, "width": width, "in_data": data, "data": f"y_{name}"}
            | {"comment": f"{describe(p.stage)}, and Requantise {op.name}", "module": prefix + layer_module(p.stage)}
            | {"kernel": fields[name, "kernel"], "bias": fields[name, "bias"]}
        )
        data = f"y_{name}"
        if op.name in options.registers:
            register(op.name)
    unused = slices("image", sorted(set(range(pixels)) - set(used)), "PIXEL_WIDTH")
    if not options.registers:
        unused += ["clk", "rst_n"]
    return render(
        "encoder",
        model=model.name,
        module=top_module(model),
        latency=latency(model, options),
        arrangement=model.input.arrangement.name,
        sha256=codec.sha256(model),
        pixel_format=model.normalise.out,
        pixels=pixels,
        trigger_cells=sum(cell >= 0 for cell in model.input.arrangement.cells),
        used_pixels=len(used),
        image=select("image", used, "PIXEL_WIDTH"),
        weight_bits=weights.image_bits(model),
        latents=model.latents,
        latent_format=model.latent,
        chain=chain,
        out_data=data,
        out_valid=valid,
        unused=unused,
    )
