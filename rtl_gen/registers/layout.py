"""Which register is where, for any encoder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from rtl_gen.registers.model import Access, AddressMap, Field, Register

MAGIC = int.from_bytes(b"ECAE", "little")
HASH_BYTES = 8
CALIBRATION_BITS = 12
CALIBRATION_ONE = 1 << 11
"""Calibration factor 1.0 (ECON-T: CALQ = charge * factor >> 11)."""

# Ours, in addresses where the ECON-T has blocks that this design does not have.
IDENTIFICATION = 0x0000
CONTROL = 0x0040
STATUS = 0x0050

# Source of these: the public register map of the ECON-T prototype (cmantill/econt_sw).
LINKS = 0x03B0
KEEP_MASK = 0x03B1
MUX = 0x03C4
CALIBRATION = 0x03F4
WEIGHTS = 0x0538
WEIGHT_BLOCKS, WEIGHT_BLOCK_BYTES, WEIGHT_BLOCK_SHIFT = 12, 134, 143

_CHIP_CELLS, _CHIP_KEEP_BITS = 48, 144
_CHIP_WEIGHT_BITS = WEIGHT_BLOCKS * WEIGHT_BLOCK_BYTES * 8
_ALIGNMENT = 16  # of every group of registers where the chip gives no address


def address_map(model: EncoderModel) -> AddressMap:
    """Return the address map of an encoder.

    An encoder of the ECON-T's size (48 cells, 144 latent bits, 12,864 weight bits) has the chip's addresses for links,
    keep mask, mux, calibration and the 12 weight blocks. For any other one these groups follow each other from the
    chip's address of the first on, each at the next multiple of 16, and the weight image is one block.

    An encoder that sends cells has neither links nor keep mask, as its frame follows from its modes; its weight image
    holds the limits and biases of its choice.

    Reset values: mux straight, calibration 1.0, keep mask and links of the model's Pack, weights 0.

    Raises
    ------
    ModelError
        When the model is invalid.
    RegisterError
        When the registers need more than 65,536 addresses.
    """
    check(model)
    cells, keep_bits = model.input.cells, 0 if model.sends_cells else model.latents * model.latent.width
    weight_bits = weights.image_bits(model)
    chip = (cells, keep_bits, weight_bits) == (_CHIP_CELLS, _CHIP_KEEP_BITS, _CHIP_WEIGHT_BITS)
    if chip:
        keep_at, mux_at, calibration_at = KEEP_MASK, MUX, CALIBRATION
        blocks = [(WEIGHTS + WEIGHT_BLOCK_SHIFT * b, 8 * WEIGHT_BLOCK_BYTES) for b in range(WEIGHT_BLOCKS)]
    else:
        keep_at = LINKS + 1
        mux_at = _aligned(keep_at - (-keep_bits // 8))
        calibration_at = _aligned(mux_at + cells * _mux_bytes(cells))
        blocks = [(_aligned(calibration_at + 2 * cells), weight_bits)]
    links, keep = ((), ()) if model.sends_cells else _output(model, keep_at, keep_bits)
    weight = tuple(
        register
        for b, (address, bits) in enumerate(blocks)
        for register in _byte_array(
            f"weights_{b}",
            address,
            bits,
            reset=0,
            field="weight",
            text=f"weight image, from bit {sum(n for _, n in blocks[:b])} on",
        )
    )
    return AddressMap(
        name=model.name,
        model_sha256=codec.sha256(model),
        registers=(
            *_identification(model),
            _control(),
            *_status(),
            *links,
            *keep,
            _mux(mux_at, cells),
            _calibration(calibration_at, cells),
            *weight,
        ),
        weight_bits=weight_bits,
        weight_blocks=tuple(r.name for r in weight),
        keep_blocks=tuple(r.name for r in keep),
        chip_addresses=chip,
    )


def _output(model: EncoderModel, address: int, bits: int) -> tuple[tuple[Register, ...], tuple[Register, ...]]:
    """Return the registers of the links and of the keep mask, which begins at an address."""
    reset = sum(mask << model.latent.width * o for o, mask in enumerate(model.pack.keep))
    text = "bit W o + b keeps bit b of latent o (W bits each)"
    keep = tuple(_byte_array("keep_mask", address, bits, reset=reset, field="keep", text=text))
    elinks = Field("elinks", 4, 4, Access.READ_WRITE, "32-bit output links per bunch crossing")
    return (Register("links", LINKS, 1, (elinks,), (model.pack.elinks << 4,), "Output format."),), keep


def _aligned(address: int) -> int:
    return -(-address // _ALIGNMENT) * _ALIGNMENT


def mux_bits(cells: int) -> int:
    """Return the width of one mux select for so many trigger cells."""
    return max((cells - 1).bit_length(), 1)


def _mux_bytes(cells: int) -> int:
    return 1 if mux_bits(cells) <= 8 else 2


def _byte_array(name: str, address: int, bits: int, *, reset: int, field: str, text: str) -> Iterator[Register]:
    """Yield ``bits`` bits as an array of bytes, and a register for what is left over."""
    full, left = divmod(bits, 8)
    if full:
        byte = Field(field, 0, 8, Access.READ_WRITE, "8 bits, least significant first")
        resets = tuple(reset >> 8 * i & 0xFF for i in range(full))
        yield Register(name, address, 1, (byte,), resets, f"Little-endian bytes: {text}.", array=True)
    if left:
        rest = Field(field, 0, left, Access.READ_WRITE, f"the last {left} bits")
        yield Register(f"{name}_last", address + full, 1, (rest,), (reset >> 8 * full,), f"The end of {name}.")


def _identification(model: EncoderModel) -> Iterator[Register]:
    def constant(name: str, address: int, size: int, value: int, text: str) -> Register:
        return Register(name, address, size, (Field("value", 0, 8 * size, Access.READ_ONLY, text),), (value,), text)

    yield constant("magic", IDENTIFICATION, 4, MAGIC, "The bytes 'ECAE': an encoder answers here.")
    yield constant("spec_version", IDENTIFICATION + 4, 2, model.spec_version, "Version of the encoder's description.")
    first = bytes.fromhex(codec.sha256(model))[:HASH_BYTES]
    text = "First 8 bytes of the model's sha256; the weights that are loaded may be others."
    yield constant("model_hash", IDENTIFICATION + 8, HASH_BYTES, int.from_bytes(first, "little"), text)


def _control() -> Register:
    return Register(
        "control",
        CONTROL,
        1,
        (
            Field("enable", 0, 1, Access.READ_WRITE, "the block takes events"),
            Field("refresh_disable", 1, 1, Access.READ_WRITE, "stops the correction of upsets (for tests)"),
            Field("counters_reset", 2, 1, Access.PULSE, "clears error counter, last address and outside counters"),
            Field("crc_start", 3, 1, Access.PULSE, "computes the CRC-32 of the weight image"),
        ),
        (0,),
        "Control.",
    )


def _status() -> Iterator[Register]:
    read = Access.READ_ONLY
    flags = (
        Field("reconfiguring", 0, 1, read, "bytes were written and no STOP has followed"),
        Field("upset_pending", 1, 1, read, "copies of a configuration bit differ now"),
        Field("crc_busy", 2, 1, read, "the CRC is being computed"),
        Field("crc_valid", 3, 1, read, "the CRC is that of the weights; cleared by every write of a weight"),
    )
    yield Register("flags", STATUS, 1, flags, (0,), "State of the configuration.")
    text = "What the datapath reports (input port `status`)."
    yield Register("datapath", STATUS + 1, 1, (Field("status", 0, 8, read, text),), (0,), text)
    text = "Clocks in which an upset was corrected; stops at 65,535. Held from START on while it is read."
    yield Register("errors", STATUS + 2, 2, (Field("count", 0, 16, Access.CLEAR, text),), (0,), text)
    text = "Byte address of the last corrected upset (the lowest when several were). Held like errors."
    yield Register("last_error", STATUS + 4, 2, (Field("address", 0, 16, read, text),), (0,), text)
    text = "CRC-32 (ISO-HDLC, as zlib.crc32) of the weight image's bytes, when flags.crc_valid is set."
    yield Register("crc", STATUS + 8, 4, (Field("crc", 0, 32, read, text),), (0,), text)


def _mux(address: int, cells: int) -> Register:
    select = Field("select", 0, mux_bits(cells), Access.READ_WRITE, f"input number 0..{cells - 1}")
    text = "Output i of the mux is input select[i]."
    return Register("mux", address, _mux_bytes(cells), (select,), tuple(range(cells)), text, array=True)


def _calibration(address: int, cells: int) -> Register:
    factor = Field("factor", 0, CALIBRATION_BITS, Access.READ_WRITE, f"{CALIBRATION_ONE} is 1.0")
    text = "Calibration factor of every trigger cell behind the mux."
    return Register("calibration", address, 2, (factor,), (CALIBRATION_ONE,) * cells, text, array=True)


def gaps(address_map: AddressMap) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of every range inside the map where nothing answers."""
    for before, after in pairwise(address_map.registers):
        if after.address > before.end:
            yield before.end, after.address - 1
