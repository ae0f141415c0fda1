"""How the stored bytes of an address map lie in the register file: rows of bytes, of which not all bits exist.

Lists are items of Verilog concatenations, last byte first.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from rtl_gen.registers.model import AddressMap

ROW_BYTES = 16
"""Bytes of a row; a power of two."""


def rows(layout: AddressMap) -> int:
    """Return the number of rows."""
    return -(-len(layout.stored) // ROW_BYTES)


def column_width() -> int:
    """Return the bits of a byte's number in its row."""
    return (ROW_BYTES - 1).bit_length()


def index_width(layout: AddressMap) -> int:
    """Return the bits of a storage index; at least one of them selects the row."""
    return max((rows(layout) * ROW_BYTES - 1).bit_length(), column_width() + 1)


def exists_items(layout: AddressMap) -> list[str]:
    """Return the bits that exist, of all rows."""
    return _bytes(layout, [byte.mask for byte in layout.stored])


def reset_items(layout: AddressMap) -> list[str]:
    """Return the reset values, of all rows."""
    return _bytes(layout, [byte.reset for byte in layout.stored])


def tripled_items(layout: AddressMap, tmr: Collection[str]) -> list[str]:
    """Return the bits that exist three times, of all rows: those of the classes in ``tmr``."""
    names = {register for name in tmr for register in layout.registers_of(name)}
    return _bytes(layout, [byte.mask if byte.register.name in names else 0 for byte in layout.stored])


def protected_bits(layout: AddressMap, tmr: Collection[str]) -> list[int]:
    """Return the positions in the register file of the bits that exist three times."""
    return bit_positions(layout, {register for name in tmr for register in layout.registers_of(name)})


def _bytes(layout: AddressMap, values: list[int]) -> list[str]:
    filled = values + [0] * (rows(layout) * ROW_BYTES - len(values))
    runs = ((value, sum(1 for _ in run)) for value, run in groupby(reversed(filled)))
    return [f"{{{count}{{8'h{value:02X}}}}}" if count > 1 else f"8'h{value:02X}" for value, count in runs]


def bit_positions(layout: AddressMap, registers: Collection[str]) -> list[int]:
    """Return the positions in the register file of all bits of some registers, least significant first."""
    return [
        8 * index + byte.lsb + bit
        for index, byte in enumerate(layout.stored)
        if byte.register.name in registers
        for bit in range(byte.width)
    ]


def slices(positions: list[int], source: str) -> list[str]:
    """Return the bits of ``source`` at these positions, last one first."""
    runs = [list(run) for _, run in groupby(enumerate(positions), key=lambda pair: pair[1] - pair[0])]
    return [_slice(source, run[0][1], len(run)) for run in reversed(runs)]


def _slice(source: str, lsb: int, width: int) -> str:
    return f"{source}[{lsb}]" if width == 1 else f"{source}[{lsb + width - 1}:{lsb}]"
