"""The collaboration's form of the class (ssrothman/cmssw, erdemyigit/cmssw: with `AEinputUtil`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.cmssw.configuration import Parameters
from econ_ae.app.export.cmssw.replica.setup import (
    NODES,
    Doubles,
    Selected,
    Setup,
    decoder_outputs,
    encoder_outputs,
    setup,
)
from econ_ae.errors import DataError

_IMAGE = 64
_NONE = -1

# remap_[u][v]: pixel of the trigger cell at (u, v) in an 8x8 image, row by row.
_PIXEL = np.array(
    [
        [32, 40, 48, 56, -1, -1, -1, -1],
        [24, 33, 41, 49, 57, -1, -1, -1],
        [16, 25, 34, 42, 50, 58, -1, -1],
        [8, 17, 26, 35, 43, 51, 59, -1],
        [0, 9, 18, 27, 28, 29, 30, 31],
        [-1, 1, 10, 19, 20, 21, 22, 23],
        [-1, -1, 2, 11, 12, 13, 14, 15],
        [-1, -1, -1, 3, 4, 5, 6, 7],
    ]
)

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Where modules are, all (n,): signed eta of the centre, u, v, sensor type (0, 1, 2), the detector's layer."""

    eta: Doubles
    u: IntArray
    v: IntArray
    type: IntArray
    layer: IntArray


@dataclass(frozen=True)
class Fork:
    """The class with its parameters.

    Parameters
    ----------
    given : what both forms have
    adc_bits, norm_bits, calq_bits : widths of its integers
    transverse, by_largest, skip : useTransverseADC, normByMax, skipAE
    """

    given: Setup
    adc_bits: int
    norm_bits: int
    calq_bits: int
    transverse: bool
    by_largest: bool
    skip: bool

    @classmethod
    def of(cls, conf: Parameters, folder: Path) -> Fork:
        """Return the class as its constructor leaves it; DataError when it would throw or read beyond its arrays."""
        given = setup(conf, folder, "uint32")
        conf.get("int32", "verbose")
        conf.get("bool", "useModuleFactor")
        conf.get("bool", "saveEncodedValues")
        if given.inputs != _IMAGE:
            raise DataError(f"encoderShape has {given.inputs} pixels; this form of the class fills {_IMAGE}")
        if given.decoder_shape[1] not in {NODES, NODES + 8}:
            raise DataError(f"decoderShape has {given.decoder_shape[1]} columns; the class fills 16 or 24")
        widths = (conf.get("uint32", name) for name in ("bitsPerADC", "bitsPerNorm", "bitsPerCALQ"))
        flags = (conf.get("bool", name) for name in ("useTransverseADC", "normByMax", "skipAE"))
        return cls(given, *widths, *flags)

    @property
    def _norm(self) -> int:
        """Of a cell at eta 0: charges come calibrated, so cosh(eta) is 1 here."""
        return 1 << self.norm_bits >> 1

    def select(
        self, adc: IntArray, lattice: NDArray[np.integer], links: NDArray[np.integer], place: Place | None = None
    ) -> Selected:
        """Return what modules become; their charges are CALQ, and cells are numbered as the columns of ``adc``.

        Parameters
        ----------
        adc : int64 (n, cells), hwPt of trigger cells
        lattice : (cells, 2), (u, v) of every column
        links : of every module (n,)
        place : needed where the decoder is told it
        """
        given = self.given
        pixel = _PIXEL[lattice[:, 0], lattice[:, 1]]
        calq = np.zeros((len(adc), _IMAGE), np.int64)
        calq[:, pixel] = (adc * self._norm) >> (self.adc_bits + self.norm_bits - self.calq_bits)
        total = calq.sum(axis=1)
        inputs = self._inputs(calq, total).astype(np.float32)
        if self.skip:
            encoded, out = np.zeros((len(adc), NODES)), inputs.astype(np.float64)
        else:
            graphs = np.array(given.graphs)[links]
            encoded = self._truncated(encoder_outputs(given, inputs, graphs), links)
            received = self._received(encoded, calq, place)
            out = decoder_outputs(given, received, graphs)
        charges = self._back(out, total, pixel)
        some = total > 0  # modules without charge are left at once
        return Selected(inputs * some[:, None], encoded * some[:, None], charges * some[:, None])

    def _inputs(self, calq: IntArray, total: IntArray) -> Doubles:
        size = 1 << (self.given.bits_per_input - 1)
        if not self.given.bit_shift:
            return np.floor(size * calq / np.maximum(total, 1)[:, None]) / size
        reference = np.bitwise_or.reduce(calq, axis=1) if self.by_largest else total
        msb = np.array([max(int(value).bit_length() - 1, 0) for value in reference])
        shift = (msb - self.given.bits_per_input + 1)[:, None]
        shifted = np.where(shift > 0, calq >> np.maximum(shift, 0), calq << np.maximum(-shift, 0))
        return shifted / size

    def _truncated(self, encoded: Doubles, links: NDArray[np.integer]) -> Doubles:
        bits = np.array(self.given.output_bits)[links][:, None]
        step = 2.0 ** (bits - 1)
        cut = np.minimum(np.floor(encoded * step) / step, 2.0 - 1.0 / step)
        return np.where((bits > 0) & (self.given.most_output_bits > 0), cut, encoded)

    def _received(self, encoded: Doubles, calq: IntArray, place: Place | None) -> NDArray[np.float32]:
        received = np.ones((len(encoded), self.given.decoder_shape[1]), np.float32)
        received[:, :NODES] = encoded
        if received.shape[1] == NODES:
            return received
        if place is None:
            raise DataError("the decoder is told where its modules are, and these modules have no place")
        # The sum leaves out the cell at pixel 0, as the training data of the collaboration do.
        told = calq[:, 1:].sum(axis=1)
        columns = (
            place.eta / 3.1,
            place.v / 12.0,
            place.u / 12.0,
            *(place.type == kind for kind in range(3)),
            np.log(told + 1.0),
            (place.layer - 1.0) / 46.0,
        )
        for column, values in enumerate(columns, start=NODES):
            received[:, column] = values
        return received

    def _back(self, out: Doubles, total: IntArray, pixel: NDArray[np.integer]) -> Doubles:
        values = out[:, pixel]
        output_sum = values.sum(axis=1)
        factor = np.ones(len(out))
        if self.given.preserve_sum:
            factor = np.where(output_sum > 0, total / np.where(output_sum > 0, output_sum, 1.0), 1.0)
        calq = values * factor[:, None]
        adc = calq
        if self.transverse:
            adc = (calq + 0.5) / (self._norm / 2.0 ** (self.adc_bits + self.norm_bits - self.calq_bits))
        return np.where((values > 0) & (adc >= self.given.threshold), calq, 0.0)
