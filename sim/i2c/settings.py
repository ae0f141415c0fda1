"""The I2C transactions that bring the configuration from one set of values to another."""

from __future__ import annotations

from collections.abc import Mapping

from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import AddressMap, Write, bursts, register_write, weight_writes
from rtl_gen.registers.layout import CALIBRATION_BITS, mux_bits

_ELINKS_LSB = 4


def setting_writes(model: EncoderModel, layout: AddressMap, values: Mapping[str, int]) -> tuple[Write, ...]:
    """Return the transactions that load links and keep mask where there are, mux, calibration and all weights.

    Parameters
    ----------
    values : of the configuration ports, as ``sim.stimulus.golden.configuration`` gives them; a missing one is not
        written
    """
    cells, select = model.input.cells, mux_bits(model.input.cells)
    keep = values.get("keep_mask", 0)
    writes = [register_write(layout, "links", values["elinks"] << _ELINKS_LSB)] if "elinks" in values else []
    for name in layout.keep_blocks:
        count = layout.register(name).count
        writes.append(register_write(layout, name, [keep >> 8 * i & 0xFF for i in range(count)]))
        keep >>= 8 * count
    for name, width in (("mux", select), ("calibration", CALIBRATION_BITS)):
        if name in values:
            numbers = [values[name] >> width * i & (1 << width) - 1 for i in range(cells)]
            writes.append(register_write(layout, name, numbers))
    image = values["weights"].to_bytes(-(-layout.weight_bits // 8), "little")
    return (*writes, *weight_writes(layout, image))


def changes(old: tuple[Write, ...], new: tuple[Write, ...]) -> tuple[Write, ...]:
    """Return as few transactions as bring the bytes of the old transactions to those of the new ones."""
    before, after = (
        {write.address + i: value for write in writes for i, value in enumerate(write.data)} for writes in (old, new)
    )
    return bursts({address: value for address, value in after.items() if before.get(address) != value})
