"""The complete block: a datapath, the configuration that an I2C controller writes, and the wrapper that joins them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from econ_ae.errors import ConfigError
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.registers import address_map
from rtl_gen.verilog import regfile
from rtl_gen.verilog.chain import wire_range
from rtl_gen.verilog.generate import MANIFEST, generate, manifest, top_module
from rtl_gen.verilog.options import DATAPATH, FRAME_REGISTER, VerilogOptions, latency
from rtl_gen.verilog.ports import CONFIGURATION, CONTROL, EVENT, Port, ports
from rtl_gen.verilog.regfile_bits import protected_bits
from rtl_gen.verilog.render import primitive, render

_PRIMITIVES = ("econ_ae_mixed", "econ_ae_reset_sync")

_INSIDE = ("enable", "status")
"""Ports of the configuration module that the wrapper itself connects."""

_MIXED = Port(
    "out_mixed", "output", 1, EVENT, "the configuration was being rewritten while the event was in the datapath"
)


def block_module(model: EncoderModel) -> str:
    """Return the name of the wrapper, ``<model name>_block``."""
    return f"{model.name}_block"


def generate_block(model: EncoderModel, options: VerilogOptions) -> dict[str, str]:
    """Return all files of the complete block and ``manifest.json``, text by relative path.

    Parameters
    ----------
    model : a valid encoder; its weights, keep mask and eLinks are loaded over I2C, not part of the Verilog
    options : of the datapath

    Raises
    ------
    ConfigError
        When the options are not those of a datapath, or do not fit the model.
    ModelError
        When the model is invalid or a layer reads no pixel.
    RegisterError
        When the registers do not fit the 16-bit pointer.
    """
    if options.block != DATAPATH:
        raise ConfigError(f"block is {options.block!r}; the complete block has a datapath: set block={DATAPATH!r}")
    files = generate(check(model), options) | regfile.generate(model, options.tmr)
    del files[MANIFEST]
    files |= {f"{name}.v": primitive(name) for name in _PRIMITIVES}
    files[f"{block_module(model)}.v"] = block(model, options, regfile.port_list(model))
    return files | {MANIFEST: json.dumps(block_manifest(model, options, files), indent=2) + "\n"}


def block_manifest(model: EncoderModel, options: VerilogOptions, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what a user of the complete block must know: the datapath's manifest with the block's top and ports."""
    found = manifest(model, options, files) | {"top": block_module(model), "block": "block"}
    found["ports"] = {
        port.name: {key: value for key, value in asdict(port).items() if key != "name"}
        for port in block_ports(model, options)
    }
    layout = address_map(model)
    return found | {
        "configuration_bits": layout.stored_bits,
        "tmr": sorted(options.tmr),
        "configuration_flip_flops": layout.stored_bits + 2 * len(protected_bits(layout, options.tmr)),
    }


def block_ports(model: EncoderModel, options: VerilogOptions) -> tuple[Port, ...]:
    """Return the ports of the complete block in the order of its declaration."""
    return _outside(ports(model, options), regfile.port_list(model))


def block(model: EncoderModel, options: VerilogOptions, config: Sequence[Port]) -> str:
    """Return the wrapper of the datapath and ``<model name>_config``.

    Outputs of the configuration module go to the datapath's configuration inputs of the same name; ``enable`` gates the
    events, ``reconfiguring`` flags them, ``status`` reports it; every other port goes outside. Ports of the same name
    on both modules, such as ``clk`` and ``rst_n``, are one port.

    Parameters
    ----------
    config : ports of the configuration module

    Raises
    ------
    ConfigError
        When a configuration input of the datapath has no output of this name and width.
    """
    datapath = ports(model, options)
    outputs = {port.name: port for port in config if port.direction == "output"}
    wanted = [port for port in datapath if port.role == CONFIGURATION]
    for port in wanted:
        found = outputs.get(port.name)
        if found is None or found.width != port.width:
            has = f"has {found.width} bits" if found else "does not exist"
            raise ConfigError(
                f"the datapath's input {port.name} has {port.width} bits; "
                f"the output {port.name} of the configuration module {has}"
            )
    return render(
        "block",
        module=block_module(model),
        config=regfile.config_module(model),
        datapath=top_module(model, options),
        latency=latency(model, options),
        registered=int(FRAME_REGISTER in options.registers),
        sha256=codec.sha256(model),
        inner={"rst_n": "rst_n_sync", "status": "{7'd0, mixed_seen}", "in_valid": "in_valid & enable"},
        outside=[_declared(port) for port in _outside(datapath, config)],
        inside=[_declared(port) for port in (*wanted, outputs["enable"])],
        config_ports=[port.name for port in config],
        datapath_ports=[port.name for port in datapath],
    )


def _outside(datapath: Sequence[Port], config: Sequence[Port]) -> tuple[Port, ...]:
    inside = {*(port.name for port in datapath if port.role == CONFIGURATION), *_INSIDE}
    found = {port.name: port for port in (*config, *datapath) if port.name not in inside}
    found["clk"] = Port("clk", "input", 1, CONTROL, "one event per rising edge at most; samples the I2C lines")
    meaning = "asserted at once, released two clocks after it rises; registers at reset values, events before are lost"
    found["rst_n"] = Port("rst_n", "input", 1, CONTROL, meaning)
    return (*found.values(), _MIXED)


def _declared(port: Port) -> dict[str, str]:
    return {
        "name": port.name,
        "direction": port.direction,
        "range": wire_range(port.width),
        "meaning": port.meaning,
    }
