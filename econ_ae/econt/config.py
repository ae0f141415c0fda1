"""EcontConfig: every register of the trigger path, typed and validated."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields, replace
from typing import Any

from econ_ae.econt.registers import facts
from econ_ae.errors import RegisterError

CELLS = 48
"""Trigger cells of one ECON-T."""

WEIGHT_BYTES = facts.WEIGHT_BLOCKS * facts.WEIGHT_BLOCK_BYTES
"""Bytes of the autoencoder's weight image (12 blocks of 134)."""


class Numbering(enum.StrEnum):
    """How a register file counts the four trigger cells of an input word (spec 1)."""

    PROTOTYPE = "prototype"  # P1: the first cell is in the least significant bits
    PRODUCTION = "production"  # the first cell is in the most significant bits


class AddressMap(enum.StrEnum):
    """Which cell the most significant bit of a 48-bit address map stands for (spec 8.3)."""

    TC0_FIRST = "tc0-first"
    TC47_FIRST = "tc47-first"


class Algorithm(enum.IntEnum):
    """Values of the algorithm select register."""

    THRESHOLD_SUM = 0
    SUPER_TRIGGER_CELL = 1
    BEST_CHOICE = 2
    REPEATER = 3
    AUTOENCODER = 4


@dataclass(frozen=True)
class EcontConfig:
    """The registers that decide what the trigger path sends; defaults are the chip's.

    Parameters
    ----------
    numbering : cell numbering that the mux registers use; it decides the order of the address map too
    algorithm : which algorithm
    high_density : front ends of a high-density module (3 dropped bits instead of 1)
    mux : 48 input numbers 0..47, in ``numbering``
    calibration : 48 factors of 12 bits, 2048 = 1.0
    threshold : 48 thresholds of 24 bits for the threshold sum; charges have 22, so 2**22 and above send nothing
    drop_lsb : register value, 0..255; values above 4 drop nothing (``dropped_bits``)
    elinks : eTX links in use, 1..13
    buff_t1, buff_t2, buff_t3 : thresholds of the output buffer in 16-bit words
    stc_type : super trigger cell type 0..4 (4 is unpublished and refused when it runs)
    use_sum : send the sum of all cells instead of the unsent ones (threshold sum, best choice)
    sync_word : 16 bits, of which an idle word carries the lower 11
    keep_mask : 144 bits, bit 9 o + b keeps bit b of latent o
    weights : the autoencoder's 1608-byte weight image
    address_map : overrides the order that goes with the numbering, for files whose output does not follow it
    given : names of the fields that a register file set (the others are defaults)

    Raises
    ------
    RegisterError
        When a value does not fit its register.
    """

    numbering: Numbering = Numbering.PROTOTYPE
    algorithm: Algorithm = Algorithm.THRESHOLD_SUM
    high_density: bool = False
    mux: tuple[int, ...] = tuple(range(CELLS))
    calibration: tuple[int, ...] = (facts.FIELDS["calibration"].default,) * CELLS
    threshold: tuple[int, ...] = (facts.FIELDS["threshold"].default,) * CELLS
    drop_lsb: int = facts.FIELDS["drop_lsb"].default
    elinks: int = facts.FIELDS["elinks"].default
    buff_t1: int = facts.FIELDS["buff_t1"].default
    buff_t2: int = facts.FIELDS["buff_t2"].default
    buff_t3: int = facts.FIELDS["buff_t3"].default
    stc_type: int = facts.FIELDS["stc_type"].default
    use_sum: bool = bool(facts.FIELDS["use_sum"].default)
    sync_word: int = facts.FIELDS["sync_word"].default
    keep_mask: int = facts.FIELDS["keep_mask"].default
    weights: bytes = field(default=bytes(WEIGHT_BYTES), repr=False)
    address_map: AddressMap | None = None
    given: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, register in facts.FIELDS.items():
            value = getattr(self, name)
            values = value if isinstance(value, tuple) else (value,)
            if register.count and len(values) != register.count:
                raise RegisterError(f"{name} has {len(values)} entries; expected {register.count}")
            for i, number in enumerate(values):
                where = f"{name}[{i}]" if register.count else name
                register.check(number, where)
        if len(self.weights) != WEIGHT_BYTES:
            raise RegisterError(f"weight image of {len(self.weights)} bytes; expected {WEIGHT_BYTES}")

    @property
    def density(self) -> int:
        """Bits that the front end dropped from each charge: 3 (high density) or 1."""
        return 3 if self.high_density else 1

    @property
    def dropped_bits(self) -> int:
        """Least significant bits that repeater, best choice, threshold sum and STC types 2, 3 drop (spec 4)."""
        return self.drop_lsb if self.drop_lsb <= 4 else 0

    @property
    def tc0_first(self) -> bool:
        """Whether the address map sends trigger cell 0 first."""
        if self.address_map is not None:
            return self.address_map is AddressMap.TC0_FIRST
        return self.numbering is Numbering.PROTOTYPE

    def renumbered(self, numbering: Numbering) -> EcontConfig:
        """Return the same wiring in the other numbering: mux entries XOR 3.

        The address map keeps the order that this configuration sends, as an override when it differs from the order
        that goes with the new numbering.
        """
        if numbering is self.numbering:
            return self
        keeps = AddressMap.TC0_FIRST if self.tc0_first else AddressMap.TC47_FIRST
        plain = AddressMap.TC0_FIRST if numbering is Numbering.PROTOTYPE else AddressMap.TC47_FIRST
        return replace(
            self,
            numbering=numbering,
            mux=tuple(m ^ 3 for m in self.mux),
            address_map=None if keeps is plain else keeps,
        )

    def registers(self) -> dict[str, Any]:
        """Return the register values by field name."""
        skip = ("given", "address_map")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in skip}
