"""Conditions of a module that change after its encoder was trained: pure, seeded transformations of a Batch.

They act in the order of the signal: pileup, calibration drift, noisy cells, then the front end's code, then cells that
are dead or not there. The result holds only charges that the front end can send: when the input is on the grid of a
4E3M code (either density, code 0 suppressed or at its bin centre) so is the output; charges off every grid, already
calibrated, stay integers below 2**22. What they are models of is in ``ConditionsConfig``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import ConditionsConfig
from econ_ae.data import module_changes
from econ_ae.data.batch import CHARGE_BITS, Batch, as_charges
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.floatcodes import HIGH_DENSITY, decode_4e3m, encode_4e3m
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.geometry import WaferGeometry

Charges = NDArray[np.float64]

_CODES = 128
_ROUNDING = 1e-9  # degrees

# Partial modules keep the cells whose azimuth, seen from the module's centre (the mean of its cells), is within the
# second number of the first, in degrees. These cuts are ours, not the cell lists of the detector's partial wafers.
_CUTS = {
    "top": (90, 90),
    "left": (180, 90),
    "bottom": (270, 90),
    "right": (0, 90),
    "three-quarters-top-right": (45, 135),
    "three-quarters-top-left": (135, 135),
    "three-quarters-bottom-left": (225, 135),
    "three-quarters-bottom-right": (315, 135),
}
_ONE = np.zeros((1, 0), np.int64)  # one module of which nothing is known

PARTIAL = tuple(_CUTS)
"""Names of the partial modules."""


@dataclass(frozen=True)
class Grid:
    """The charges that a front end can send.

    Parameters
    ----------
    density : dropped bits of its 4E3M code, or None when charges are not limited to a code
    empty : charge that stands for code 0
    """

    density: int | None
    empty: int = 0

    @property
    def values(self) -> NDArray[np.int64]:
        """int64 (128,): charge of every code."""
        assert self.density is not None
        table = decode_4e3m(np.arange(_CODES), self.density)
        table[0] = self.empty
        return table

    def encoded(self, charges: Charges) -> NDArray[np.int64]:
        """Return the charges that are sent of non-negative ones, int64, same shape."""
        whole = np.rint(charges).astype(np.int64)
        if self.density is None:
            return np.minimum(whole, (1 << CHARGE_BITS) - 1)
        return self.values[encode_4e3m(whole, self.density)]


_GRIDS = (
    *(Grid(density) for density in (LOW_DENSITY_BITS, HIGH_DENSITY)),
    *(Grid(density, int(decode_4e3m(np.array([0]), density)[0])) for density in (LOW_DENSITY_BITS, HIGH_DENSITY)),
)


def grid_of(charges: NDArray[np.integer]) -> Grid:
    """Return the first grid that holds all charges: low and high density with code 0 suppressed, then at bin centre."""
    found = np.unique(charges)
    for grid in _GRIDS:
        if np.isin(found, grid.values).all():
            return grid
    return Grid(None)


def check(conditions: ConditionsConfig, geometry: WaferGeometry) -> None:
    """Raise ConfigError when a cell or a partial module does not exist, or no cell would be left."""
    for name in ("dead", "noisy"):
        cells = getattr(conditions, name)
        for cell in cells:
            if not 0 <= cell < geometry.cells:
                raise ConfigError(f"{name} trigger cell {cell}; expected 0..{geometry.cells - 1}")
        if len(set(cells)) < len(cells):
            raise ConfigError(f"{name} trigger cells {','.join(map(str, cells))} name a cell twice")
    if conditions.partial is not None and conditions.partial not in _CUTS:
        hint = did_you_mean(conditions.partial, _CUTS)
        raise ConfigError(f"partial module {conditions.partial!r}; expected one of {', '.join(_CUTS)}{hint}")
    if absent(conditions, geometry).sum() + conditions.dead_count >= geometry.cells:
        raise ConfigError("every trigger cell is dead or cut away; expected at least one that is left")


def absent(conditions: ConditionsConfig, geometry: WaferGeometry) -> NDArray[np.bool_]:
    """Return the cells that send nothing, bool (cells,): dead ones and those that a partial module does not have."""
    out = np.zeros(geometry.cells, np.bool_)
    out[list(conditions.dead)] = True
    if conditions.partial is not None:
        centre, opening = _CUTS[conditions.partial]
        x, y = (geometry.xy - geometry.xy.mean(axis=0)).T
        off = np.abs((np.degrees(np.arctan2(y, x)) - centre + 180) % 360 - 180)
        out |= off > opening + _ROUNDING
    return out


def gains(conditions: ConditionsConfig, cells: int) -> Charges:
    """Return the gain of every cell after the drift of one module, float64 (cells,): normal around 1, at least 0."""
    return module_changes.gains(_ONE, conditions.drift, cells, conditions.seed)[0]


def apply(
    batch: Batch, conditions: ConditionsConfig, geometry: WaferGeometry, *, key: int = 0, grid: Grid | None = None
) -> Batch:
    """Return the batch as the module sees it under the conditions.

    Parameters
    ----------
    batch : rows of one purpose (training, validation, report), as pileup is overlaid from its other rows
    key : of the random numbers, besides ``conditions.seed``: another one for other rows of the same module
    grid : what the front end can send; None finds it from the charges

    Raises
    ------
    ConfigError
        See ``check``.
    DataError
        When modules are to change each in its own way, and the batch does not say which module a row is of.
    """
    check(conditions, geometry)
    if not conditions.changes or not len(batch):
        return batch
    grid = grid or grid_of(batch.charges)
    charges = np.where(batch.charges == grid.empty, 0, batch.charges).astype(np.float64)
    rng = np.random.default_rng([conditions.seed, 1, key])
    keys, which = module_changes.modules(batch) if conditions.per_module else (_ONE, np.zeros(len(batch), np.int64))
    if conditions.pileup > 1 and conditions.per_module:
        charges = module_changes.overlaid(charges, conditions.pileup, batch, rng)
    elif conditions.pileup != 1:
        charges = _with_pileup(charges, conditions.pileup, rng)
    if conditions.drift > 0:
        charges *= module_changes.gains(keys, conditions.drift, geometry.cells, conditions.seed)[which]
    if conditions.noisy:
        charges = _with_noise(charges, conditions, rng)
    sent = grid.encoded(charges)
    gone = absent(conditions, geometry)
    sent[:, gone] = grid.empty
    if conditions.dead_count:
        sent[module_changes.dead(keys, ~gone, conditions.dead_count, conditions.seed)[which]] = grid.empty
    changed = Batch(as_charges(sent), batch.provenance, batch.metadata)
    for step_text in describe(conditions):
        changed = changed.after(step_text)
    return changed


def describe(conditions: ConditionsConfig) -> list[str]:
    """Return a line per condition, for provenance and reports; empty when nothing is changed."""
    c = conditions
    lines = [
        (c.pileup != 1, f"pileup times {c.pileup:g}{', of the same module' if c.per_module else ''}"),
        (c.drift > 0, f"calibration drift of {c.drift:.1%} per cell{' of every module' if c.per_module else ''}"),
        (
            bool(c.noisy),
            f"noisy cells {_list(c.noisy)}: {c.noise_counts:g} counts on average in {c.noise_rate:.0%} of crossings",
        ),
        (bool(c.dead), f"dead cells {_list(c.dead)}"),
        (c.dead_count > 0, f"{c.dead_count} dead cells{' of every module' if c.per_module else ''}, drawn at random"),
        (c.partial is not None, f"partial module {c.partial}"),
    ]
    return [text for there, text in lines if there]


def _list(cells: tuple[int, ...]) -> str:
    return ", ".join(map(str, cells))


def _with_pileup(charges: Charges, factor: float, rng: np.random.Generator) -> Charges:
    """Thin the hits (factor below 1), or overlay hits of other rows, so that the mean charge scales by the factor."""
    if factor < 1:
        return charges * (rng.random(charges.shape) < factor)
    out = charges.copy()
    left = factor - 1
    while left > 0:
        other = charges[rng.permutation(len(charges))]
        out += other if left >= 1 else other * (rng.random(charges.shape) < left)
        left -= 1
    return out


def _with_noise(charges: Charges, conditions: ConditionsConfig, rng: np.random.Generator) -> Charges:
    cells = list(conditions.noisy)
    shape = (len(charges), len(cells))
    extra = rng.exponential(conditions.noise_counts, shape) * (rng.random(shape) < conditions.noise_rate)
    out = charges.copy()
    out[:, cells] += extra
    return out
