"""The address map of an encoder, and the texts that are made of it."""

from rtl_gen.registers.c_header import c_header
from rtl_gen.registers.difference import changed_csv, weight_difference
from rtl_gen.registers.layout import address_map
from rtl_gen.registers.markdown import markdown
from rtl_gen.registers.model import AddressMap
from rtl_gen.registers.sequence import (
    Write,
    bursts,
    bus_seconds,
    flagged_events,
    i2c_sequence,
    register_write,
    weight_writes,
)
from rtl_gen.registers.systemrdl import systemrdl

__all__ = [
    "AddressMap",
    "Write",
    "address_map",
    "bursts",
    "bus_seconds",
    "c_header",
    "changed_csv",
    "flagged_events",
    "i2c_sequence",
    "markdown",
    "register_write",
    "systemrdl",
    "weight_difference",
    "weight_writes",
]
