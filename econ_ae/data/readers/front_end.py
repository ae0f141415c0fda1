"""Input words through the chip's own mux and calibration: the charges that a configured encoder sees."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from econ_ae.data.batch import Batch, Provenance
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.vectors import read_input
from econ_ae.econt.words import crossings


def read_front_end(path: Path, registers: Path, limit: int | None = None) -> Batch:
    """Read hexadecimal ePortRX words as an ECON-T with these registers does (spec 1 to 3).

    Parameters
    ----------
    path : ``RX_DATA_0..11`` with header nibbles, one crossing a row
    registers : YAML of the chip's registers; field order, density, mux and calibration are taken from it
    limit : most rows to take

    Returns
    -------
    Batch of CALQ, cell i behind the mux is trigger cell i, code 0 is the middle of its bin; metadata ``bx``

    Raises
    ------
    DataError, RegisterError
        When a file cannot be read; the message names file, row and column, or the register.
    """
    config = read_config(registers)
    words = read_input(path)[:limit]
    digest = hashlib.sha256(path.read_bytes() + registers.read_bytes()).hexdigest()
    step = f"read eportrx-hexadecimal through mux and calibration of {registers.name}"
    provenance = Provenance(path.name, synthetic=False, sha256=digest, steps=(step,))
    charges = np.ascontiguousarray(calibrated_charges(config, words)).astype(np.uint32)
    return Batch(charges, provenance, {"bx": crossings(words)})
