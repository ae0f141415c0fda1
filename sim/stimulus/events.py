"""What a normaliser or a datapath is tested with: corners, random and real events under many settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import VerilogOptions
from sim.stimulus.borders import border_events
from sim.stimulus.golden import takes_codes
from sim.stimulus.phases import CORNER, RANDOM, REAL, Campaign, Phase, check_events, made
from sim.stimulus.settings import Settings, settings_list

_CODE_MAX = 127
_BX0_EVERY = 40
_SMALL_CODE, _SMALL_BITS = 40, 10
"""Largest code and bits of a charge in the small events of models that send cells."""


def largest(model: EncoderModel, options: VerilogOptions) -> int:
    """Return the largest number in an event."""
    return _CODE_MAX if takes_codes(options) else model.input.charge.max


def corner_events(model: EncoderModel, options: VerilogOptions) -> IntArray:
    """Return directed corners, int64 (n, cells): all zero, all at maximum, alternating, every cell alone at maximum."""
    cells, top = model.input.cells, largest(model, options)
    even = np.arange(cells) % 2 == 0
    ones = np.eye(cells, dtype=np.int64)
    rows = [np.zeros((1, cells), np.int64), np.full((1, cells), top), np.stack([even, ~even]) * top, ones * top]
    if not takes_codes(options):
        rows.append(ones)
    return np.concatenate(rows)


def sweep_events(model: EncoderModel, options: VerilogOptions) -> IntArray:
    """Return events that take every cell through every code, or every sum through every power of two and its edges.

    For a model of cells behind these, when its charges can be given, the borders of what it decides.
    """
    cells = model.input.cells
    if takes_codes(options):
        return (np.arange(_CODE_MAX + 1)[:, None] + 5 * np.arange(cells)) % (_CODE_MAX + 1)
    powers = np.int64(1) << np.arange(model.input.charge.width)
    edges = np.unique(np.concatenate([powers - 1, powers, np.minimum(powers + 1, model.input.charge.max)]))
    out = np.zeros((len(edges), cells), np.int64)
    out[np.arange(len(edges)), np.arange(len(edges)) % cells] = edges
    borders = [border_events(model)] if model.sends_cells else []
    return np.concatenate([out, np.repeat(edges[:, None], cells, axis=1), *borders])


def random_events(model: EncoderModel, options: VerilogOptions, events: int, rng: np.random.Generator) -> IntArray:
    """Return random events, int64 (events, cells): dense, small and sparse ones in turn.

    Of a model that sends cells every number of cells is as likely in the sparse ones, and every other of them is small
    enough for modes without loss.
    """
    top = largest(model, options)
    out = rng.integers(0, top, (events, model.input.cells), np.int64, endpoint=True)
    if takes_codes(options):
        out[1::4] = np.minimum(out[1::4], rng.integers(1, top, (len(out[1::4]), 1)))
    else:
        out[1::4] >>= rng.integers(0, top.bit_length() + 1, (len(out[1::4]), 1))
    for start in (2, 3):
        rows = out[start::4]
        if model.sends_cells:
            hit = rng.integers(1, rows.shape[1], (len(rows), 1), endpoint=True)
            some = rng.permuted(np.tile(np.arange(rows.shape[1]), (len(rows), 1)), axis=1) < hit
            most = _most_of_events(options, top, len(rows), rng, small=start == 2)
            rows[:] = some * rng.integers(1, most, rows.shape, endpoint=True)
        else:
            rows *= rng.random(rows.shape) < 0.1 * start
    return out


def _most_of_events(
    options: VerilogOptions, top: int, events: int, rng: np.random.Generator, *, small: bool
) -> IntArray:
    """Return the largest number of every event, int64 (events, 1): small ones decode to charges of a few bits."""
    if takes_codes(options):
        return rng.integers(1, _SMALL_CODE if small else top, (events, 1), endpoint=True)
    bits = rng.integers(1, _SMALL_BITS if small else top.bit_length(), (events, 1), endpoint=True)
    return np.minimum((np.int64(1) << bits) - 1, top)


def campaign(
    model: EncoderModel,
    options: VerilogOptions,
    real: NDArray[np.integer],
    *,
    random_count: int,
    seed: int,
    chosen: Sequence[Settings] = (),
) -> Campaign:
    """Return the whole campaign: corners under every setting, random events shared among them, real ones as they come.

    Parameters
    ----------
    real : integers (n, cells), codes or charges; may be empty
    chosen : settings of the real events, the model's own without them; of a model that sends cells with code 0 as no
        charge

    Raises
    ------
    DataError
        When the real events have another shape or do not fit.
    """
    check_events(real, "codes" if takes_codes(options) else "charges", (model.input.cells,), largest(model, options))
    rng = np.random.default_rng(seed)
    everything = settings_list(model, seed)
    corners, sweep = corner_events(model, options), sweep_events(model, options)
    phases = []
    for i, settings in enumerate(everything):
        rows = np.concatenate([corners, sweep]) if i < 2 else corners
        # The first phase has none: the reset alone makes its first event crossing 0.
        bx0 = (rng.random(len(rows)) < 1 / _BX0_EVERY) & (i > 0)
        phases.append(Phase(CORNER, settings, rows, bx0))
    parts = np.array_split(random_events(model, options, random_count, rng), len(everything))
    phases += [
        Phase(RANDOM, settings, rows, np.zeros(len(rows), np.bool_), gaps=bool(i % 2))
        for i, (settings, rows) in enumerate(zip(everything, parts, strict=True))
    ]
    own = everything[-1:] if model.sends_cells else everything[:1]
    phases += [Phase(REAL, settings, real.astype(np.int64), np.arange(len(real)) == 0) for settings in chosen or own]
    return made(phases)
