"""Synthetic trigger-cell images: electromagnetic showers over pileup in one low-density module.

A crossing has a pileup level (gamma), a Poisson number of soft pileup deposits and of showers, each shared among
trigger cells by an exponential lateral profile; then noise, zero suppression and the 7-bit 4E3M code, whose bin
centre is the charge, as in data read from ePortRX words. This is a statistical model tuned to one public sample, not
a detector simulation: there is no correlation between layers, no jet structure and no time structure.

It is tuned to the 10,000 crossings of the public low-density module sample (CMS simulation with pileup):

============================================  =========================  =========================
quantity                                      sample                     synthetic (12,000 events)
============================================  =========================  =========================
occupied cells of 48, mean and deviation      15.29, 4.53                15.27, 4.73
occupied cells, 1 / 50 / 99 % of the events   6 / 15 / 27                5 / 15 / 27
log10 of the total charge, mean, deviation    3.363, 0.190               3.345, 0.204
total charge, 1 / 50 / 99 %, CALQ counts      694 / 2348 / 6264          660 / 2246 / 7144
charge of a hit, 5 / 50 / 95 / 99 %           68 / 124 / 368 / 736       68 / 124 / 336 / 672
share of the largest cell, mean, 99 %         0.196, 0.54                0.185, 0.54
occupancy of a cell, lowest and highest       0.22, 0.46                 0.21, 0.47
correlation of hits in neighbouring cells     0.099                      0.090
the same over all pairs of cells              0.021                      0.025
mean EMD, flat image                          2.546                      2.504
mean EMD, 4 / 6 / 9 / 14 largest cells only   2.18 / 1.47 / 0.84 / 0.27  2.23 / 1.51 / 0.85 / 0.27
============================================  =========================  =========================

The EMD is over the sample's rows 8000-9999 and 2000 generated events, the sum of the charges known at the receiver.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.synthetic.deposits import DepositTable, deposit_table
from econ_ae.data.synthetic.parameters import Parameters, Population
from econ_ae.errors import ConfigError
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.floatcodes import decode_4e3m, encode_4e3m
from econ_ae.geometry import LOW_DENSITY, FloatArray, WaferGeometry

__all__ = ["Parameters", "Population", "generate"]

_CHUNK = 16_384  # crossings at a time; bounds the memory of the deposits


def generate(n: int, seed: int, geometry: WaferGeometry = LOW_DENSITY, parameters: Parameters | None = None) -> Batch:
    """Generate ``n`` bunch crossings of one module; the same seed and parameters give the same batch in any process.

    Parameters
    ----------
    n : crossings, at least 1
    seed : of ``numpy.random.default_rng``, at least 0
    geometry : the module
    parameters : None for the defaults

    Returns
    -------
    Batch with synthetic provenance and the metadata eta, layer, wafer_u, wafer_v (of the module) and sim_energy (what
    the showers lost before the layer, GeV; 0 for pileup alone)

    Raises
    ------
    ConfigError
        When ``n`` or ``seed`` is out of range.
    """
    if n < 1 or seed < 0:
        raise ConfigError(f"{n} synthetic events with seed {seed}; expected at least 1 event and a seed of 0 or more")
    p = parameters or Parameters()
    rng = np.random.default_rng(seed)
    tables = [_places(geometry, p, kind) for kind in (p.pileup, p.showers)]
    charges = np.empty((n, geometry.cells), np.uint32)
    energy = np.empty(n)
    for start in range(0, n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, n))
        charges[rows], energy[rows] = _crossings(rng, rows.stop - start, geometry.cells, p, tables)
    digest = hashlib.sha256(repr((n, seed, geometry.name, astuple(p))).encode()).hexdigest()
    source = f"synthetic {geometry.name}, seed {seed}"
    metadata: dict[str, NDArray[np.generic]] = {
        "eta": np.full(n, p.eta),
        "layer": np.full(n, p.layer),
        "wafer_u": np.full(n, p.wafer_u),
        "wafer_v": np.full(n, p.wafer_v),
        "sim_energy": energy,
    }
    return Batch(charges, Provenance(source, synthetic=True, sha256=digest), metadata)


_Places = tuple[DepositTable, FloatArray]


def _places(geometry: WaferGeometry, p: Parameters, kind: Population) -> _Places:
    """Return the table of a kind of deposit and the cumulative probability of its places."""
    table = deposit_table(geometry, kind.radius)
    density = np.exp(p.gradient * table.xy @ np.array([np.cos(p.beam_angle), np.sin(p.beam_angle)]))
    cumulative: FloatArray = np.cumsum(density)
    return table, cumulative / cumulative[-1]


def _crossings(
    rng: np.random.Generator, n: int, cells: int, p: Parameters, places: list[_Places]
) -> tuple[NDArray[np.int64], FloatArray]:
    """Return charges (n, cells) and shower energies (n,)."""
    level = rng.gamma(p.pileup_shape, 1 / p.pileup_shape, n)
    pileup, _ = _deposit(rng, level * p.pileup.mean, cells, p.pileup, places[0])
    showers, charge = _deposit(rng, np.full(n, p.showers.mean), cells, p.showers, places[1])
    analogue = pileup + showers + p.noise * rng.standard_normal((n, cells))
    threshold = p.threshold * (1 + p.threshold_spread * rng.standard_normal((n, cells)))
    kept = np.where(analogue >= np.maximum(threshold, 1), analogue, 0)
    codes = encode_4e3m(kept.astype(np.int64), LOW_DENSITY_BITS)
    return np.where(codes == 0, 0, decode_4e3m(codes, LOW_DENSITY_BITS)), charge * p.gev_per_count


def _deposit(
    rng: np.random.Generator, mean: FloatArray, cells: int, kind: Population, places: _Places
) -> tuple[FloatArray, FloatArray]:
    """Return charge per cell (n, cells) and in all (n,) of a Poisson number of deposits, CALQ counts."""
    table, cumulative = places
    n = len(mean)
    crossing = np.repeat(np.arange(n), rng.poisson(mean))
    where = np.searchsorted(cumulative, rng.random(len(crossing)), side="right")
    if kind.lognormal:
        charge = kind.energy * np.exp(kind.shape * rng.standard_normal(len(crossing)))
    else:
        charge = rng.gamma(kind.shape, kind.energy / kind.shape, len(crossing))
    index = (crossing * cells)[:, None] + table.cells[where]
    shared = charge[:, None] * table.shares[where]
    per_cell = np.bincount(index.ravel(), shared.ravel(), n * cells).astype(np.float64).reshape(n, cells)
    return per_cell, np.bincount(crossing, charge, n).astype(np.float64)
