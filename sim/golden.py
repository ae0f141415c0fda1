"""What a block must give: events and configuration in, every output of every event out, by econ_ae's own models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae import emulator, floatcodes
from econ_ae.econt import autoencoder
from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import header5
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.words import ORBIT, pack_codes
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity
from rtl_gen.verilog import DATAPATH, ENCODER, Port, VerilogOptions, ports
from sim.buses import Bits, from_fields, from_number

FRAME_WORDS, LINK_BITS = 5, 32
_TABLE_BITS = 12
_UNIT = 2048


@dataclass(frozen=True, eq=False)
class Settings:
    """The configuration inputs of a block.

    Parameters
    ----------
    name : for reports
    model : gives the weights
    mux : input cell of every cell
    calibration : factor of every cell, 2048 = 1
    keep : one mask per latent
    elinks : eLinks in use, 0..15 (the width of the port)
    """

    name: str
    model: EncoderModel
    mux: tuple[int, ...]
    calibration: tuple[int, ...]
    keep: tuple[int, ...]
    elinks: int

    @classmethod
    def plain(cls, model: EncoderModel, name: str = "model") -> Settings:
        """Return identity mux, factors 1, and the model's own keep masks and eLinks (at most 5)."""
        cells = range(model.input.cells)
        return cls(
            name, model, tuple(cells), (_UNIT,) * len(cells), model.pack.keep, min(model.pack.elinks, FRAME_WORDS)
        )


def configuration(settings: Settings, block: tuple[Port, ...]) -> dict[str, int]:
    """Return the value of every configuration port of a block."""
    width = settings.model.latent.width
    select = max(1, (settings.model.input.cells - 1).bit_length())
    values = {
        "weights": int.from_bytes(weights.pack(settings.model), "little"),
        "mux": sum(cell << select * i for i, cell in enumerate(settings.mux)),
        "calibration": sum(factor << 12 * i for i, factor in enumerate(settings.calibration)),
        "keep_mask": sum(mask << width * i for i, mask in enumerate(settings.keep)),
        "elinks": settings.elinks,
    }
    return {port.name: values[port.name] for port in block if port.role == "configuration"}


def crossings(bx0: NDArray[np.bool_], first: int = 0) -> IntArray:
    """Return the bunch crossing of every event, int64 (n,): ``first`` goes on until an event has bx0; 3563 wraps."""
    event = np.arange(len(bx0))
    start = np.maximum.accumulate(np.where(bx0, event, -1))
    return np.where(start >= 0, event - start, event + first) % ORBIT


def charges_of(codes: IntArray, settings: Settings, options: VerilogOptions) -> IntArray:
    """Return the calibrated charges, int64 (n, cells), of trigger-cell codes (n, cells) in front of the mux."""
    factors = settings.calibration if options.calibration else (_UNIT,) * len(settings.calibration)
    if codes.shape[1] == CELLS and max(settings.mux) < CELLS:
        config = EcontConfig(high_density=options.density == 3, mux=settings.mux, calibration=factors)
        return calibrated_charges(config, pack_codes(codes, config.numbering)).astype(np.int64)
    # A select beyond the last cell reads code 0.
    padded = np.concatenate([codes, np.zeros((len(codes), 1), np.int64)], axis=1)
    chosen = padded[:, np.minimum(settings.mux, codes.shape[1])]
    return floatcodes.decode_4e3m(chosen, options.density) * np.array(factors) >> 11


def images_of(events: IntArray, settings: Settings, options: VerilogOptions) -> IntArray:
    """Return the input images, int64 (n, rows, cols, channels), that a block's events become."""
    codes = options.block == DATAPATH and options.front_end
    charges = charges_of(events, settings, options) if codes else events
    return emulator.input_images(settings.model.input, settings.model.normalise, charges)


def expected(settings: Settings, options: VerilogOptions, events: IntArray, crossing: IntArray) -> dict[str, Bits]:
    """Return every event output of a block, bit arrays uint8 (n, width) with the least significant bit first.

    Parameters
    ----------
    events : int64 (n, cells), codes or charges, or images (n, rows, cols, channels), whatever the block takes
    crossing : bunch crossing of every event; used by the datapath
    """
    model = settings.model
    if options.block == ENCODER:
        live = np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape) >= 0
        return {"latents": from_fields(emulator.encode_images(model, events * live), model.latent.width)}
    codes = options.block == DATAPATH and options.front_end
    charges = charges_of(events, settings, options) if codes else events
    latents = emulator.encode(model, charges)
    sum_codes = floatcodes.encode(charges.sum(axis=1), autoencoder.SUM_EXPONENT, autoencoder.SUM_MANTISSA)
    found = {
        "latents": from_fields(latents, model.latent.width),
        "sum_code": from_fields(sum_codes[:, None], autoencoder.SUM_BITS),
    }
    if options.block == DATAPATH:
        found["frame"] = frames(settings, latents, sum_codes, crossing)
    return found


def frames(settings: Settings, latents: IntArray, sum_codes: IntArray, crossing: IntArray) -> Bits:
    """Return the frames, uint8 (n, 160); the chip's formatter, or the same rule for latents too wide for its tables."""
    latent, elinks = settings.model.latent, min(settings.elinks, FRAME_WORDS)
    if elinks and latent.width <= _TABLE_BITS:
        words = autoencoder.pack_latents(latents, sum_codes, crossing, settings.keep, elinks=elinks, width=latent.width)
        # eTX0 holds the most significant bits.
        return from_fields(words[:, FRAME_WORDS - 1 :: -1].astype(np.int64), LINK_BITS)
    return general_frames(settings, latents, sum_codes, crossing)


def general_frames(settings: Settings, latents: IntArray, sum_codes: IntArray, crossing: IntArray) -> Bits:
    """Return the frames of latents of any format, uint8 (n, 160): kept bits in order, cut or padded at the top."""
    latent, elinks = settings.model.latent, min(settings.elinks, FRAME_WORDS)
    keep = np.array([mask >> b & 1 for mask in settings.keep for b in range(latent.width)], np.bool_)
    if elinks == 0:
        return np.zeros((len(latents), LINK_BITS * FRAME_WORDS), np.uint8)
    capacity = frame_capacity(elinks)
    kept = from_fields(latents, latent.width)[:, keep][:, :capacity]
    out = np.zeros((len(latents), LINK_BITS * FRAME_WORDS), np.uint8)
    bottom = LINK_BITS * (FRAME_WORDS - elinks)
    out[:, bottom : bottom + kept.shape[1]] = kept
    out[:, -14:] = np.concatenate(
        [from_fields(sum_codes[:, None], 9), from_fields(header5(crossing)[:, None], 5)], axis=1
    )
    return out


def inputs(model: EncoderModel, options: VerilogOptions, events: IntArray, bx0: NDArray[np.bool_]) -> dict[str, Bits]:
    """Return every event input of a block, bit arrays uint8 (n, width)."""
    flat = events.reshape(len(events), -1)
    found: dict[str, Bits] = {}
    for port in ports(model, options):
        if port.role == "event" and port.direction == "input":
            data = (
                bx0.astype(np.uint8)[:, None] if port.name == "bx0" else from_fields(flat, port.width // flat.shape[1])
            )
            found[port.name] = data
    return found


def configuration_bits(values: Mapping[str, int], block: tuple[Port, ...]) -> dict[str, Bits]:
    """Return configuration values as bit rows, uint8 (1, width)."""
    return {port.name: from_number(values[port.name], port.width) for port in block if port.name in values}
