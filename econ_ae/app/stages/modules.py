"""Modules of one class: what ``[data.modules]`` takes of a source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from econ_ae.config import ModulesConfig
from econ_ae.config.data import CMS, CMS_FRONT
from econ_ae.data import classes
from econ_ae.data.batch import Batch
from econ_ae.data.classes import ClassMap
from econ_ae.errors import DataError


def class_map(modules: ModulesConfig) -> ClassMap:
    """Return the class map of a configuration.

    Raises
    ------
    DataError, ConfigError
        When its file cannot be read, does not fit the classes, or says something else than it did.
    """
    links = dict(zip(modules.classes, modules.elinks, strict=True))
    if modules.map in {CMS, CMS_FRONT}:
        found = classes.cms(links, front=modules.map == CMS_FRONT)
    else:
        found = classes.read(Path(modules.map), links)
    if modules.sha256 not in {None, found.sha256}:
        raise DataError(f"{modules.map} puts modules into other classes than when this was made; restore that file")
    return found


_class_map = lru_cache(maxsize=8)(class_map)


def taken(batch: Batch, modules: ModulesConfig | None, first: int = 0) -> Batch:
    """Return the images of the class that a configuration takes; all of them without a configuration.

    Parameters
    ----------
    first : row of the data that the batch begins with

    Raises
    ------
    DataError, ConfigError
        As ``class_map`` and ``ClassMap.assign``.
    """
    if modules is None:
        return batch
    found = _class_map(modules).assign(batch.metadata, len(batch), modules.classes, first=first)
    return batch[found == modules.classes.index(modules.take)]


def taken_of(batches: Iterator[Batch], modules: ModulesConfig | None) -> Iterator[Batch]:
    """Yield what is taken of batches that follow each other from row 0 on."""
    first = 0
    for batch in batches:
        yield taken(batch, modules, first)
        first += len(batch)


def described(batch: Batch, modules: ModulesConfig | None) -> Batch:
    """Return images that were taken, with that step of their provenance; DataError when there are none."""
    if modules is None:
        return batch
    if not len(batch):
        raise DataError(f"the data have no module of class {modules.take!r} ({modules.map})")
    return batch.after(f"{classes.OF_CLASS}{modules.take} of {Path(modules.map).name}: {len(batch)} images")


def counts(batches: Iterator[Batch], modules: ModulesConfig) -> dict[str, int]:
    """Return the images of every class; DataError when one has none."""
    found, first = np.zeros(len(modules.classes), np.int64), 0
    for batch in batches:
        of = _class_map(modules).assign(batch.metadata, len(batch), modules.classes, first=first)
        found += np.bincount(of, minlength=len(found))
        first += len(batch)
    by_class = dict(zip(modules.classes, found.tolist(), strict=True))
    classes.check_used(by_class, modules.map)
    return by_class
