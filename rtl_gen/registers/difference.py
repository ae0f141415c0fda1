"""What two weight images of one encoder differ in, and the I2C transactions that turn one into the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from econ_ae.errors import RegisterError
from rtl_gen.registers.model import AddressMap
from rtl_gen.registers.sequence import Write, bursts

# A transaction of its own costs 29 bit times (START, STOP, address, pointer), an unchanged byte in between 9.
_CHEAP_GAP = 3


@dataclass(frozen=True)
class ChangedByte:
    """A byte of the weight image that differs."""

    address: int
    block: str
    old: int
    new: int


@dataclass(frozen=True)
class WeightDifference:
    """The bytes that differ, and how to write them.

    Parameters
    ----------
    changed : by address
    by_block : changed bytes and all bytes of every weight block, in order
    writes : transactions with the changed bytes alone
    joined : as few bit times as possible: gaps of up to three unchanged bytes are written again with their old value
    """

    changed: tuple[ChangedByte, ...]
    by_block: tuple[tuple[str, int, int], ...]
    writes: tuple[Write, ...]
    joined: tuple[Write, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole image."""
        return sum(size for _, _, size in self.by_block)

    @property
    def bits(self) -> int:
        """Bits that differ."""
        return sum((byte.old ^ byte.new).bit_count() for byte in self.changed)


def weight_difference(address_map: AddressMap, old: bytes, new: bytes) -> WeightDifference:
    """Return what must be written so that an encoder with one weight image has another.

    Raises
    ------
    RegisterError
        When an image has another length than the map's.
    """
    stored = [byte for byte in address_map.stored if byte.register.name in address_map.weight_blocks]
    for image in (old, new):
        if len(image) != len(stored):
            raise RegisterError(f"weight image of {len(image)} bytes; {address_map.name} needs {len(stored)}")
    pairs = list(zip(stored, old, new, strict=True))
    changed = tuple(ChangedByte(b.address, b.register.name, was, now) for b, was, now in pairs if was != now)
    values = {b.address: now for b, _, now in pairs}
    joined = {byte.address: byte.new for byte in changed}
    for one, other in pairwise(changed):
        gap = range(one.address + 1, other.address)
        if len(gap) <= _CHEAP_GAP and all(address in values for address in gap):
            joined |= {address: values[address] for address in gap}
    blocks = tuple(
        (name, sum(c.block == name for c in changed), sum(b.register.name == name for b in stored))
        for name in address_map.weight_blocks
    )
    return WeightDifference(changed, blocks, bursts({c.address: c.new for c in changed}), bursts(joined))


def changed_csv(difference: WeightDifference) -> str:
    """Return the changed bytes as CSV: address, block, old and new value."""
    rows = [f"0x{c.address:04X},{c.block},0x{c.old:02X},0x{c.new:02X}" for c in difference.changed]
    return "\n".join(["address,block,old,new", *rows]) + "\n"
