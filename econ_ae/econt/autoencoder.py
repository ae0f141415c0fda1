"""The autoencoder block: the chip's encoder as an EncoderModel, and the frame of its latents (spec 6)."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from econ_ae import emulator, floatcodes
from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import FrameWriter, Words, header5
from econ_ae.econt.frontend import CHARGE_BITS, by_cell
from econ_ae.fixedpoint import FixedFormat, IntArray, Rounding
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Input, Normalise, Pack, Requantise, TrnEach, same_padding
from econ_ae.ir.validate import frame_capacity
from econ_ae.ir.weights import unpack

LATENTS = 16
LATENT_BITS = 9
SUM_EXPONENT, SUM_MANTISSA = 5, 4
SUM_BITS = SUM_EXPONENT + SUM_MANTISSA

_IMAGE_SIZE = 8
_CHUNK = 2048  # events; keeps the intermediate arrays in cache


def _image_cells() -> tuple[int, ...]:
    """Index in x of every pixel: 32 inputs fill rows 0-3, 16 the left half of rows 4-7, the rest is 0 (spec 6.3)."""
    half = _IMAGE_SIZE // 2
    upper = tuple(range(half * _IMAGE_SIZE))
    lower = tuple(
        len(upper) + half * row + col if col < half else -1 for row in range(half) for col in range(_IMAGE_SIZE)
    )
    return upper + lower


ARRANGEMENT = Arrangement("econt-8x8", _IMAGE_SIZE, _IMAGE_SIZE, 1, _image_cells())
"""The block's input image in its own input numbers: which cell is where is the mux's business."""


@functools.cache
def template() -> EncoderModel:
    """Return the chip's encoder with all weights 0.

    The activation between the layers keeps every accumulator: sums of arbitrary images stay below 2**12 at 7
    fractional bits (9 products of at most 255 * 31 >> 5, and a bias), so ``u5.7`` never clips. Behind the normaliser
    the accumulator stays below 384 (spec 6.4). Latents saturate (our choice: no vector reaches 511).
    """
    weight = FixedFormat.parse("s0.5")
    pad = same_padding(_IMAGE_SIZE, 3, 2)

    def zeros(*shape: int) -> IntArray:
        return np.zeros(shape, np.int64)

    ops = (
        Normalise(FixedFormat.parse("u1.7")),
        Conv2D("conv", zeros(3, 3, 1, 8), zeros(8), weight, weight, (2, 2), (pad, pad), TrnEach(7)),
        Requantise("conv_relu", True, FixedFormat.parse("u5.7"), Rounding.TRN),
        Dense("dense", zeros(128, LATENTS), zeros(LATENTS), weight, weight, TrnEach(8)),
        Requantise("dense_relu", True, FixedFormat.parse("u1.8"), Rounding.TRN),
        Pack(((1 << LATENT_BITS) - 1,) * LATENTS, 5),
    )
    charge = FixedFormat(signed=False, width=CHARGE_BITS, fraction=0)
    return EncoderModel("econ_t_chip", Input(CELLS, charge, ARRANGEMENT), ops)


def keep_masks(keep_mask: int) -> tuple[int, ...]:
    """Split the 144-bit keep mask into one 9-bit mask per latent (spec 6.7)."""
    return tuple(keep_mask >> LATENT_BITS * o & (1 << LATENT_BITS) - 1 for o in range(LATENTS))


def joined_mask(keep: tuple[int, ...]) -> int:
    """Return the 144-bit keep mask of one mask per latent; inverts ``keep_masks``."""
    return sum(mask << LATENT_BITS * o for o, mask in enumerate(keep))


@functools.lru_cache(maxsize=8)
def _model(weights: bytes, keep_mask: int, elinks: int) -> EncoderModel:
    model = unpack(template(), weights)
    ops = (*model.ops[:-1], Pack(keep_masks(keep_mask), elinks))
    return EncoderModel(model.name, model.input, ops)


def encoder_model(config: EcontConfig) -> EncoderModel:
    """Return the encoder that the registers describe; its input cells are the block's inputs behind the mux."""
    return _model(config.weights, config.keep_mask, config.elinks)


def kept_fields(keep: tuple[int, ...], elinks: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return what the frame carries of the latents: (zero bits in front, fields in sending order).

    A field is (latent, mask of its kept bits, bits sent); latent 15 comes first. When more bits are kept than fit,
    the least significant ones of the whole row are sent, so a field may lose its upper bits.
    """
    capacity = frame_capacity(elinks)
    kept = sum(mask.bit_count() for mask in keep)
    excess = max(kept - capacity, 0)
    fields = []
    for latent in reversed(range(len(keep))):
        bits = keep[latent].bit_count()
        lost = min(bits, excess)
        excess -= lost
        if bits > lost:
            fields.append((latent, keep[latent], bits - lost))
    return max(capacity - kept, 0), fields


@functools.lru_cache(maxsize=128)
def _squeeze_table(mask: int, width: int) -> IntArray:
    """For every value of ``width`` bits its bits under ``mask``, moved together."""
    values = np.arange(1 << width)
    out = np.zeros_like(values)
    places = [b for b in range(width) if mask >> b & 1]
    for to, b in enumerate(places):
        out |= (values >> b & 1) << to
    return out


def pack_latents(
    latents: NDArray[np.integer],
    sum_codes: NDArray[np.integer],
    crossing: NDArray[np.integer],
    keep: tuple[int, ...],
    *,
    elinks: int,
    width: int = LATENT_BITS,
) -> Words:
    """Return link words, uint32 (n, 13): {header5, 9-bit sum code, padding, kept bits of the last ... first latent}.

    Parameters
    ----------
    latents : integers (n, latents) of ``width`` bits; negative ones are sent in two's complement
    sum_codes : 5E4M codes of the module sums (n,)
    crossing : bunch crossings (n,)
    keep : one mask per latent
    """
    writer = FrameWriter(len(latents))
    writer.put(header5(crossing), 5)
    writer.put(sum_codes, SUM_BITS)
    padding, fields = kept_fields(keep, elinks)
    writer.bits += padding
    everything = (1 << width) - 1
    columns = np.ascontiguousarray(latents.T) & everything
    for latent, mask, bits in fields:
        value = columns[latent] if mask == everything else _squeeze_table(mask, width)[columns[latent]]
        writer.put(value & ((1 << bits) - 1), bits)
    return writer.words


def sum_code(charges: NDArray[np.integer]) -> IntArray:
    """Return the 5E4M code of every event's module sum, int64 (n,), of charges (n, cells)."""
    return floatcodes.encode(charges.sum(axis=1, dtype=np.int64), SUM_EXPONENT, SUM_MANTISSA)


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13), of charges (n, 48), computed by ``econ_ae.emulator``."""
    model = encoder_model(config)
    columns = by_cell(charges)
    out = np.empty((columns.shape[1], 13), np.uint32)
    for start in range(0, len(out), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = columns[:, rows]
        latents = emulator.encode(model, part.T)
        codes = sum_code(part.T)
        out[rows] = pack_latents(latents, codes, crossing[rows], model.pack.keep, elinks=config.elinks)
    return out
