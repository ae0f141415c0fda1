"""The whole trigger path: input words to link words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import autoencoder, best_choice, repeater, super_trigger_cell, threshold_sum
from econ_ae.econt.config import Algorithm, EcontConfig
from econ_ae.econt.frame import Words
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.words import ORBIT, crossings
from econ_ae.errors import DataError

_FRAMES = {
    Algorithm.THRESHOLD_SUM: threshold_sum.frames,
    Algorithm.SUPER_TRIGGER_CELL: super_trigger_cell.frames,
    Algorithm.BEST_CHOICE: best_choice.frames,
    Algorithm.REPEATER: repeater.frames,
    Algorithm.AUTOENCODER: autoencoder.frames,
}


def run(config: EcontConfig, words: NDArray[np.integer]) -> Words:
    """Return the 13 eTX words of every bunch crossing.

    Parameters
    ----------
    config : the registers
    words : integers (n, 12), the ePortRX words of consecutive crossings

    Returns
    -------
    uint32 (n, 13); links that are not in use carry 0

    Raises
    ------
    DataError
        When the input is not (n, 12) words of 32 bits.
    ConfigError
        When the super trigger cell type is 4, which is unpublished.
    """
    return _FRAMES[config.algorithm](config, calibrated_charges(config, words), crossings(words))


def frames(config: EcontConfig, charges: NDArray[np.integer], crossing: NDArray[np.integer] | None = None) -> Words:
    """Return link words, uint32 (n, 13), of calibrated charges behind the mux.

    Parameters
    ----------
    charges : integers (n, 48) of 22 bits, CALQ in the order of the mux outputs
    crossing : bunch crossing of every row; consecutive from 0 when None
    """
    bx = np.arange(len(charges)) % ORBIT if crossing is None else np.asarray(crossing)
    if bx.shape != (len(charges),):
        raise DataError(f"crossings have shape {bx.shape}; expected ({len(charges)},)")
    return _FRAMES[config.algorithm](config, charges, bx)
