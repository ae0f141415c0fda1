"""From modes, sets of cells and codes to link words and back: the frames of best choice with adaptive precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_BITS
from econ_ae.econt.frame import ETX, FrameWriter, Words, header5
from econ_ae.econt.frame_reader import FrameReader
from econ_ae.errors import DataError
from metrics.rivals.layout import COUNT_BITS, HEADER_BITS, MODE_BITS, Form, Layout, states
from metrics.rivals.ranks import CELLS, CHOOSE, BoolArray, IntArray, rank_bits, rank_of, set_of

_WORD = 32
_START = HEADER_BITS + SUM_BITS + MODE_BITS


@dataclass(frozen=True, eq=False)
class Content:
    """What is in the frames of n events.

    Parameters
    ----------
    mode : int64 (n,), bits of each sent cell
    sent : bool (n, 48), cells that are in the frame
    codes : int64 (n, 48), below 2**mode where sent, else 0
    whole : bool (n,), no other cell has charge
    sums : int64 (n,), 5E4M codes of the module sums
    """

    mode: IntArray
    sent: BoolArray
    codes: IntArray
    whole: BoolArray
    sums: IntArray


def pack(layout: Layout, content: Content, crossing: NDArray[np.integer]) -> Words:
    """Return link words, uint32 (n, 13).

    Parameters
    ----------
    content : with at most ``layout.most[mode]`` cells sent, ``layout.cut[mode]`` where these are not the whole
    crossing : bunch crossings 0..3563 (n,)

    Raises
    ------
    DataError
        When more cells are sent than fit.
    """
    out = np.zeros((len(content.mode), ETX), np.uint32)
    count = content.sent.sum(axis=1)
    first = np.argsort(~content.sent, axis=1, kind="stable")
    codes = np.take_along_axis(content.codes, first, axis=1)
    for rows, n, k in _groups(layout, content.mode, count):
        writer = FrameWriter(len(rows))
        writer.put(header5(crossing[rows]), HEADER_BITS)
        writer.put(content.sums[rows], SUM_BITS)
        writer.put(np.full(len(rows), n), MODE_BITS)
        sent, fields = content.sent[rows], codes[rows, :k]
        more = (~content.whole[rows]).astype(np.int64)
        if layout.form is Form.JOINED:
            number = np.zeros(len(rows), np.int64)
            for column in fields.T:
                number = number << n | column
            number += (rank_of(sent) << n * k) + np.where(more, _above(layout, n), _fewer(n, k))
            _put(writer, number, layout.number_bits)
        else:
            if layout.form is Form.MAP:
                writer.put_map(sent.T, tc0_first=True)
            else:
                writer.put(np.where(more, layout.most[n] + 1, k), COUNT_BITS)
                _put(writer, rank_of(sent), rank_bits(k))
            for column in fields.T:
                writer.put(column, n)
            if layout.form is Form.MAP and k == layout.cut[n]:
                writer.bits = _WORD * layout.elinks - 1
                writer.put(more, 1)
        out[rows] = writer.words
    return out


def unpack(layout: Layout, frames: NDArray[np.integer]) -> Content:
    """Return what is in frames, integers (n, 13); inverts ``pack``.

    Raises
    ------
    DataError
        When a frame has no mode of this layout, more cells than fit, or no set with its rank.
    """
    reader = FrameReader(frames, HEADER_BITS)
    sums, mode = reader.take(SUM_BITS), reader.take(MODE_BITS)
    odd = ~np.isin(mode, layout.modes)
    if odd.any():
        expected = ", ".join(map(str, layout.modes))
        raise DataError(f"the frame of row {np.argmax(odd)} has mode {mode[odd][0]}; expected one of {expected}")
    sent = np.zeros((len(mode), CELLS), np.bool_)
    codes = np.zeros((len(mode), CELLS), np.int64)
    count, whole = _counts(layout, reader, mode)
    for rows, n, k in _groups(layout, mode, count):
        found = FrameReader(frames[rows], _START)
        if layout.form is Form.JOINED:
            number = _take(found, layout.number_bits) - np.where(whole[rows], _fewer(n, k), _above(layout, n))
            cells = _sets(number >> n * k, n, k)
            fields = [number >> n * (k - 1 - i) & ((1 << n) - 1) for i in range(k)]
        else:
            if layout.form is Form.MAP:
                cells = found.take_map(tc0_first=True)
            else:
                found.skip(COUNT_BITS)
                cells = _sets(_take(found, rank_bits(k)), n, k)
            fields = [found.take(n) for _ in range(k)]
        sent[rows] = cells
        if k:
            part = np.zeros((len(rows), CELLS), np.int64)
            part[cells] = np.stack(fields, axis=1).reshape(-1)
            codes[rows] = part
    return Content(mode, sent, codes, whole, sums)


def _counts(layout: Layout, reader: FrameReader, mode: IntArray) -> tuple[IntArray, BoolArray]:
    """Return how many cells each frame holds and whether these are all; the reader stands behind the mode."""
    most, cut = np.array(layout.most)[mode], np.array(layout.cut)[mode]
    if layout.form is Form.MAP:
        count = reader.take_map(tc0_first=True).sum(axis=1)
        reader.bits = _WORD * layout.elinks - 1
        return count, (count != cut) | (reader.take(1) == 0)
    if layout.form is Form.ENUMERATED:
        count = reader.take(COUNT_BITS)
        return np.where(count == most + 1, cut, count), count != most + 1
    number = _take(reader, layout.number_bits)
    count = np.zeros(len(mode), np.int64)
    for n in np.unique(mode).tolist():
        ends = np.array([states(n, k) for k in range(layout.most[n] + 1)], np.int64)
        count[mode == n] = np.searchsorted(ends, number[mode == n], side="right")
    whole = count <= most
    return np.where(whole, count, cut), whole


def _groups(layout: Layout, mode: IntArray, count: IntArray) -> Iterator[tuple[NDArray[np.intp], int, int]]:
    """Yield (rows, mode, count) of events that have their fields in the same places."""
    for key in np.unique(mode << COUNT_BITS + 1 | count).tolist():
        n, k = divmod(key, 1 << COUNT_BITS + 1)
        if k > layout.most[n]:
            raise DataError(f"a frame of mode {n} with {k} cells; expected at most {layout.most[n]}")
        yield np.flatnonzero((mode == n) & (count == k)), n, k


def _fewer(n: int, k: int) -> int:
    """Return how many joined numbers stand for fewer than k cells."""
    return states(n, k - 1) if k else 0


def _above(layout: Layout, n: int) -> int:
    """Return the first joined number of a frame that is not the whole."""
    return states(n, layout.most[n])


def _sets(rank: IntArray, n: int, k: int) -> BoolArray:
    if (rank >= CHOOSE[CELLS, k]).any():
        raise DataError(f"a frame of mode {n} has a rank above those of the sets of {k} cells")
    return set_of(rank, np.full(len(rank), k))


def _put(writer: FrameWriter, values: IntArray, width: int) -> None:
    """Append up to 64 bits."""
    low = min(width, _WORD)
    writer.put(values >> low, width - low)
    writer.put(values & ((1 << low) - 1), low)


def _take(reader: FrameReader, width: int) -> IntArray:
    low = min(width, _WORD)
    return reader.take(width - low) << low | reader.take(low)
