"""The Verilog of an encoder model: texts by relative path, and the manifest that describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from econ_ae.ir import codec
from econ_ae.ir.cell_widths import CellWidths
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.verilog.cells.modules import texts
from rtl_gen.verilog.front_end import charge_cell, front_end, normaliser, sum_bits
from rtl_gen.verilog.layer import layer, layer_module
from rtl_gen.verilog.leaves import mac, mac_module, requantise, requantise_module
from rtl_gen.verilog.options import DATAPATH, ENCODER, VerilogOptions, check_options, has_front_end, latency
from rtl_gen.verilog.plan import plan
from rtl_gen.verilog.ports import ports
from rtl_gen.verilog.render import primitive
from rtl_gen.verilog.structural import ADDERS
from rtl_gen.verilog.top import FRONT_END, NORMALISER, top

MANIFEST = "manifest.json"


def top_module(model: EncoderModel, options: VerilogOptions | None = None) -> str:
    """Return the name of the top module: model name and block, ``<model name>_encoder`` without options."""
    return f"{model.name}_{ENCODER if options is None else options.block}"


def generate(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    """Return the Verilog files of the block and ``manifest.json``, text by relative path.

    Parameters
    ----------
    model : a valid encoder; its weights, keep mask and eLinks are input ports of the Verilog, not part of it
    options : which block, where the pipeline registers are

    Raises
    ------
    ConfigError
        When an option does not exist or does not fit the model.
    ModelError
        When the model is invalid or a layer reads no pixel.
    """
    files = _modules(check(model), check_options(model, options))
    return files | {MANIFEST: json.dumps(manifest(model, options, files), indent=2) + "\n"}


def verilog_sha256(files: Mapping[str, str]) -> str:
    """Return the hash that says which text it is: of names and contents of all Verilog files, sorted by name."""
    content = sorted((name, text) for name, text in files.items() if name.endswith(".v"))
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def leaf_files(model: EncoderModel, options: VerilogOptions) -> tuple[str, ...]:
    """Return the names of the files that depend on the leaf: the multiply-accumulate modules and what is in them.

    A model of cells has none.
    """
    if model.sends_cells:
        return ()
    return tuple(sorted(f"{name}.v" for name in _with_adders(_macs(model, options))))


def manifest(model: EncoderModel, options: VerilogOptions, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what a user of the Verilog must know: top module, latency, ports with widths, hashes, files.

    ``files`` are the texts by relative path, where they have been made already.
    """
    files = _modules(model, options) if files is None else files
    return {
        "top": top_module(model, options),
        "block": options.block,
        "front_end": has_front_end(options),
        "calibration": has_front_end(options) and options.calibration,
        "density": options.density if has_front_end(options) else None,
        "leaf": options.leaf,
        "model_sha256": codec.sha256(model),
        "latency": latency(model, options),
        "initiation_interval": 1,
        "registers": sorted(options.registers),
        "multiplications": _multiplications(model),
        "ports": {
            port.name: {key: value for key, value in asdict(port).items() if key != "name"}
            for port in ports(model, options)
        },
        "files": sorted(files),
        "verilog_sha256": verilog_sha256(files),
    }


def _multiplications(model: EncoderModel) -> dict[str, int]:
    if model.sends_cells:
        code, widths = model.cell_code, CellWidths(model)
        return {code.choose.name: len(widths.modes), code.apportion.name: widths.slots + 1}
    return {p.stage.layer.name: p.products for p in plan(model)}


def _macs(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    found: dict[str, str] = {}
    for p in plan(model):
        for inputs in p.window_sizes:
            found |= mac(f"{model.name}_{mac_module(p.stage, inputs)}", p.stage, inputs, options.leaf)
    return found


def _with_adders(macs: dict[str, str]) -> dict[str, str]:
    return macs | {name: primitive(name) for name in ADDERS if any(f"    {name} " in text for text in macs.values())}


def _cell_modules(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    prefix = f"{model.name}_"
    parts = texts(prefix, CellWidths(model), sum_bits(model))
    name = top_module(model, options)
    modules = {name: top(name, model, options, (), parts)} | {part.module: part.render() for part in parts}
    everything = tuple(range(model.input.cells))
    modules[prefix + NORMALISER] = normaliser(prefix + NORMALISER, model, everything, total=True)
    primitives = ["econ_ae_bx_header", "econ_ae_tmr_register", "econ_ae_flops"]
    if has_front_end(options):
        modules[prefix + FRONT_END] = front_end(prefix + FRONT_END, model, options)
        primitives.append(charge_cell(options))
    if options.registers:
        primitives.append("econ_ae_pipeline_register")
    return {f"{name}.v": text for name, text in (modules | {n: primitive(n) for n in primitives}).items()}


def _modules(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    if model.sends_cells:
        return _cell_modules(model, options)
    prefix = f"{model.name}_"
    plans = plan(model)
    modules = {top_module(model, options): top(top_module(model, options), model, options, plans)}
    for p in plans:
        modules[prefix + layer_module(p.stage)] = layer(prefix, p)
        name = prefix + requantise_module(p.stage)
        modules[name] = requantise(name, p.stage)
    modules |= _with_adders(_macs(model, options))
    primitives: list[str] = []
    if options.block != ENCODER:
        modules[prefix + NORMALISER] = normaliser(
            prefix + NORMALISER, model, [model.input.arrangement.cells[pixel] for pixel in plans[0].inputs]
        )
    if has_front_end(options):
        modules[prefix + FRONT_END] = front_end(prefix + FRONT_END, model, options)
        primitives.append(charge_cell(options))
    if options.block == DATAPATH:
        primitives += ["econ_ae_bx_header", "econ_ae_tmr_register", "econ_ae_flops", "econ_ae_squeeze", "econ_ae_frame"]
    if options.registers:
        primitives.append("econ_ae_pipeline_register")
    return {f"{name}.v": text for name, text in (modules | {n: primitive(n) for n in primitives}).items()}
