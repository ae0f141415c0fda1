"""Runs on a dataset file that is larger than memory: what is held, what is streamed from the run directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import RunConfig
from econ_ae.data import conditions
from econ_ae.data.batch import Batch, Provenance, concatenated
from econ_ae.data.dataset import BLOCK, Dataset
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.events import EventRanges, split_events, whole_events
from econ_ae.data.resample import resampled, values_of
from econ_ae.data.splits import Rows, Split, split_rows
from econ_ae.data.store import DATASET
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import WaferGeometry

SAMPLE = 20_000
"""Training rows of a streamed set that later stages see (to tune thresholds, to verify)."""


def event_bytes(config: RunConfig, geometry: WaferGeometry) -> int:
    """Return about how much memory an event takes when the whole set is in memory: charges, images, fractions."""
    pixels = int(np.prod(geometry.arrangement(config.encoder.arrangement).shape))
    views = len(geometry.rotations) if config.training.rotations else 1
    return 8 * geometry.cells + 4 * views * (pixels + geometry.cells) + 8 * (pixels + geometry.cells)


@dataclass(frozen=True)
class Streamed:
    """A dataset file that stays on disk; in memory are two numbers per row, and later validation and report rows."""

    path: Path
    config: RunConfig
    geometry: WaferGeometry
    rows: Split
    provenance: Provenance
    content_sha256: str
    events: int
    mean_occupancy: float
    median_total: float

    @classmethod
    def index(cls, path: Path, events: int, config: RunConfig, geometry: WaferGeometry) -> Streamed:
        """Read the file once: charge and a 64-bit hash of every image, and from them the rows."""
        data = config.data
        _check_resampling(config)
        total, digest = np.zeros(events, np.int64), np.zeros(events, np.uint64)
        number, whole = np.zeros(events, np.int64), False
        told = np.zeros(events if data.resample else 0)
        occupied = start = 0
        with Dataset.open(path) as file:
            if file.cells != geometry.cells:
                raise DataError(f"{path.name} has images of {file.cells} cells; expected {geometry.cells}")
            for batch in file.batches(limit=events):
                part = slice(start, start + len(batch))
                total[part], digest[part] = batch.total, image_hashes(batch)
                occupied += int(batch.occupancy.sum())
                if data.resample is not None:
                    told[part] = values_of(batch, data.resample)
                if whole := whole_events(batch.metadata):
                    number[part] = batch.metadata["event"]
                start = part.stop
            provenance, content = file.provenance, file.content_sha256
        images: Rows | None = None
        if not data.keep_copies and not whole:
            images = np.unique(digest, return_inverse=True)[1].astype(np.intp)
        if whole:
            ranges = data.cms_events
            rows = split_events(
                number,
                total > 0,
                EventRanges(ranges.train_events, ranges.validation_events, ranges.report_events),
                rows=(data.train, data.report),
            )
        else:
            rows = split_rows(total > 0, images, data.train, data.report, validation=data.validation, seed=config.seed)
        if data.resample is not None:
            rows = resampled(rows, told, data.resample, config.seed)
        held = (len(rows.report) + len(rows.validation)) * event_bytes(config, geometry) >> 20
        if held > data.memory_mb:
            raise ConfigError(
                f"{len(rows.report)} report and {len(rows.validation)} validation rows need {held} MB, data.memory_mb "
                f"is {data.memory_mb}: give data.report fewer rows (such as '0:20000') and a smaller data.validation"
            )
        return cls(
            path,
            config,
            geometry,
            rows,
            provenance,
            content,
            events,
            occupied / events,
            float(np.median(total)),
        )

    @property
    def title(self) -> str:
        """How many images of what."""
        return f"{self.events} trigger-cell images, streamed from disk: {self.provenance.source}"

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the report must know about the data."""
        return facts(self.provenance, self.events, self.rows) | {
            "mean_occupancy": self.mean_occupancy,
            "median_total_calq": self.median_total,
            "content_sha256": self.content_sha256,
            "streamed": True,
        }

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the rows in their sets; return the description of what is in them."""
        held = [concatenated(list(self.parts(rows))) for rows in (self.rows.validation, self.rows.report)]
        counts = write_rows(folder, self.parts(self.rows.train), *held, config=self.config, geometry=self.geometry)
        facts = self.describe() | counts
        if self.config.conditions.changes:
            facts["steps"] = (*facts["steps"], *conditions.describe(self.config.conditions))
        return facts

    def parts(self, rows: Rows) -> Iterator[Batch]:
        """Return rows in parts that fit in memory."""
        size = 64 * BLOCK
        wanted = np.zeros(self.events, np.bool_)
        wanted[rows] = True
        with Dataset.open(self.path) as file:
            for start in range(0, self.events, size):
                here = wanted[start : start + size]
                if here.any():
                    yield file.read(start, start + len(here))[here]


def _check_resampling(config: RunConfig) -> None:
    """Raise ConfigError where resampling needs the rows in memory."""
    resample = config.data.resample
    if resample is None:
        return
    how = f"{config.data.source} needs more than data.memory_mb = {config.data.memory_mb} and is streamed"
    if resample.repeat:
        raise ConfigError(
            f"data.resample.repeat: {how}, where every row trains once; leave repeat out, or give more memory"
        )
    if config.conditions.changes:
        raise ConfigError(f"data.resample: {how}, where [conditions] change rows after they were chosen; leave one out")


def write_rows(
    folder: Path,
    training: Iterator[Batch],
    validation: Batch,
    report: Batch,
    *,
    config: RunConfig,
    geometry: WaferGeometry,
) -> dict[str, Any]:
    """Write the data of a streamed run under the configuration's conditions; return how many rows are in which set.

    Where conditions take the charge of a row or make it equal to a report or validation row, it does not train.
    """
    changes, kept = config.conditions, config.data.keep_copies or not config.conditions.changes
    validation = conditions.apply(validation, changes, geometry, key=1)
    report = conditions.apply(report, changes, geometry, key=2)
    validation = validation[(validation.total > 0) & (kept | ~np.isin(image_hashes(validation), image_hashes(report)))]
    taken = np.concatenate([image_hashes(report), image_hashes(validation)])
    train = 0
    with DatasetWriter(folder / DATASET) as writer:
        for number, rows in enumerate(training):
            part = conditions.apply(rows, changes, geometry, key=10 + number)
            part = part[(part.total > 0) & (kept | ~np.isin(image_hashes(part), taken))]
            writer.append(part, "train")
            train += len(part)
        writer.append(validation, "validation")
        writer.append(report, "report")
        writer.hold("train", SAMPLE)
    return {
        "train_events": train,
        "validation_events": len(validation),
        "report_events": len(report),
        "undefined_in_report": int((report.total == 0).sum()),
    }


def image_hashes(batch: Batch) -> NDArray[np.uint64]:
    """Return a 64-bit hash of every row's charges, uint64 (n,).

    In ten million rows two different images share a hash with a probability of 3e-6; a row is left out too much then.
    """
    rows = np.ascontiguousarray(batch.charges)
    size = rows.shape[1] * rows.itemsize
    raw = memoryview(rows.tobytes())
    digests = b"".join(
        hashlib.blake2b(raw[i : i + size], digest_size=8).digest() for i in range(0, size * len(rows), size)
    )
    return np.frombuffer(digests, np.uint64)


def facts(provenance: Provenance, events: int, rows: Split) -> dict[str, Any]:
    """Return what a reader of the report must know about where rows come from and what they do."""
    return {
        **asdict(provenance),
        "events": events,
        "rows": rows.rule,
        "train_events": len(rows.train),
        "validation_events": len(rows.validation),
        "report_events": len(rows.report),
        "excluded_without_charge": rows.excluded,
        "copies_left_out": rows.copies,
        "undefined_in_report": rows.undefined,
    }
