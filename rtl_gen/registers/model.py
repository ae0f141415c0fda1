"""What an address map is made of: registers, their fields, and the bytes that a bus sees."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from econ_ae.errors import RegisterError, did_you_mean

ADDRESSES = 1 << 16
"""Byte addresses that the 16-bit register pointer reaches."""

CLASSES = ("control", "links", "keep_mask", "mux", "calibration", "weights")
"""What configuration registers are for; every stored bit belongs to one of these classes."""


class Access(enum.StrEnum):
    """What reading and writing a field does."""

    READ_WRITE = "read, write"  # stored
    READ_ONLY = "read"
    PULSE = "write 1 to start"  # reads 0
    CLEAR = "read, any write clears"


@dataclass(frozen=True)
class Field:
    """Bits of a register.

    Parameters
    ----------
    lsb : position of the least significant bit in the register
    width : bits
    """

    name: str
    lsb: int
    width: int
    access: Access
    description: str

    @property
    def mask(self) -> int:
        """The field's bits in the register."""
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Register:
    """A register, or an array of equal ones at consecutive addresses; values are little-endian.

    Parameters
    ----------
    address : of the first byte of the first element
    size : bytes of one element: 1, 2, 4 or 8
    resets : value after reset of every element; a single register has one
    array : whether the register is written with an index even when it has one element
    """

    name: str
    address: int
    size: int
    fields: tuple[Field, ...]
    resets: tuple[int, ...]
    description: str
    array: bool = False

    @property
    def count(self) -> int:
        """Number of elements."""
        return len(self.resets)

    @property
    def end(self) -> int:
        """First address behind the register."""
        return self.address + self.size * self.count


@dataclass(frozen=True)
class MappedByte:
    """A byte of the map.

    Parameters
    ----------
    register : the register, of which this is byte ``lane`` of element ``element``
    lsb, width : the bits that are stored (width 0 when none is); they are one run
    reset : value after reset
    writable : whether a write is acknowledged
    """

    address: int
    register: Register
    element: int
    lane: int
    lsb: int
    width: int
    reset: int
    writable: bool

    @property
    def mask(self) -> int:
        """The stored bits."""
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Segment:
    """Stored bytes at consecutive addresses: storage index = address - offset."""

    address: int
    index: int
    size: int

    @property
    def offset(self) -> int:
        """Difference of address and storage index."""
        return self.address - self.index


@dataclass(frozen=True)
class AddressMap:
    """The registers of one encoder, in the order of their addresses.

    Parameters
    ----------
    name : of the encoder model
    model_sha256 : hash of the model
    weight_bits : bits of the weight image
    weight_blocks : names of the registers that hold the weight image, in order
    keep_blocks : names of the registers that hold the keep mask, in order
    chip_addresses : whether the map keeps the published addresses of the ECON-T

    Raises
    ------
    RegisterError
        When registers overlap or do not fit the 16-bit pointer.
    """

    name: str
    model_sha256: str
    registers: tuple[Register, ...]
    weight_bits: int
    weight_blocks: tuple[str, ...]
    keep_blocks: tuple[str, ...]
    chip_addresses: bool

    def __post_init__(self) -> None:
        end = 0
        for register in self.registers:
            if register.address < end:
                raise RegisterError(f"register {register.name} at {register.address:#06x} overlaps the one before it")
            end = register.end
        if end > ADDRESSES:
            raise RegisterError(
                f"the registers of {self.name} end at {end - 1:#x}; the 16-bit pointer ends at {ADDRESSES - 1:#x}: "
                "make the encoder smaller"
            )

    def register(self, name: str) -> Register:
        """Return a register by name; RegisterError with a suggestion when there is none."""
        for register in self.registers:
            if register.name == name:
                return register
        raise RegisterError(f"register {name!r} is unknown{did_you_mean(name, [r.name for r in self.registers])}")

    @cached_property
    def mapped(self) -> tuple[MappedByte, ...]:
        """Every byte of the map, by address."""
        return tuple(byte for register in self.registers for byte in _bytes(register))

    @cached_property
    def stored(self) -> tuple[MappedByte, ...]:
        """The bytes that have storage; the position is the storage index."""
        return tuple(byte for byte in self.mapped if byte.width)

    @cached_property
    def index(self) -> dict[int, int]:
        """Storage index by address."""
        return {byte.address: i for i, byte in enumerate(self.stored)}

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Runs of stored bytes at consecutive addresses."""
        found: list[Segment] = []
        for i, byte in enumerate(self.stored):
            if found and byte.address == found[-1].address + found[-1].size:
                found[-1] = Segment(found[-1].address, found[-1].index, found[-1].size + 1)
            else:
                found.append(Segment(byte.address, i, 1))
        return tuple(found)

    @property
    def stored_bits(self) -> int:
        """Configuration bits."""
        return sum(byte.width for byte in self.stored)

    def registers_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the registers of a class, one of ``CLASSES``."""
        several = {"keep_mask": self.keep_blocks, "weights": self.weight_blocks}
        return several.get(name, (name,))


def _bytes(register: Register) -> Iterator[MappedByte]:
    for element, reset in enumerate(register.resets):
        for lane in range(register.size):
            here = [f for f in register.fields if f.mask >> 8 * lane & 0xFF]
            stored = sum(f.mask >> 8 * lane & 0xFF for f in here if f.access is Access.READ_WRITE)
            lsb = (stored & -stored).bit_length() - 1 if stored else 0
            width = stored.bit_count()
            if stored != ((1 << width) - 1) << lsb:
                raise RegisterError(f"register {register.name}: the stored bits of a byte must be one run")
            yield MappedByte(
                address=register.address + element * register.size + lane,
                register=register,
                element=element,
                lane=lane,
                lsb=lsb,
                width=width,
                reset=reset >> 8 * lane & 0xFF,
                writable=any(f.access is not Access.READ_ONLY for f in here),
            )
