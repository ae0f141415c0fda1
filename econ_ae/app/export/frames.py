"""Frames as receivers outside of Python get them: words, fields, the frames of events, what else is told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.econt import cell_frame
from econ_ae.econt.autoencoder import SUM_BITS, pack_latents, sum_code
from econ_ae.emulator import encode, encode_pulses
from econ_ae.ir.cells import Fields, set_bits
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity
from econ_ae.tensor.program import Program

HEADER_BITS = 5
_WORD = 32


def frame_words(model: EncoderModel) -> int:
    """Return the words of a frame: one per eLink, as many as bits can be in."""
    return -(-(HEADER_BITS + SUM_BITS + frame_capacity(model.elinks)) // _WORD)


def frames(model: EncoderModel, charges: NDArray[np.integer], crossing: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Return the frames of events, uint32 (n, words).

    Parameters
    ----------
    charges : (n, cells), CALQ counts
    crossing : (n,), bunch crossings 0..3563
    """
    if model.sends_cells:
        found = cell_frame.frames(model, encode_pulses(model, charges), charges, crossing)
    else:
        pack, latents = model.pack, encode(model, charges)
        found = pack_latents(
            latents, sum_code(charges), crossing, pack.keep, elinks=pack.elinks, width=model.latent.width
        )
    return np.ascontiguousarray(found[:, : frame_words(model)], np.uint32)


def fields_of(model: EncoderModel, fields: Fields) -> list[int]:
    """Return how the pulses of a mode are laid into bits; a mode without such a frame has numbers that nothing reads.

    Cells, parts, most pulses, low bits, places, high bits, bits of the position, zeros in front.
    """
    used = model.cell_code.choose.mode_bits + 1 + fields.bits(model.input.cells)
    position = set_bits(model.input.cells, fields.cells)
    zeros = max(frame_capacity(model.elinks) - used, 0)
    numbers = [fields.cells, fields.parts, fields.total, fields.low_bits, fields.places, fields.high_bits]
    return [*numbers, position, zeros]


def conditions(decoder: Program) -> list[str]:
    """Return the inputs of a decoder that do not come from the frame."""
    return [value.name for value in decoder.inputs if value.name in DEFINITIONS]


def told(names: Iterable[str], rows: Batch) -> dict[str, NDArray[np.float32]]:
    """Return conditions by name as they are in the data, float32 (n, 1)."""
    return {name: np.asarray(rows.metadata[DEFINITIONS[name].column], np.float32)[:, None] for name in names}
