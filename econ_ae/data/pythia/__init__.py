"""Trigger-cell images of Pythia 8 collisions; needs the optional package (`pip install econ-ae[pythia]`).

Minimum-bias collisions come from a pool and are overlaid, each turned by a random angle; the layer, the showers and the
electronics are those of the synthetic generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.pythia import events, overlay
from econ_ae.data.pythia.events import Events
from econ_ae.data.pythia.overlay import Projection
from econ_ae.data.synthetic.blocks import BLOCK, Block, batches, check_counts
from econ_ae.data.synthetic.collisions import signals
from econ_ae.data.synthetic.detector import images
from econ_ae.data.synthetic.modules import Modules, parse_modules
from econ_ae.data.synthetic.parameters import Calorimeter, Electronics, Signal
from econ_ae.data.synthetic.particles import Particles, join
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.geometry import LOW_DENSITY, WaferGeometry
from econ_ae.progress import Progress, Silent

SIGNALS = ("none", "ttbar", "electron")
"""Signals; the metadata column ``signal`` holds the index."""


@dataclass(frozen=True)
class PythiaParameters:
    """Everything that images of Pythia depend on, besides the seed.

    Parameters
    ----------
    modules : ``all``, or modules as ``layer:u,v`` with blanks between them
    mu : mean interactions per crossing
    signal : ``ttbar``, ``electron`` (a gun with log-uniform pT) or ``none``
    share : share of the images that have a signal
    pool, hard_pool : minimum-bias and signal collisions to draw from; each gives two events
    """

    modules: str = "all"
    mu: float = 200.0
    signal: str = "ttbar"
    share: float = 0.5
    pool: int = 2000
    hard_pool: int = 500
    calorimeter: Calorimeter = field(default_factory=Calorimeter)
    electronics: Electronics = field(default_factory=Electronics)

    def __post_init__(self) -> None:
        if self.signal not in SIGNALS:
            raise ConfigError(
                f"signal {self.signal!r} is unknown to Pythia's images; expected one of {', '.join(SIGNALS)}"
                f"{did_you_mean(self.signal, SIGNALS)}"
            )
        if not (self.mu >= 0 and 0 <= self.share <= 1 and min(self.pool, self.hard_pool) >= 1):
            raise ConfigError(
                f"Pythia: mu {self.mu}, signal share {self.share}, pools {self.pool} and {self.hard_pool}; "
                "expected 0 or more, 0 to 1, 1 or more"
            )


def generate(
    n: int,
    seed: int,
    geometry: WaferGeometry = LOW_DENSITY,
    parameters: PythiaParameters | None = None,
) -> Batch:
    """Generate ``n`` images; the same seed and parameters give the same batch in any process.

    Returns
    -------
    Batch with the metadata of the synthetic generator; ``signal`` is an index into this module's ``SIGNALS``

    Raises
    ------
    ConfigError
        When ``n``, ``seed`` or a parameter is out of range.
    ToolMissingError
        When Pythia is not installed.
    """
    (batch,) = chunks(n, seed, max(n, 1), geometry, parameters)
    return batch


def chunks(  # noqa: PLR0917 - as generate
    n: int,
    seed: int,
    size: int,
    geometry: WaferGeometry = LOW_DENSITY,
    parameters: PythiaParameters | None = None,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """Generate ``n`` images in batches of ``size``: the rows of ``generate``, in the memory of one batch.

    Raises
    ------
    ConfigError, ToolMissingError
        As ``generate``.
    """
    check_counts("events of Pythia", n, seed, size)
    p = parameters or PythiaParameters()
    progress = progress or Silent()
    modules = parse_modules(p.modules, p.calorimeter)
    soft = events.generate(events.MINIMUM_BIAS, p.pool, seed, progress) if p.mu else None
    hard = events.generate(events.TTBAR, p.hard_pool, seed, progress) if p.signal == "ttbar" and p.share else None
    digest = hashlib.sha256(repr((seed, geometry.name, p)).encode()).hexdigest()
    source = f"Pythia {geometry.name}, {p.modules}, mu {p.mu:g}, {p.signal}, seed {seed}"

    def blocks() -> Iterator[Block]:
        with progress.bar("images", n) as bar:
            for number, first in enumerate(range(0, n, BLOCK)):
                yield _block(np.random.default_rng([seed, number]), geometry, p, modules, (soft, hard))
                bar.advance(min(BLOCK, n - first))

    return batches(blocks(), n, size, Provenance(source, synthetic=True, sha256=digest))


def _block(
    rng: np.random.Generator,
    geometry: WaferGeometry,
    p: PythiaParameters,
    modules: Modules,
    pools: tuple[Events | None, Events | None],
) -> Block:
    """Return charges and metadata of a block of images."""
    where = rng.integers(len(modules), size=BLOCK)
    interactions = rng.poisson(p.mu, BLOCK)
    soft, hard = ({} if pool is None else _project(pool, modules, where) for pool in pools)
    gun, fired, pt = signals(rng, Signal(p.share if p.signal != "none" else 0.0, ("electron",)), modules, where)
    parts: list[Particles] = [gun] if p.signal == "electron" else []
    for image, m in enumerate(where):
        z = float(modules.z_cm[m])
        found = [overlay.pileup(rng, soft[z], int(interactions[image]), modules, m)] if soft else []
        if hard and fired[image]:
            found.append(overlay.aimed(rng, hard[z], modules, m))
        parts += [replace(f, image=np.full(len(f), image, np.intp)) for f in found]
    charges, columns = images(
        rng, join(*parts), modules, where, geometry=geometry, calorimeter=p.calorimeter, electronics=p.electronics
    )
    return charges, columns | {
        "pileup": interactions,
        "signal": np.where(fired > 0, SIGNALS.index(p.signal), 0).astype(np.int8),
        "signal_pt": np.where(fired > 0, pt, 0.0) if p.signal == "electron" else np.zeros(BLOCK),
    }


def _project(pool: Events, modules: Modules, where: NDArray[np.intp]) -> dict[float, Projection]:
    """Return the pool at every layer of the images, by z in cm."""
    return {float(z): Projection.at(pool, float(z)) for z in np.unique(modules.z_cm[where])}
