"""Events at the borders of what a model of cells decides: without loss or not, and into which class."""

from __future__ import annotations

import numpy as np

from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel


def border_events(model: EncoderModel) -> IntArray:
    """Return charges, int64 (n, cells), of a model that sends cells.

    For every mode without loss: its number of cells with exactly its sum, in equal parts and all but ones in one cell,
    with one more, and with ones only; the same charges in one cell more. For every number of cells: so many equal
    charges that are too large to go without loss, so that every limit of the classes is met from both sides.
    """
    cells, top = model.input.cells, model.input.charge.max
    rows = [np.repeat([top, 0], [k, cells - k]) for k in range(1, cells + 1)]
    for mode in model.cell_code.choose.modes:
        if mode.exact_sum:
            equal = np.repeat([mode.exact_sum // mode.cells, 0], [mode.cells, cells - mode.cells])
            equal[0] += mode.exact_sum - equal.sum()
            one = np.repeat([1, 0], [mode.cells, cells - mode.cells])
            most = one[::-1].copy()
            most[-1] += mode.exact_sum - mode.cells
            above, wider = most.copy(), most.copy()
            above[-1] += 1
            wider[cells - min(mode.cells + 1, cells)] = 1
            rows += [equal, one, most, above, wider]
    return np.minimum(np.array(rows, np.int64), top)
