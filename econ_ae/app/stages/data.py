"""The data stage of a run: from a configuration to the rows that train, validate and report, in memory or streamed.

A dataset file that needs more memory than ``data.memory_mb`` is streamed: the run directory gets the training rows as a
dataset file of its own, and only validation and report rows are held.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from econ_ae.app.run.context import DATASET, FACTS, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.stages import whole_events
from econ_ae.app.stages.streamed import Streamed, event_bytes, facts
from econ_ae.config import PYTHIA, SYNTHETIC, RunConfig
from econ_ae.data import conditions, store
from econ_ae.data.batch import Batch, concatenated
from econ_ae.data.dataset import SUFFIXES, Dataset
from econ_ae.data.splits import Split, image_numbers, split
from econ_ae.errors import DataError
from econ_ae.files import write_json
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress


class Prepared(Protocol):
    """Data of a run before anything is written."""

    @property
    def title(self) -> str:
        """How many images of what."""

    @property
    def rows(self) -> Split:
        """Which rows do what."""

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the report must know about the data."""

    def write(self, folder: Path) -> tuple[list[Path], dict[str, Any]]:
        """Write the files of the data stage; return them, and the description of what is in them."""

    @property
    def source_sha256(self) -> str:
        """Hash of what the data were made of."""


def prepare(config: RunConfig, geometry: WaferGeometry, progress: Progress | None = None) -> Prepared:
    """Return the data that a configuration asks for.

    Raises
    ------
    DataError, ConfigError
        When the source cannot be read, the rows cannot be split, or validation and report do not fit in memory.
    """
    conditions.check(config.conditions, geometry)
    path = Path(config.data.source)
    if path.suffix == whole_events.SUFFIX and not path.is_dir():
        return whole_events.prepare(config, geometry, lambda: InMemory(*read_data(config, geometry, progress)))
    if path.suffix in SUFFIXES and path.is_file():
        with Dataset.open(path) as data:
            rows = data.rows if config.data.limit is None else min(config.data.limit, data.rows)
        if rows * event_bytes(config, geometry) > config.data.memory_mb << 20:
            return Streamed.index(path, rows, config, geometry)
    return InMemory(*read_data(config, geometry, progress))


def read_data(config: RunConfig, geometry: WaferGeometry, progress: Progress | None = None) -> tuple[Batch, Split]:
    """Return the batch that a configuration asks for, under its conditions, and its rows."""
    data = config.data
    if data.source in {SYNTHETIC, PYTHIA}:
        from econ_ae.data.generated import generated

        batch = generated(data, config.seed, geometry, progress)
    elif data.registers is not None:
        from econ_ae.data.readers.front_end import read_front_end

        batch = read_front_end(Path(data.source), Path(data.registers), data.limit)
    elif data.source.endswith(whole_events.SUFFIX):
        batch = whole_events.read(data, geometry)
    else:
        from econ_ae.data.readers import RootOptions, read

        batch = read(
            data.source,
            limit=data.limit,
            field_order=data.field_order,
            density=data.density,
            zero_code=data.zero_code,
            geometry=geometry,
            root=RootOptions(**data.root.model_dump()),
        )
    if whole_events.holds(batch):
        rows = whole_events.split(data, batch.metadata["event"], batch.total > 0)
    else:
        rows = split(
            batch, data.train, data.report, validation=data.validation, seed=config.seed, keep_copies=data.keep_copies
        )
    return change(batch, rows, config, geometry)


def change(batch: Batch, rows: Split, config: RunConfig, geometry: WaferGeometry) -> tuple[Batch, Split]:
    """Return the batch under the configuration's conditions, and the rows that still are of use.

    Rows may lose their charge or become equal to others; training and validation rows of that kind are left out.
    Rows without a purpose are left out.
    """
    if not config.conditions.changes:
        return batch, rows
    grid = conditions.grid_of(batch.charges)
    sets = (rows.train, rows.validation, rows.report)
    parts = [
        conditions.apply(batch[part], config.conditions, geometry, key=key, grid=grid) for key, part in enumerate(sets)
    ]
    train, validation, report = np.split(np.arange(sum(map(len, sets))), np.cumsum([len(s) for s in sets])[:-1])
    whole = concatenated(parts)
    charged = whole.total > 0
    images = np.arange(len(whole)) if config.data.keep_copies else image_numbers(whole.charges)
    kept = []
    taken = report
    for part in (validation, train):
        kept.append(part[charged[part] & ~np.isin(images[part], images[taken])])
        taken = np.concatenate([taken, kept[-1]])
    if not kept[0].size or not kept[1].size:
        raise DataError("no training or validation row has charge and an image of its own under these conditions")
    lost = int(charged[train].sum() + charged[validation].sum()) - kept[0].size - kept[1].size
    changed = replace(
        rows,
        train=kept[1],
        validation=kept[0],
        report=report,
        excluded=rows.excluded + int((~charged[train]).sum() + (~charged[validation]).sum()),
        undefined=int((~charged[report]).sum()),
        copies=rows.copies + lost,
        rule=f"{rows.rule}; then under conditions, {lost} new copies left out",
    )
    return whole, changed


def write(context: Context, data: Prepared) -> None:
    """Store data as the data stage of a run."""
    watch = Stopwatch()
    files, description = data.write(context.run.path)
    write_json(context.path(FACTS), description)
    context.run.record("data", data.source_sha256, [*files, context.path(FACTS)], watch.seconds())


@dataclass(frozen=True)
class InMemory:
    """A batch and its rows."""

    batch: Batch
    rows: Split

    @property
    def title(self) -> str:
        """How many images of what."""
        return f"{len(self.batch)} trigger-cell images: {self.batch.provenance.source}"

    @property
    def source_sha256(self) -> str:
        """Hash of what the data were made of."""
        return self.batch.provenance.sha256

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the report must know about the data."""
        occupancy, total = self.batch.occupancy, self.batch.total
        return facts(self.batch.provenance, len(self.batch), self.rows) | {
            "mean_occupancy": float(occupancy.mean()),
            "median_total_calq": float(np.median(total)),
            "content_sha256": self.batch.content_hash(),
        }

    def write(self, folder: Path) -> tuple[list[Path], dict[str, Any]]:
        """Write the batch with its rows."""
        sets = {"train": self.rows.train, "validation": self.rows.validation, "report": self.rows.report}
        store.save(folder / DATASET, self.batch, sets)
        return [folder / DATASET], self.describe()
