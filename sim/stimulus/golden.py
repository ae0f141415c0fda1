"""What a block must give: events and configuration in, every output of every event out, by econ_ae's own models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae import emulator, floatcodes
from econ_ae.econt import autoencoder, cell_frame
from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.frame import header5
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.words import ORBIT, pack_codes
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity
from rtl_gen.verilog import DATAPATH, ENCODER, Port, VerilogOptions, ports
from sim.stimulus.buses import Bits, from_fields
from sim.stimulus.settings import FRAME_WORDS, UNIT, Settings

LINK_BITS = 32
_TABLE_BITS = 12


def takes_codes(options: VerilogOptions) -> bool:
    """Tell whether the block's events are codes rather than charges."""
    return options.block == DATAPATH and options.front_end


def live_pixels(model: EncoderModel) -> NDArray[np.bool_]:
    """Return which pixels have a trigger cell, bool (rows, cols, channels)."""
    return np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape) >= 0


def expected_latents(model: EncoderModel, images: IntArray) -> IntArray:
    """Return what the encoder must give, int64 (n, latents); pixels without a trigger cell read as zero."""
    return emulator.encode_images(model, images * live_pixels(model))


def configuration(settings: Settings, block: tuple[Port, ...]) -> dict[str, int]:
    """Return the value of every configuration port of a block."""
    width = 0 if settings.model.sends_cells else settings.model.latent.width
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
    factors = settings.calibration if options.calibration else (UNIT,) * len(settings.calibration)
    if codes.shape[1] == CELLS and max(settings.mux) < CELLS:
        config = EcontConfig(high_density=options.density == 3, mux=settings.mux, calibration=factors)
        return calibrated_charges(config, pack_codes(codes, config.numbering)).astype(np.int64)
    # A select beyond the last cell reads code 0.
    padded = np.concatenate([codes, np.zeros((len(codes), 1), np.int64)], axis=1)
    chosen = padded[:, np.minimum(settings.mux, codes.shape[1])]
    return floatcodes.decode_4e3m(chosen, options.density) * np.array(factors) >> 11


def images_of(events: IntArray, settings: Settings, options: VerilogOptions) -> IntArray:
    """Return the input images, int64 (n, rows, cols, channels), that a block's events become."""
    if options.block == ENCODER:
        return events * live_pixels(settings.model)
    charges = charges_of(events, settings, options) if takes_codes(options) else events
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
        return {"latents": from_fields(expected_latents(model, events), model.latent.width)}
    charges = charges_of(events, settings, options) if takes_codes(options) else events
    if model.sends_cells:
        words = cell_frame.frames(model, emulator.encode_pulses(model, charges), charges, crossing)
        frame = from_fields(words[:, FRAME_WORDS - 1 :: -1].astype(np.int64), LINK_BITS)
        return {"sum_code": _sum_codes(charges), "frame": frame}
    latents = emulator.encode(model, charges)
    found = {"latents": from_fields(latents, model.latent.width), "sum_code": _sum_codes(charges)}
    if options.block == DATAPATH:
        found["frame"] = frames(settings, latents, autoencoder.sum_code(charges), crossing)
    return found


def _sum_codes(charges: IntArray) -> Bits:
    return from_fields(autoencoder.sum_code(charges)[:, None], autoencoder.SUM_BITS)


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
