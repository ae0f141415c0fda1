"""From particles at the layer to digitised images: the part that every source of particles shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.blocks import Block
from econ_ae.data.synthetic.cells import cell_table
from econ_ae.data.synthetic.modules import Modules
from econ_ae.data.synthetic.parameters import Calorimeter, Electronics
from econ_ae.data.synthetic.particles import Particles, Real
from econ_ae.data.synthetic.showers import Deposits, deposits
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.floatcodes import decode_4e3m, encode_4e3m
from econ_ae.geometry import FloatArray, WaferGeometry

_MOST_SPOTS = 256  # of one deposit; beyond, spots carry more than one crossing
_CALIBRATION_FRACTION = 11  # bits, as in the ECON-T


def images(
    rng: np.random.Generator,
    particles: Particles,
    modules: Modules,
    where: NDArray[np.intp],
    *,
    geometry: WaferGeometry,
    calorimeter: Calorimeter,
    electronics: Electronics,
) -> Block:
    """Return the images that particles make: showers, sharing among trigger cells, front end, calibration.

    Their metadata are those of the modules, and ``sim_energy``, what was lost in the module's part of one layer of
    absorber, GeV: MIPs before noise times the loss of a MIP.

    Parameters
    ----------
    where : intp (n,), module of every image
    """
    slant = np.sqrt(1 + np.square(modules.r_cm / modules.z_cm))
    layers = (modules.layer * slant).astype(np.float32)[where[particles.image]]
    showers, tracks = deposits(rng, calorimeter, particles, layers)
    mips = _share(_spots(rng, showers), tracks, len(where), geometry)
    charges = digitise(rng, mips, np.cosh(modules.eta)[where], electronics)
    energy = mips.sum(axis=1, dtype=np.float64) * calorimeter.mev_per_mip / 1e3
    return charges, modules.columns(where) | {"sim_energy": energy}


def _spots(rng: np.random.Generator, showers: Deposits) -> Deposits:
    """Return each deposit as a Poisson number of spots of equal charge, moved by the radial profile.

    The profile 2 r R^2 / (r^2 + R^2)^2 has the cumulative r^2 / (r^2 + R^2).
    """
    expected = np.minimum(showers.mips, np.float32(_MOST_SPOTS))
    count = rng.poisson(expected)
    weight: Real = (showers.mips / np.maximum(expected, np.float32(1e-30))).astype(np.float32)
    some = np.flatnonzero(count)
    source = np.repeat(some, count.take(some))
    image = showers.image.take(source)
    x, y, radius, charge = (a.take(source) for a in (showers.x_cm, showers.y_cm, showers.radius_cm, weight))
    u, v = rng.random((2, len(image)), dtype=np.float32)
    r = radius * np.sqrt(u / (1 - u))
    angle = np.float32(2 * np.pi) * v
    return Deposits(image, x + r * np.cos(angle), y + r * np.sin(angle), np.zeros_like(r), charge)


def _share(spots: Deposits, tracks: Deposits, n: int, geometry: WaferGeometry) -> FloatArray:
    """Return MIPs per trigger cell, float64 (n, cells)."""
    table = cell_table(geometry)
    columns = geometry.cells + 1  # the last takes what misses the module
    total = np.zeros(n * columns)
    for d in (spots, tracks):
        total += np.bincount(d.image * columns + table.look_up(d.x_cm, d.y_cm), d.mips, n * columns)
    return total.reshape(n, columns)[:, :-1]


def digitise(rng: np.random.Generator, mips: FloatArray, cosh_eta: FloatArray, e: Electronics) -> NDArray[np.uint32]:
    """Return CALQ counts, uint32 (n, cells): noise, zero suppression, saturation, 4E3M code, calibration.

    The code's bin centre times a 12-bit calibration factor with 11 fractional bits, floored, as in the ECON-T.
    """
    analogue = mips + np.float32(e.noise_mip) * rng.standard_normal(mips.shape, dtype=np.float32)
    image, cell = np.nonzero(analogue >= e.threshold_mip)
    counts = np.minimum(analogue[image, cell], e.saturation_mip) * e.counts_per_mip
    codes = encode_4e3m(counts.astype(np.int64), LOW_DENSITY_BITS)
    fixed = np.where(codes == 0, 0, decode_4e3m(codes, LOW_DENSITY_BITS))
    if e.calibrated:
        factor = np.rint((1 << _CALIBRATION_FRACTION) / cosh_eta).astype(np.int64)
        fixed = (fixed * factor[image]) >> _CALIBRATION_FRACTION
    charges = np.zeros(mips.shape, np.uint32)
    charges[image, cell] = fixed
    return charges
