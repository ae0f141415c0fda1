"""What a normaliser or a datapath is tested with: settings (configuration inputs), corners, random and real events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import DATAPATH, VerilogOptions
from sim.golden import Settings
from sim.stimulus import CORNER, RANDOM, REAL, weight_sets

PHASE_EVENTS = 500  # a phase reports its progress when it is done
_CODE_MAX = 127
_FACTORS = (0, 2048, 0x555, 0xAAA, 0xFFF)
_EXTRA_SETTINGS = 6
_BX0_EVERY = 40


@dataclass(frozen=True, eq=False)
class EventPhase:
    """Events that are sent under one configuration.

    Parameters
    ----------
    kind : ``corner``, ``random`` or ``real``
    settings : the configuration inputs
    events : int64 (n, cells), codes or charges, whatever the block takes
    bx0 : bool (n,), which events are bunch crossing 0
    gaps : whether in_valid pauses at random between events
    """

    kind: str
    settings: Settings
    events: IntArray
    bx0: NDArray[np.bool_]
    gaps: bool = False


@dataclass(frozen=True, eq=False)
class EventCampaign:
    """Phases in the order in which they are sent."""

    phases: tuple[EventPhase, ...] = field(default=())

    def events(self) -> int:
        """Return the number of events."""
        return sum(len(phase.events) for phase in self.phases)


def takes_codes(options: VerilogOptions) -> bool:
    """Tell whether the block's events are codes rather than charges."""
    return options.block == DATAPATH and options.front_end


def largest(model: EncoderModel, options: VerilogOptions) -> int:
    """Return the largest number in an event."""
    return _CODE_MAX if takes_codes(options) else model.input.charge.max


def settings_list(model: EncoderModel, seed: int) -> list[Settings]:
    """Return the model's own settings, then one per weight set and some more with everything else mixed.

    Muxes: identity, the module's default, one input for all cells, random with repeats, selects without a cell.
    Factors: 0, 0x555, 0xAAA, 0xFFF, 2048, random. Masks: all, none, random, mostly kept, the model's. eLinks: 0..5, 15.
    """
    rng = np.random.default_rng(seed)
    cells, bits = model.input.cells, model.latent.width
    everything = (1 << bits) - 1
    identity = tuple(range(cells))
    default = tuple(int(c) for c in np.argsort(LOW_DENSITY.postmux)) if cells == LOW_DENSITY.cells else identity[::-1]
    selects = 1 << max(1, (cells - 1).bit_length())

    def masks(kept: float) -> tuple[int, ...]:
        return tuple(int(m) for m in (rng.random((model.latents, bits)) < kept) @ (1 << np.arange(bits)))

    found = [Settings.plain(model, "real")]
    sets = list(weight_sets(model, seed).items())
    for i, (name, other) in enumerate((sets + [sets[0]] * _EXTRA_SETTINGS)[1:]):
        mux = (
            tuple(int(c) for c in rng.integers(0, cells, cells)),
            default,
            identity,
            (int(rng.integers(0, cells)),) * cells,
            tuple(int(c) for c in rng.integers(0, selects, cells)),
        )[i % 5]
        factors = (
            tuple(int(f) for f in rng.integers(0, 4096, cells)) if i % 6 == 5 else (_FACTORS[(i + 1) % 5],) * cells
        )
        keep = (
            (everything,) * model.latents,
            masks(0.5),
            masks(0.9),
            (0,) * model.latents,
            model.pack.keep,
            masks(0.2),
        )[i * 5 % 6 if i % 7 else 1]
        elinks = (5, 1, 2, 3, 4, 15, 0)[i % 7]
        found.append(Settings(f"{name}/{i}", other, mux, factors, keep, elinks))
    return found


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
    """Return events that take every cell through every code, or every sum through every power of two and its edges."""
    cells = model.input.cells
    if takes_codes(options):
        return (np.arange(_CODE_MAX + 1)[:, None] + 5 * np.arange(cells)) % (_CODE_MAX + 1)
    powers = np.int64(1) << np.arange(model.input.charge.width)
    edges = np.unique(np.concatenate([powers - 1, powers, np.minimum(powers + 1, model.input.charge.max)]))
    out = np.zeros((len(edges), cells), np.int64)
    out[np.arange(len(edges)), np.arange(len(edges)) % cells] = edges
    return np.concatenate([out, np.repeat(edges[:, None], cells, axis=1)])


def random_events(model: EncoderModel, options: VerilogOptions, events: int, rng: np.random.Generator) -> IntArray:
    """Return random events, int64 (events, cells): dense, small and sparse ones in turn."""
    top = largest(model, options)
    out = rng.integers(0, top, (events, model.input.cells), np.int64, endpoint=True)
    if takes_codes(options):
        out[1::4] = np.minimum(out[1::4], rng.integers(1, top, (len(out[1::4]), 1)))
    else:
        out[1::4] >>= rng.integers(0, top.bit_length() + 1, (len(out[1::4]), 1))
    for start in (2, 3):
        out[start::4] *= rng.random(out[start::4].shape) < 0.1 * start
    return out


def campaign(
    model: EncoderModel,
    options: VerilogOptions,
    real: NDArray[np.integer],
    *,
    random_count: int,
    seed: int,
    chosen: Sequence[Settings] = (),
) -> EventCampaign:
    """Return the whole campaign: corners under every setting, random events shared among them, real ones as they come.

    Parameters
    ----------
    real : integers (n, cells), codes or charges; may be empty
    chosen : settings of the real events, the model's own without them

    Raises
    ------
    DataError
        When the real events have another shape or do not fit.
    """
    _check(real, model, options)
    rng = np.random.default_rng(seed)
    everything = settings_list(model, seed)
    corners, sweep = corner_events(model, options), sweep_events(model, options)
    phases = []
    for i, settings in enumerate(everything):
        rows = np.concatenate([corners, sweep]) if i < 2 else corners
        # The first phase has none: the reset alone makes its first event crossing 0.
        bx0 = (rng.random(len(rows)) < 1 / _BX0_EVERY) & (i > 0)
        phases.append(EventPhase(CORNER, settings, rows, bx0))
    parts = np.array_split(random_events(model, options, random_count, rng), len(everything))
    phases += [
        EventPhase(RANDOM, settings, rows, np.zeros(len(rows), np.bool_), gaps=bool(i % 2))
        for i, (settings, rows) in enumerate(zip(everything, parts, strict=True))
    ]
    phases += [
        EventPhase(REAL, settings, real.astype(np.int64), np.arange(len(real)) == 0)
        for settings in chosen or everything[:1]
    ]
    return EventCampaign(tuple(part for phase in phases for part in split(phase)))


def split(phase: EventPhase) -> list[EventPhase]:
    """Cut a phase into parts of at most ``PHASE_EVENTS``."""
    starts = range(0, len(phase.events), PHASE_EVENTS)
    return [
        replace(phase, events=phase.events[i : i + PHASE_EVENTS], bx0=phase.bx0[i : i + PHASE_EVENTS]) for i in starts
    ]


def _check(real: NDArray[np.integer], model: EncoderModel, options: VerilogOptions) -> None:
    cells, top = model.input.cells, largest(model, options)
    what = "codes" if takes_codes(options) else "charges"
    if real.ndim != 2 or real.shape[1] != cells or not np.issubdtype(real.dtype, np.integer):
        raise DataError(f"{what} must be integers of shape (n, {cells}), not {real.dtype} {real.shape}")
    if real.size and (real.min() < 0 or real.max() > top):
        raise DataError(f"{what} must be 0..{top}, got {real.min()}..{real.max()}")
