"""The receiver's side: link words to charges or latents, from the transmitted bits alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import autoencoder, best_choice, decode_threshold, super_trigger_cell
from econ_ae.econt.config import CELLS, Algorithm, EcontConfig
from econ_ae.econt.frame_reader import FrameReader, Reconstructed, mid_bin
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat, IntArray

__all__ = ["Latents", "Reconstructed", "decode_autoencoder", "decode_latents", "mid_bin", "reconstruct"]

_CHIP_LATENT = FixedFormat(signed=False, width=autoencoder.LATENT_BITS, fraction=autoencoder.LATENT_BITS - 1)


@dataclass(frozen=True, eq=False)
class Latents:
    """What an autoencoder frame carries.

    Attributes
    ----------
    latents : int64 (n, latents), bits that were not sent are 0
    total : float64 (n,), the module sum from its 5E4M code, decoded at mid-bin, CALQ counts
    """

    latents: IntArray
    total: NDArray[np.float64]


def decode_autoencoder(frames: NDArray[np.integer], config: EcontConfig) -> Latents:
    """Return latents and module sum of the chip's autoencoder frames (n, 13)."""
    return decode_latents(frames, autoencoder.keep_masks(config.keep_mask), elinks=config.elinks)


def decode_latents(
    frames: NDArray[np.integer], keep: tuple[int, ...], *, elinks: int, latent: FixedFormat = _CHIP_LATENT
) -> Latents:
    """Return latents and module sum of frames (n, 13) that ``autoencoder.pack_latents`` made.

    Parameters
    ----------
    keep : one mask per latent; bits that were not sent are 0
    latent : format of the latents; a signed one is sign-extended
    """
    reader = FrameReader(frames, 5)
    total = mid_bin(reader.take(autoencoder.SUM_BITS), autoencoder.SUM_EXPONENT, autoencoder.SUM_MANTISSA)
    padding, fields = autoencoder.kept_fields(keep, elinks)
    reader.skip(padding)
    latents = np.zeros((len(total), len(keep)), np.int64)
    for index, mask, bits in fields:
        value = reader.take(bits)
        places = [b for b in range(latent.width) if mask >> b & 1][:bits]
        for at, place in enumerate(places):
            latents[:, index] |= (value >> at & 1) << place
    if latent.signed:
        latents -= latents >> (latent.width - 1) << latent.width
    return Latents(latents, total)


def reconstruct(frames: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    """Return the charges that a receiver knows from link words.

    Parameters
    ----------
    frames : integers (n, 13), eTX words; consecutive crossings from an empty buffer for the threshold sum
    config : the chip's registers

    Returns
    -------
    Reconstructed: ``charges`` with unsent cells at 0 (plain) or ``filled``. Cells count as CALQ does: behind the mux.

    Raises
    ------
    ConfigError
        For the autoencoder, whose frames hold latents (``decode_autoencoder``), and for super trigger cell type 4.
    """
    if config.algorithm is Algorithm.AUTOENCODER:
        raise ConfigError("autoencoder frames hold latents, no charges; expected decode_autoencoder and a decoder")
    return _READERS[config.algorithm](frames, config)


def _repeater(frames: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    reader = FrameReader(frames, 5)
    codes = np.stack([reader.take(7) for _ in range(CELLS)], axis=1)
    charges = mid_bin(codes, 4, 3, config.dropped_bits)
    return Reconstructed(charges, np.ones(charges.shape, np.bool_), charges.sum(axis=1))


def _super_trigger_cell(frames: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    kind = super_trigger_cell.stc_type(config.stc_type)
    sent_groups = kind.groups_sent(config.elinks)
    reader = FrameReader(frames, 4)
    addresses = [reader.take(kind.address_bits) for _ in range(sent_groups if kind.address_bits else 0)]
    charges = np.zeros((len(frames), CELLS))
    rows = np.arange(len(frames))
    for group in range(sent_groups):
        dropped = config.dropped_bits if kind.drops else 0
        value = mid_bin(reader.take(kind.code_bits), kind.exponent, kind.mantissa, dropped)
        first = group * kind.size
        if kind.address_bits:
            charges[rows, first + addresses[group]] = value
        else:
            charges[:, first : first + kind.size] = value[:, None] / kind.size
    # A group's code is its whole charge, so none of its cells is left to fill.
    sent = np.zeros(charges.shape, np.bool_)
    sent[:, : sent_groups * kind.size] = True
    return Reconstructed(charges, sent, charges.sum(axis=1))


def _best_choice(frames: NDArray[np.integer], config: EcontConfig) -> Reconstructed:
    reader = FrameReader(frames, 4)
    # The sum is taken over charges that have lost the dropped bits.
    sum_code = mid_bin(reader.take(8), 5, 3) * (1 << config.dropped_bits)
    count = best_choice.CELLS_SENT[config.elinks - 1]
    if count < best_choice.MAP_FROM:
        addresses = np.stack([reader.take(best_choice.ADDRESS_BITS) for _ in range(count)], axis=1)
        sent = np.zeros((len(frames), CELLS), np.bool_)
        np.put_along_axis(sent, np.minimum(addresses, CELLS - 1), values=True, axis=1)
    else:
        sent = reader.take_map(tc0_first=config.tc0_first)
        addresses = np.argsort(~sent, axis=1, kind="stable")[:, :count]
    codes = np.stack([reader.take(7) for _ in range(count)], axis=1)
    charges = np.zeros(sent.shape)
    np.put_along_axis(charges, np.minimum(addresses, CELLS - 1), mid_bin(codes, 4, 3, config.dropped_bits), axis=1)
    total = sum_code if config.use_sum else sum_code + charges.sum(axis=1)
    return Reconstructed(charges, sent, total)


_READERS: dict[Algorithm, Callable[[NDArray[np.integer], EcontConfig], Reconstructed]] = {
    Algorithm.REPEATER: _repeater,
    Algorithm.SUPER_TRIGGER_CELL: _super_trigger_cell,
    Algorithm.BEST_CHOICE: _best_choice,
    Algorithm.THRESHOLD_SUM: decode_threshold.reconstruct,
}
