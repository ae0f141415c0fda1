"""The data stage of a run: from a configuration to the rows that train, validate and report, in memory or streamed.

A dataset file that needs more memory than ``data.memory_mb`` is streamed: its training rows go through the run
directory's file in parts, and only validation and report rows are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from econ_ae.app import judge
from econ_ae.app.run.context import FACTS, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.stages import modules, whole_events
from econ_ae.app.stages.streamed import Streamed, event_bytes, facts
from econ_ae.config import PYTHIA, SYNTHETIC, RunConfig
from econ_ae.config.skeleton import check_conditions
from econ_ae.data import conditions
from econ_ae.data.batch import Batch, concatenated
from econ_ae.data.dataset import SUFFIXES, Dataset
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.module_conditions import Conditions
from econ_ae.data.readers.foreign import is_foreign
from econ_ae.data.resample import resampled, values_of
from econ_ae.data.splits import Split, image_numbers, split
from econ_ae.data.store import DATASET, SETS
from econ_ae.errors import ConfigError, DataError
from econ_ae.files import write_json
from econ_ae.geometry import IndexArray, WaferGeometry
from econ_ae.progress import Progress, Silent, waiting

_ROOT = ".root"


class Prepared(Protocol):
    """Data of a run before anything is written."""

    @property
    def title(self) -> str:
        """How many images of what."""

    @property
    def rows(self) -> Split:
        """Which rows do what."""

    def parts(self, rows: IndexArray) -> Iterator[Batch]:
        """Return rows in parts that fit in memory."""

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the report must know about the data."""

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the rows in their sets; return the description of what is in them."""


def prepare(config: RunConfig, geometry: WaferGeometry, progress: Progress | None = None) -> Prepared:
    """Return the data that a configuration asks for.

    Raises
    ------
    DataError, ConfigError
        When the source cannot be read, the rows cannot be split, or validation and report do not fit in memory.
    """
    conditions.check(config.conditions, geometry)
    made = config.data.source in {SYNTHETIC, PYTHIA}
    check_conditions(config)
    judge.check(config)
    what = f"{config.data.events} {config.data.source} images" if made else f"reading {config.data.source}"
    with waiting(progress or Silent(), what, at_once=False):
        found = _prepared(config, geometry, progress)
        _check_known(config, found)
        return found


def _check_known(config: RunConfig, prepared: Prepared) -> None:
    """Find out before anything is trained whether the decoder can know of every module what it is to know."""
    known = Conditions(config.decoder.conditions)
    if not known.names:
        return
    if config.data.modules is None:  # of one class all modules may be in one layer; a campaign checks all together
        known.check_training(prepared.parts(prepared.rows.train))
    for rows in (prepared.rows.train, prepared.rows.validation, prepared.rows.report):
        for batch in prepared.parts(rows):
            known.features(batch)


def _prepared(config: RunConfig, geometry: WaferGeometry, progress: Progress | None) -> Prepared:
    path = Path(config.data.source)
    if path.suffix == whole_events.SUFFIX and not path.is_dir():
        return whole_events.prepare(config, geometry, lambda: InMemory(*read_data(config, geometry, progress)))
    if path.suffix in SUFFIXES and path.is_file() and not is_foreign(path):
        with Dataset.open(path) as data:
            rows = data.rows if config.data.limit is None else min(config.data.limit, data.rows)
            if rows * event_bytes(config, geometry) > config.data.memory_mb << 20:
                if config.data.modules is None:
                    return Streamed.index(path, rows, config, geometry)
                return whole_events.through_file(data.batches(), rows, config, geometry)
    return InMemory(*read_data(config, geometry, progress))


def read_data(config: RunConfig, geometry: WaferGeometry, progress: Progress | None = None) -> tuple[Batch, Split]:
    """Return the batch that a configuration asks for, under its conditions, and its rows."""
    data = config.data
    batch = read_batch(config, geometry, progress)
    if whole_events.holds(batch):
        rows = whole_events.split(data, batch.metadata["event"], batch.total > 0)
    else:
        rows = split(
            batch, data.train, data.report, validation=data.validation, seed=config.seed, keep_copies=data.keep_copies
        )
    batch, rows = change(batch, rows, config, geometry)
    if data.resample is not None:
        rows = resampled(rows, values_of(batch, data.resample), data.resample, config.seed)
    return batch, rows


def read_batch(config: RunConfig, geometry: WaferGeometry, progress: Progress | None = None) -> Batch:
    """Return all images that a configuration selects of its source, as they are."""
    chosen = config.data.modules
    return modules.described(modules.taken(_whole(config, geometry, progress), chosen), chosen)


def _whole(config: RunConfig, geometry: WaferGeometry, progress: Progress | None) -> Batch:
    data = config.data
    if data.source in {SYNTHETIC, PYTHIA}:
        from econ_ae.data.generated import generated

        return generated(data, config.seed, geometry, progress)
    if data.registers is not None:
        from econ_ae.data.readers.front_end import read_front_end

        return read_front_end(Path(data.source), Path(data.registers), data.limit)
    if data.source.endswith(whole_events.SUFFIX):
        return whole_events.read(data, geometry)
    from econ_ae.data.readers import RootOptions, read

    batch = read(
        data.source,
        limit=data.limit,
        field_order=data.field_order,
        density=data.density,
        zero_code=data.zero_code,
        geometry=geometry,
        root=RootOptions.of(data.root, data.density),
    )
    if progress is not None:
        for step in batch.provenance.steps:
            progress.say(step)
    return batch


def class_counts(config: RunConfig, geometry: WaferGeometry) -> dict[str, int]:
    """Return the images of every class of the class map in ``[data.modules]``, in the whole source.

    Raises
    ------
    DataError, ConfigError
        When the source or the map cannot be read, a module is in no class, a class has no module, or a condition of
        the decoders is the same for all modules.
    """
    chosen = config.data.modules
    if chosen is None:
        raise ConfigError("no class map is given in [data.modules]")
    found = modules.counts(_all_classes(config, geometry), chosen)
    known = Conditions(config.decoder.conditions)
    if known.names:
        known.check_training(_all_classes(config, geometry))
    return found


def _all_classes(config: RunConfig, geometry: WaferGeometry) -> Iterator[Batch]:
    path = Path(config.data.source)
    if path.suffix == whole_events.SUFFIX and path.is_file():
        yield from whole_events.batches(config.data, geometry)
    elif path.suffix in SUFFIXES and path.is_file() and not is_foreign(path):
        with Dataset.open(path) as data:
            yield from data.batches(limit=config.data.limit)
    else:
        yield _whole(config, geometry, None)


def trees(config: RunConfig, geometry: WaferGeometry) -> list[dict[str, Any]]:
    """Return what could be read of every tree where the source is a ROOT file; of other sources nothing."""
    path = Path(config.data.source)
    if path.suffix != _ROOT or not path.is_file():
        return []
    from econ_ae.data.readers import RootOptions
    from econ_ae.data.readers.ntuples import trees as found

    return [asdict(tree) for tree in found(path, RootOptions.of(config.data.root, config.data.density), geometry)]


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


def run(context: Context) -> list[Path]:
    """Read the source of the run's data and write its rows; DataError, ConfigError as ``prepare``."""
    return _stored(context, prepare(context.config, context.geometry, context.progress))


def write(context: Context, data: Prepared) -> None:
    """Store data that were prepared before the run's directory was made, and record the stage."""
    watch = Stopwatch()
    context.run.record("data", context.run.inputs_of([]), _stored(context, data), watch.seconds())


def _stored(context: Context, data: Prepared) -> list[Path]:
    write_json(context.path(FACTS), data.write(context.run.path))
    return [context.path(DATASET), context.path(FACTS)]


@dataclass(frozen=True)
class InMemory:
    """A batch and its rows."""

    batch: Batch
    rows: Split

    @property
    def title(self) -> str:
        """How many images of what."""
        return f"{len(self.batch)} trigger-cell images: {self.batch.provenance.source}"

    def parts(self, rows: IndexArray) -> Iterator[Batch]:
        """Return rows in parts that fit in memory."""
        yield self.batch[rows]

    def describe(self) -> dict[str, Any]:
        """Return what a reader of the report must know about the data."""
        occupancy, total = self.batch.occupancy, self.batch.total
        return facts(self.batch.provenance, len(self.batch), self.rows) | {
            "mean_occupancy": float(occupancy.mean()),
            "median_total_calq": float(np.median(total)),
            "content_sha256": self.batch.content_hash(),
        }

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the rows in their sets; return the description of what is in them."""
        with DatasetWriter(folder / DATASET) as writer:
            for name in SETS:
                writer.append(self.batch[getattr(self.rows, name)], name)
        return self.describe()
