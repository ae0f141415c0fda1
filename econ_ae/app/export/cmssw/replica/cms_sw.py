"""The class in the release (cms-sw/cmssw, `HGCalConcentratorAutoEncoderImpl::select`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.cmssw.configuration import Parameters
from econ_ae.app.export.cmssw.replica.setup import (
    CELLS,
    NODES,
    Doubles,
    Selected,
    Setup,
    decoder_outputs,
    encoder_outputs,
    round_away,
    setup,
)
from econ_ae.errors import DataError

_MOST_INPUTS = 192

# cellUVremap_[u][v]: number of the trigger cell at (u, v).
_CELL = np.array(
    [
        [47, 46, 45, 44, -1, -1, -1, -1],
        [16, 43, 42, 41, 40, -1, -1, -1],
        [20, 17, 39, 38, 37, 36, -1, -1],
        [24, 21, 18, 35, 34, 33, 32, -1],
        [28, 25, 22, 19, 3, 7, 11, 15],
        [-1, 29, 26, 23, 2, 6, 10, 14],
        [-1, -1, 30, 27, 1, 5, 9, 13],
        [-1, -1, -1, 31, 0, 4, 8, 12],
    ]
)


@dataclass(frozen=True)
class CmsSw:
    """The class with its parameters.

    Parameters
    ----------
    given : what both forms have
    remap, once : cellRemap and cellRemapNoDuplicates
    """

    given: Setup
    remap: tuple[int, ...]
    once: tuple[int, ...]

    @classmethod
    def of(cls, conf: Parameters, folder: Path) -> CmsSw:
        """Return the class as its constructor leaves it; DataError when it would throw."""
        given = setup(conf, folder, "int32")
        remap, once = conf.get("vint32", "cellRemap"), conf.get("vint32", "cellRemapNoDuplicates")
        if len(remap) != given.inputs or len(once) != len(remap) or given.inputs > _MOST_INPUTS:
            raise DataError(
                f"cellRemap has {len(remap)} values, cellRemapNoDuplicates {len(once)}; expected {given.inputs} each, "
                f"as encoderShape says, at most {_MOST_INPUTS}"
            )
        if max(*remap, *once) > CELLS - 1:
            raise DataError(f"cellRemap names cell {max(*remap, *once)}; expected at most {CELLS - 1}")
        if given.decoder_shape[1] != NODES:
            raise DataError(f"decoderShape has {given.decoder_shape[1]} columns; the class fills {NODES}")
        return cls(given, remap, once)

    def select(self, mip: Doubles, lattice: NDArray[np.integer], links: NDArray[np.integer]) -> Selected:
        """Return what modules become.

        Parameters
        ----------
        mip : float64 (n, cells), transverse charge of trigger cells, MIP_T
        lattice : (cells, 2), (u, v) of every column of ``mip``
        links : of every module (n,)
        """
        given = self.given
        by_number = np.zeros((len(mip), CELLS))
        by_number[:, _CELL[lattice[:, 0], lattice[:, 1]]] = mip
        total = mip.sum(axis=1)
        normalization = total.copy()
        if given.bit_shift:
            with np.errstate(divide="ignore"):
                exponent = np.where(total > 0, np.trunc(np.log2(total)), 0.0)
            normalization = np.where(total > 0, 2.0**exponent, total)
        images = np.zeros((len(mip), given.inputs))
        divisor = np.where(total > 0, normalization, 1.0)[:, None]
        for pixel, cell in enumerate(self.remap):
            if cell >= 0:
                images[:, pixel] = by_number[:, cell]
        images = images / divisor
        if given.bits_per_input > 0:
            size = 2.0**given.bits_per_input
            images = round_away(images * size) / size
        inputs = images.astype(np.float32)
        graphs = np.array(given.graphs)[links]
        encoded = self._truncated(encoder_outputs(given, inputs, graphs), links)
        out = decoder_outputs(given, encoded.astype(np.float32), graphs)
        return Selected(inputs, encoded, self._back(out, total, normalization))

    def _truncated(self, encoded: Doubles, links: NDArray[np.integer]) -> Doubles:
        bits = np.array(self.given.output_bits)[links][:, None]
        cut = (bits > 0) & (self.given.most_output_bits > 0)
        size = 2.0 ** np.maximum(bits, 0)
        return np.where(cut, round_away(encoded * size) / size, encoded)

    def _back(self, out: Doubles, total: Doubles, normalization: Doubles) -> Doubles:
        values, output_sum = np.zeros((len(out), CELLS)), np.zeros(len(out))
        for pixel, cell in enumerate(self.once):
            if cell >= 0:
                output_sum += out[:, pixel] * normalization
                values[:, cell] = out[:, pixel]
        factor = np.ones(len(out))
        if self.given.preserve_sum:
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = total / output_sum
        mip = values * (normalization * factor)[:, None]
        kept = (values > 0) & (total > 0)[:, None] & (mip >= self.given.threshold)
        return np.where(kept, mip, 0.0)
