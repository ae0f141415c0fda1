"""The weight image in the chip's registers: 12 blocks of 134 bytes, nine multi-byte registers each (spec 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from econ_ae.econt.registers.facts import (
    WEIGHT_BLOCK_BASE,
    WEIGHT_BLOCK_BYTES,
    WEIGHT_BLOCK_SHIFT,
    WEIGHT_BLOCKS,
    WEIGHT_REGISTERS,
)


@dataclass(frozen=True)
class WeightRegister:
    """One weight register.

    Parameters
    ----------
    block : 0..11
    name : for example weights_byte16
    address : of its first byte
    offset : of its first byte in the weight image
    size : bytes; the value is little-endian
    """

    block: int
    name: str
    address: int
    offset: int
    size: int

    def of(self, image: bytes) -> bytes:
        """Return the bytes of the register in a weight image."""
        return image[self.offset : self.offset + self.size]


def weight_registers() -> Iterator[WeightRegister]:
    """Yield all weight registers in image order."""
    for block in range(WEIGHT_BLOCKS):
        base = WEIGHT_BLOCK_BASE + WEIGHT_BLOCK_SHIFT * block
        for name, (first, size) in WEIGHT_REGISTERS.items():
            yield WeightRegister(block, name, base + first, WEIGHT_BLOCK_BYTES * block + first, size)


def split(image: bytes) -> list[dict[str, int]]:
    """Return the register values of every block: ``[{weights_byte0: value, ...}, ...]``."""
    blocks: list[dict[str, int]] = [{} for _ in range(WEIGHT_BLOCKS)]
    for register in weight_registers():
        blocks[register.block][register.name] = int.from_bytes(register.of(image), "little")
    return blocks


def join(blocks: list[dict[str, int]]) -> bytes:
    """Return the weight image of complete, fitting register values; inverts ``split``."""
    return b"".join(
        blocks[register.block][register.name].to_bytes(register.size, "little") for register in weight_registers()
    )
