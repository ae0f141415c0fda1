"""Runs on a file of whole events: in memory, or through a dataset file where that is larger than memory."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.stages.modules import taken_of
from econ_ae.app.stages.streamed import Streamed, event_bytes
from econ_ae.config import RunConfig
from econ_ae.config.data import DataConfig
from econ_ae.data.batch import Batch
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.events import EventRanges, split_events, whole_events
from econ_ae.data.readers.cms_events import SUFFIX, EventsFile, EventsOptions, read_events
from econ_ae.data.splits import Split
from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry

__all__ = ["SUFFIX", "holds", "options", "prepare", "read", "split"]

T = TypeVar("T")


def options(data: DataConfig) -> EventsOptions:
    """Return what a configuration takes of a file of whole events; DataError for options of codes."""
    if data.density is not None or data.zero_code is not None:
        raise DataError(f"{Path(data.source).name} says what its codes are; data.density and zero_code do not apply")
    own = data.cms_events
    return EventsOptions(own.layers, own.section, own.thickness, own.zside, own.calibration)


def read(data: DataConfig, geometry: WaferGeometry) -> Batch:
    """Return the images that a configuration takes of its file."""
    return read_events(Path(data.source), options(data), geometry, data.limit)


def batches(data: DataConfig, geometry: WaferGeometry) -> Iterator[Batch]:
    """Yield the images that a configuration takes of its file, of all classes, in parts that fit in memory."""
    file = EventsFile(Path(data.source), options(data), geometry)
    return _first((batch for batch, _ in file.batches()), data.limit or len(file))


def holds(batch: Batch) -> bool:
    """Tell whether a batch holds images of whole events, which are divided by event."""
    return whole_events(batch.metadata)


def split(data: DataConfig, event: NDArray[np.generic], charged: NDArray[np.bool_]) -> Split:
    """Return which rows of whole events do what, by event."""
    own = data.cms_events
    ranges = EventRanges(own.train_events, own.validation_events, own.report_events)
    return split_events(np.asarray(event, np.int64), charged, ranges, rows=(data.train, data.report))


def prepare(config: RunConfig, geometry: WaferGeometry, in_memory: Callable[[], T]) -> T | Streamed:
    """Return the images held in memory or, where they need more than ``data.memory_mb``, streamed."""
    data = config.data
    file = EventsFile(Path(data.source), options(data), geometry)
    rows = file.count() if data.limit is None else min(data.limit, file.count())
    if rows * event_bytes(config, geometry) <= data.memory_mb << 20:
        return in_memory()
    return through_file((batch for batch, _ in file.batches()), rows, config, geometry)


def through_file(batches: Iterator[Batch], rows: int, config: RunConfig, geometry: WaferGeometry) -> Streamed:
    """Return the first rows of batches, or those of the modules taken, streamed.

    They go through a dataset file in the system's temporary directory, which lives as long as what is returned.
    """
    folder = Path(tempfile.mkdtemp(prefix="econ-ae-"))
    try:
        with DatasetWriter(folder / "events.h5") as writer:
            for batch in taken_of(_first(batches, rows), config.data.modules):
                if len(batch):
                    writer.append(batch)
        streamed = Streamed.index(folder / "events.h5", writer.rows, config, geometry)
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(streamed, shutil.rmtree, folder, ignore_errors=True)
    return streamed


def _first(batches: Iterator[Batch], rows: int) -> Iterator[Batch]:
    left = rows
    for batch in batches:
        yield batch[:left]
        left -= min(left, len(batch))
