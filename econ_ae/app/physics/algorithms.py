"""The algorithms that need no training of ours: what a receiver makes of every module, from the bits alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.physics.sample import FOLDS, Sample
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress

Charges = NDArray[np.float32]

_CHUNK = 50_000  # modules that are encoded at a time, some 500 MB
_TUNED = 40_000  # modules that tables are made of

NAMES = {
    "all": "all cells",
    "threshold": "cells above 1.35 MIP_T, any number",
    "bc": "best choice, plain",
    "bc-filled": "best choice, filled",
    "stc": "super trigger cells",
    "ts": "threshold sum",
    "abc": "adaptive precision",
    "ccc": "companded cells",
}
"""Algorithms by their names on the command line; the first two know no eLinks."""

_VARIANTS = {"bc": ("bc", "plain"), "bc-filled": ("bc", "filled"), "ts": ("ts", "plain"), "ccc": ("ccc", "")}
_JOINED_TO = 2
"""Up to so many eLinks adaptive precision joins count, rank and codes in one number, above it enumerates the sets of
cells: what had the smaller EMD on events that are in no report (docs/evaluation.md)."""


def check(names: list[str]) -> None:
    """Raise ConfigError when a name is no algorithm, or none is given."""
    for name in names:
        if name not in NAMES:
            raise ConfigError(
                f"algorithm {name!r} is unknown; expected some of {', '.join(NAMES)}{did_you_mean(name, NAMES)}"
            )
    if not names:
        raise ConfigError(f"--algorithms names none; expected some of {', '.join(NAMES)}, with commas")


def check_fits(names: Sequence[str], elinks: Sequence[int]) -> None:
    """Find out before any work whether algorithms have frames of these numbers of eLinks; ConfigError when not."""
    few = np.eye(48, dtype=np.uint32) + np.uint32(1)
    for name in names:
        for links in elinks if name not in {"all", "threshold"} else ():
            _coder(name, links, few)(few)


def received(name: str, sample: Sample, progress: Progress) -> Charges:
    """Return the charges that a receiver has of every module, float32 (n, cells), counts.

    Tables and thresholds of the modules of an event are made of the events of the other fold.

    Raises
    ------
    ConfigError
        When no frame of the algorithm fits the eLinks of a module.
    """
    charges = sample.images.batch.charges
    if name == "all":
        return charges.astype(np.float32)
    if name == "threshold":
        return _above_threshold(sample)
    out = np.empty(charges.shape, np.float32)
    with progress.bar(NAMES[name], len(sample)) as bar:
        for links in np.unique(sample.elinks).tolist():
            mine = sample.elinks == links
            for fold in range(FOLDS):
                rows = np.flatnonzero(mine & (sample.fold == fold))
                others = charges[np.flatnonzero(mine & (sample.fold != fold))]
                if not len(rows):
                    continue
                decode = _coder(name, links, others if len(others) else charges[rows])
                # The buffer of the threshold sum has a history, so its crossings stay together.
                step = len(rows) if name == "ts" else _CHUNK
                for start in range(0, len(rows), step):
                    part = rows[start : start + step]
                    out[part] = decode(charges[part])
                    bar.advance(len(part))
    return out


def _above_threshold(sample: Sample) -> Charges:
    from metrics.trigger.cells import Places
    from metrics.trigger.settings import THRESHOLD_MIPT

    out = sample.images.batch.charges.astype(np.float32)
    for _, events, rows in sample.blocks():
        places = Places(sample.images[rows], events)
        out[rows] = np.where(places.mipt(out[rows]) >= THRESHOLD_MIPT, out[rows], 0)
    return out


def _coder(name: str, links: int, tune: NDArray[np.uint32]) -> Callable[[NDArray[np.uint32]], NDArray[np.float64]]:
    from metrics.rivals import AdaptivePrecision, Pools, forms
    from metrics.rivals.layout import Form
    from metrics.transmitted import transmitted

    if name == "abc":
        form = Form.JOINED if links <= _JOINED_TO else Form.ENUMERATED
        layout = next((layout for layout in forms(links) if layout.form is form), None)
        if layout is None:
            raise ConfigError(f"algorithm {name!r} has no frame of {links} eLinks; leave it out")
        code = AdaptivePrecision.trained(layout, Pools(tune))
        return lambda charges: code.decode(code.encode(charges))
    few = tune[:: -(-len(tune) // _TUNED)] if name != "ts" else tune

    def send(charges: NDArray[np.uint32]) -> NDArray[np.float64]:
        kind, variant = _VARIANTS.get(name, (name, ""))
        found = transmitted(charges, LOW_DENSITY, [links], [kind], tune=few).reconstructions
        # Of super trigger cells, sums at the cell with the most charge where the frame says which, else spread.
        fits = [r for r in found if r.variant == variant or name == "stc"]
        best = min(fits, key=lambda r: (r.variant != "plain", r.algorithm), default=None)
        if best is None:
            raise ConfigError(f"algorithm {name!r} has no frame of {links} eLinks; leave it out")
        return best.charges

    return send
