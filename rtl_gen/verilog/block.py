"""The wrapper that joins a datapath with the module that holds its configuration."""

from __future__ import annotations

from collections.abc import Sequence

from econ_ae.errors import ConfigError
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog.chain import wire_range
from rtl_gen.verilog.generate import top_module
from rtl_gen.verilog.options import VerilogOptions
from rtl_gen.verilog.ports import CONFIGURATION, Port, ports
from rtl_gen.verilog.render import render

_GATES = ("enable", "reconfiguring")


def block_module(model: EncoderModel) -> str:
    """Return the name of the wrapper, ``<model name>_block``."""
    return f"{model.name}_block"


def block(model: EncoderModel, options: VerilogOptions, config: Sequence[Port]) -> str:
    """Return the wrapper of the datapath and ``<model name>_config``.

    Outputs of the configuration module go to the datapath's configuration inputs of the same name; ``enable`` and
    ``reconfiguring``, where it has them, gate the events; every other port goes outside. Ports of the same name on both
    modules, such as ``clk`` and ``rst_n``, are one port.

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
    inside = [*wanted, *(outputs[name] for name in _GATES if name in outputs)]
    names = {port.name for port in inside}
    outside = {port.name: port for port in (*datapath, *config) if port.name not in names}
    return render(
        "block",
        module=block_module(model),
        config=f"{model.name}_config",
        datapath=top_module(model, options),
        outside=[_declared(port) for port in outside.values()],
        inside=[_declared(port) for port in inside],
        config_ports=[port.name for port in config],
        datapath_ports=[port.name for port in datapath],
    )


def _declared(port: Port) -> dict[str, str]:
    return {"name": port.name, "direction": port.direction, "range": wire_range(port.width)}
