"""The Verilog of the configuration: I2C target, registers in triplicate, status, from an encoder's address map."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import AddressMap, address_map
from rtl_gen.registers.layout import CALIBRATION_BITS, mux_bits
from rtl_gen.registers.model import CLASSES, MappedByte
from rtl_gen.verilog.options import check_classes
from rtl_gen.verilog.ports import CONFIGURATION, CONTROL, Port
from rtl_gen.verilog.regfile_bits import (
    ROW_BYTES,
    bit_positions,
    column_width,
    exists_items,
    index_width,
    reset_items,
    rows,
    slices,
    tripled_items,
)
from rtl_gen.verilog.render import primitive, render

PRIMITIVES = (
    "econ_ae_config_status",
    "econ_ae_crc32",
    "econ_ae_flops",
    "econ_ae_i2c_filter",
    "econ_ae_i2c_target",
    "econ_ae_tmr_bank",
    "econ_ae_tmr_copy",
    "econ_ae_tmr_register",
)
_SIGNALS = ("flags", "datapath", "errors", "last_error", "crc")
"""Registers that are wires into the decoder; the other ones without storage are constants."""


def config_module(model: EncoderModel) -> str:
    """Return the name of the configuration's top module, ``<model name>_config``."""
    return f"{model.name}_config"


def generate(model: EncoderModel, tmr: Collection[str] = CLASSES) -> dict[str, str]:
    """Return the Verilog files of the configuration, text by relative path.

    The registers of the classes in ``tmr`` are built in triplicate, the others once.

    Ports of the top module ``<model name>_config``: ``clk``, ``rst_n``; ``scl_i``, ``sda_i``, ``sda_oe``,
    ``i2c_address[6:0]``; ``status[7:0]`` from the datapath; out: ``weights`` (weight image), ``mux``, ``calibration``,
    ``keep_mask``, ``elinks`` (not of a model of cells), ``enable``, ``counters_reset``, ``reconfiguring``.

    Raises
    ------
    ModelError
        When the model is invalid.
    RegisterError
        When its registers do not fit the 16-bit pointer.
    """
    layout = address_map(model)
    decode = f"{config_module(model)}_decode"
    modules = {
        config_module(model): _config(model, layout, decode, check_classes(tmr)),
        decode: _decode(layout, decode),
    }
    modules |= {name: primitive(name) for name in PRIMITIVES}
    return {f"{name}.v": text for name, text in modules.items()}


def ports(layout: AddressMap) -> dict[str, list[int]]:
    """Return for every configuration port the positions of its bits in the register file, least significant first."""
    names = {"elinks": "links"} | {name: name for name in ("keep_mask", "mux", "calibration", "weights")}
    found = {port: bit_positions(layout, layout.registers_of(name)) for port, name in names.items()}
    return {port: bits for port, bits in found.items() if bits}


def port_list(model: EncoderModel) -> tuple[Port, ...]:
    """Return the ports of the top module in the order of its declaration; ``ports`` says what is in the wide ones."""
    wide = {name: len(bits) for name, bits in ports(address_map(model)).items()}
    return (
        Port("clk", "input", 1, CONTROL, "samples the I2C lines"),
        Port("rst_n", "input", 1, CONTROL, "asserted at any time, released with clk"),
        Port("scl_i", "input", 1, CONTROL, "level of SCL; any clock"),
        Port("sda_i", "input", 1, CONTROL, "level of SDA; any clock"),
        Port("sda_oe", "output", 1, CONTROL, "pulls SDA low"),
        Port("i2c_address", "input", 7, CONTROL, "address of the I2C target; constant"),
        Port("status", "input", 8, CONTROL, "what the datapath reports, readable over I2C"),
        *(Port(name, "output", width, CONFIGURATION, "stored configuration bits") for name, width in wide.items()),
        Port("enable", "output", 1, CONTROL, "the block takes events"),
        Port("counters_reset", "output", 1, CONTROL, "high for one clock: counters outside are cleared"),
        Port("reconfiguring", "output", 1, CONTROL, "bytes were written and no STOP has followed"),
    )


def _config(model: EncoderModel, layout: AddressMap, decode: str, tmr: frozenset[str]) -> str:
    control = layout.register("control")
    places = [i for i, byte in enumerate(layout.stored) if byte.register.name in layout.weight_blocks]
    return render(
        "config",
        model=layout.name,
        module=config_module(model),
        decode=decode,
        sha256=layout.model_sha256,
        bits=layout.stored_bits,
        bytes=len(layout.stored),
        rows=rows(layout),
        row_bits=8 * ROW_BYTES,
        column_width=column_width(),
        index_width=index_width(layout),
        exists=exists_items(layout),
        reset=reset_items(layout),
        tripled=tripled_items(layout, tmr),
        single=[name for name in CLASSES if name not in tmr],
        mux_bits=mux_bits(model.input.cells),
        calibration_bits=CALIBRATION_BITS,
        latent_bits=None if model.sends_cells else model.latent.width,
        ports=[
            {"name": name, "width": len(bits), "bits": slices(bits, "stored_bits")}
            for name, bits in ports(layout).items()
        ],
        control={f.name: f.lsb for f in control.fields} | {"address": control.address},
        control_offset=8 * layout.index[control.address],
        errors_address=layout.register("errors").address,
        weight_first=places[0],
        weight_last=places[-1],
    )


def _decode(layout: AddressMap, module: str) -> str:
    return render(
        "config_decode",
        model=layout.name,
        module=module,
        index_width=index_width(layout),
        segments=layout.segments,
        signals=[(name, 8 * layout.register(name).size) for name in _SIGNALS],
        fixed=[_fixed(byte) for byte in layout.mapped if not byte.width],
    )


def _fixed(byte: MappedByte) -> dict[str, Any]:
    name = byte.register.name
    high, low = 8 * byte.lane + 7, 8 * byte.lane
    value = f"{name}[{high}:{low}]" if name in _SIGNALS else f"8'h{byte.reset:02X}"
    return {"address": byte.address, "value": value, "writable": byte.writable, "name": f"{name}, byte {byte.lane}"}
