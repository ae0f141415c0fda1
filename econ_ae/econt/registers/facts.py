"""The facts of the ECON-T's register map that the trigger path needs: addresses, widths, defaults.

Restated from the public register map of the first prototype (cmantill/econt_sw): base address, bytes, bits and default
of each register. Thresholds have 24 bits of which a charge can reach 22, the sync word has 16 of which 11 are sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from econ_ae.errors import RegisterError

WEIGHT_BLOCKS = 12
WEIGHT_BLOCK_BYTES = 134
WEIGHT_BLOCK_BASE = 0x0538
WEIGHT_BLOCK_SHIFT = 143  # blocks are 143 addresses apart, 134 of them used
WEIGHT_REGISTERS: dict[str, tuple[int, int]] = {
    f"weights_byte{n}": (n, 16 if n < 128 else 6) for n in range(0, 129, 16)
}
"""Weight registers of a block: name -> (first byte, bytes)."""


@dataclass(frozen=True)
class Register:
    """One register, or 48 equal ones.

    Parameters
    ----------
    address : byte address of the first one
    size : bytes of one register
    bits : bits of the value
    default : value after reset
    step : what the default grows by from one of the 48 to the next
    count : 48 for a register per trigger cell, 0 for a single one
    stride : addresses from one to the next
    shift : position of the value in its byte
    low, high : allowed values; ``high`` defaults to the largest value of ``bits``
    pattern : a bit pattern, not a number: a file may write it as a negative number in two's complement
    """

    address: int
    size: int
    bits: int
    default: int
    count: int = 0
    stride: int = 0
    shift: int = 0
    low: int = 0
    high: int | None = None
    pattern: bool = False
    step: int = 0

    @property
    def range(self) -> str:
        """The allowed values, for errors."""
        return f"{self.low}..{self.largest}" if self.bits <= 40 else f"0..2**{self.bits} - 1 ({self.bits} bits)"

    def default_of(self, channel: int) -> int:
        """Value of one of ``count`` registers after reset."""
        return self.default + self.step * channel

    @property
    def largest(self) -> int:
        """Largest allowed value."""
        return (1 << self.bits) - 1 if self.high is None else self.high

    def check(self, value: object, name: str) -> int:
        """Return ``value`` as an int; RegisterError that names the register when it is none or out of range."""
        if not isinstance(value, int):
            raise RegisterError(f"{name} is {value!r}; expected an integer {self.range}")
        if not self.low <= value <= self.largest:
            sign = "negative " if value < 0 else ""
            shown = value if abs(value) < 1 << 40 else f"a {sign}number of {value.bit_length()} bits"
            raise RegisterError(f"{name} is {shown}; expected {self.range}")
        return int(value)


FLAT_SYNC_WORD = 0x122  # the public emulator's, which a flat register file means when it names no idle pattern
# One byte, reset value 0x25: eLinks in bits 7-4, use_sum in bit 2, STC type in bits 1-0 (3 bits in production).
FORMAT_DEFAULT = 0x25
PROTOTYPE_STC_TYPE_MAX = 3
ACTIVE_ETXS_MASK = Register(0x03B0, 2, 13, 0x3, low=1)  # production's form of elinks; its address is not published
MASK_AE = Register(0x03B1, 16, 128, (1 << 128) - 1, pattern=True)
MASK_AE2 = Register(0x03C1, 2, 16, 0xFFFF, pattern=True)

FIELDS: dict[str, Register] = {
    "algorithm": Register(0x0454, 1, 3, 0, high=4),
    "high_density": Register(0x0454, 1, 1, 0, shift=3),
    "mux": Register(0x03C4, 1, 6, 0, count=48, stride=1, high=47, step=1),
    "calibration": Register(0x03F4, 2, 12, 2048, count=48, stride=2),
    "threshold": Register(0x0455, 3, 24, 0, count=48, stride=3),
    "drop_lsb": Register(0x04E5, 1, 8, 0),
    "elinks": Register(0x03B0, 1, 4, FORMAT_DEFAULT >> 4, shift=4, low=1, high=13),
    "buff_t1": Register(0x03AB, 2, 16, 0x0030),
    "buff_t2": Register(0x03AD, 2, 16, 0x01FF),
    "buff_t3": Register(0x03AF, 1, 8, 0x00),
    "stc_type": Register(0x03B0, 1, 3, FORMAT_DEFAULT & 3, high=4),
    "use_sum": Register(0x03B0, 1, 1, FORMAT_DEFAULT >> 2 & 1, shift=2),
    "sync_word": Register(0x03A9, 2, 16, 0x70F),
    "keep_mask": Register(0x03B1, 18, 144, (1 << 144) - 1, pattern=True),
}
"""The register behind every integer field of ``EcontConfig``."""

OTHER_BLOCKS = (
    "CH_ALIGNER_*INPUT_ALL",
    "CH_EPRXGRP_*INPUT_ALL",
    "CH_ERR_*INPUT_ALL",
    "CH_ERR_12_ALL",
    "ALIGNER_ALL",
    "ERRTOP_ALL",
    "EPRXGRP_TOP_ALL",
    "FCTRL_ALL",
    "ERX_ALL",
    "ETX_ALL",
    "PLL_ALL",
    "MISC_ALL",
)
"""Blocks of the map that serve links, clocks and error counters: known by name, not interpreted here."""
