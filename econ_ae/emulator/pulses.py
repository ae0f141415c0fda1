"""From charges to the pulses of the cells that a model sends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.emulator import cells
from econ_ae.emulator.cells import Pulses
from econ_ae.emulator.layers import Trace, normalise
from econ_ae.ir.model import EncoderModel

_CHUNK = 4096  # events; keeps the arrays in cache


def encode_pulses(model: EncoderModel, charges: NDArray[np.integer], trace: Trace | None = None) -> Pulses:
    """Return what a model of cells sends of charges (n, cells).

    Parameters
    ----------
    trace : when given, filled with the value of every operation by its name

    Raises
    ------
    DataError
        When the shape is wrong or a charge is outside the charge format.
    ModelError
        When the model has layers, not cells.
    """
    code = model.cell_code
    parts: list[tuple[Pulses, dict[str, NDArray[np.int64]]]] = []
    for start in range(0, max(len(charges), 1), _CHUNK):
        raw = np.asarray(charges[start : start + _CHUNK])
        x = normalise(model, raw)
        raw = raw.astype(np.int64)
        rank = cells.order(x)
        mode, exact = cells.choose(code.choose, x, rank, raw)
        sent = np.array([entry.cells for entry in code.choose.modes])[mode]
        total = np.array([entry.pulses for entry in code.choose.modes])[mode]
        charge = np.where(rank < sent[:, None], x, 0) if code.merge is None else cells.merge(code.merge, x, rank, sent)
        shared = cells.apportion(code.apportion, charge, rank, sent, total)
        pulses = np.where(exact[:, None], raw, shared)
        seen = {model.normalise.name: x, code.order.name: rank, code.choose.name: mode, code.apportion.name: pulses}
        if code.merge is not None:
            seen[code.merge.name] = charge
        parts.append((Pulses(mode, exact, pulses), seen))
    if trace is not None:
        trace.update({name: np.concatenate([seen[name] for _, seen in parts]) for name in parts[0][1]})
    return Pulses(
        np.concatenate([part.mode for part, _ in parts]),
        np.concatenate([part.exact for part, _ in parts]),
        np.concatenate([part.pulses for part, _ in parts]),
    )
