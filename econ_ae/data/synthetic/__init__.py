"""Synthetic trigger-cell images: pileup and signals in the electromagnetic section of the HGCAL.

A parametrised simulation, not a full one; `docs/synthetic.md` has its physics, its sources and how it compares with a
public sample. Image i of a seed is the same whatever the number of images and the chunks they are made in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count

import numpy as np

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.synthetic.blocks import BLOCK, Block, batches, check_counts
from econ_ae.data.synthetic.collisions import pileup, signals
from econ_ae.data.synthetic.detector import images
from econ_ae.data.synthetic.modules import Modules, parse_modules
from econ_ae.data.synthetic.parameters import SIGNALS, Calorimeter, Electronics, Parameters, Pileup, Signal
from econ_ae.data.synthetic.particles import join
from econ_ae.geometry import LOW_DENSITY, WaferGeometry

__all__ = [
    "SIGNALS",
    "Calorimeter",
    "Electronics",
    "Parameters",
    "Pileup",
    "Signal",
    "chunks",
    "generate",
]


def generate(n: int, seed: int, geometry: WaferGeometry = LOW_DENSITY, parameters: Parameters | None = None) -> Batch:
    """Generate ``n`` images; the same seed and parameters give the same batch in any process.

    Parameters
    ----------
    n : images, at least 1
    seed : at least 0
    geometry : trigger cells of the module
    parameters : None for the defaults: any module of the 14 layers, 200 interactions, a signal in half of the images

    Returns
    -------
    Batch with synthetic provenance and the metadata eta, layer and detector_layer (the same), wafer_u, wafer_v (of the
    module), sim_energy (lost by all particles in the module's part of one layer of absorber, GeV), pileup
    (interactions), signal (index into ``SIGNALS``) and signal_pt (GeV, 0 without a signal)

    Raises
    ------
    ConfigError
        When ``n``, ``seed`` or a parameter is out of range.
    """
    (batch,) = chunks(n, seed, max(n, 1), geometry, parameters)
    return batch


def chunks(
    n: int, seed: int, size: int, geometry: WaferGeometry = LOW_DENSITY, parameters: Parameters | None = None
) -> Iterator[Batch]:
    """Generate ``n`` images in batches of ``size``: the rows of ``generate``, in the memory of one batch.

    Raises
    ------
    ConfigError
        When ``n``, ``seed``, ``size`` or a parameter is out of range.
    """
    check_counts("synthetic events", n, seed, size)
    p = parameters or Parameters()
    modules = parse_modules(p.modules, p.calorimeter)
    digest = hashlib.sha256(repr((seed, geometry.name, p)).encode()).hexdigest()
    provenance = Provenance(f"synthetic {geometry.name}, {p.modules}, seed {seed}", synthetic=True, sha256=digest)
    blocks = (_block(np.random.default_rng([seed, number]), geometry, p, modules) for number in count())
    return batches(blocks, n, size, provenance)


def _block(rng: np.random.Generator, geometry: WaferGeometry, p: Parameters, modules: Modules) -> Block:
    """Return charges and metadata of a block of images."""
    where = rng.integers(len(modules), size=BLOCK)
    soft, interactions = pileup(rng, p.pileup, modules, where)
    hard, kind, pt = signals(rng, p.signal, modules, where)
    charges, columns = images(
        rng, join(soft, hard), modules, where, geometry=geometry, calorimeter=p.calorimeter, electronics=p.electronics
    )
    return charges, columns | {"pileup": interactions, "signal": kind, "signal_pt": pt}
