"""From any data source to a dataset file, without holding more than a part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from econ_ae.app.stages import whole_events
from econ_ae.config import PYTHIA, SYNTHETIC, RunConfig
from econ_ae.data import conditions
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import SUFFIXES, Dataset
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.generated import generated_chunks
from econ_ae.data.readers import RootOptions, cms_events, csv_files, read
from econ_ae.data.readers.foreign import is_foreign
from econ_ae.data.readers.modules import ModuleFile
from econ_ae.data.readers.ntuples import open_ntuple
from econ_ae.data.readers.root import SUFFIX, RootFile
from econ_ae.errors import DataError, RunDirectoryError
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Bar, Progress

_PIECE = 50_000  # images generated at a time


@dataclass
class _Source:
    """Batches of a source, how many steps they are of, and their provenance, complete after the last."""

    batches: Iterator[tuple[Batch, int]]
    total: int
    unit: str
    provenance: Provenance | None = None


def convert(config: RunConfig, out: Path, geometry: WaferGeometry, progress: Progress, *, overwrite: bool) -> int:
    """Write the data source of a configuration to a dataset file; return the number of images.

    ROOT files, dataset files, whole events and generated images are read or made in parts; a CSV file is read whole, a
    directory of them file by file. Conditions of the configuration are applied to every part.

    Raises
    ------
    RunDirectoryError
        When ``out`` exists and ``overwrite`` is not set.
    DataError
        When the source cannot be read, or gives no image, or ``out`` has no name of a dataset file.
    """
    if out.suffix not in SUFFIXES:
        raise DataError(f"--out {out} is no name of a dataset file; expected one that ends in .h5")
    if out.exists() and not overwrite:
        raise RunDirectoryError(f"{out} exists; give --overwrite to replace it, or another --out")
    conditions.check(config.conditions, geometry)
    source = _open(config, geometry)
    limit = config.data.limit
    with DatasetWriter(out) as writer, progress.bar(f"converting {source.unit}", source.total) as bar:
        done = 0
        for number, (batch, now) in enumerate(source.batches):
            left = None if limit is None else limit - writer.rows
            part = batch if left is None else batch[:left]
            writer.append(conditions.apply(part, config.conditions, geometry, key=number))
            _advance(bar, now - done, writer.rows)
            done = now
            if left is not None and left <= len(batch):
                break
        if not writer.rows:
            raise DataError(f"{config.data.source}: no image is left to convert")
        if source.provenance is not None:
            steps = [*source.provenance.steps, *conditions.describe(config.conditions)]
            steps += [f"first {limit} rows"] if limit is not None else []
            writer.provenance = replace(source.provenance, steps=tuple(steps))
        return writer.rows


def _advance(bar: Bar, steps: int, rows: int) -> None:
    bar.advance(steps, f"{rows} images")


def _open(config: RunConfig, geometry: WaferGeometry) -> _Source:
    data = config.data
    if data.source in {SYNTHETIC, PYTHIA}:
        return _generated(config, geometry)
    path = Path(data.source)
    if path.suffix in SUFFIXES and not is_foreign(path):
        return _dataset(path)
    if path.suffix == cms_events.SUFFIX and not path.is_dir():
        file = cms_events.EventsFile(path, whole_events.options(data), geometry)
        return _Source(file.batches(), len(file), "modules", file.provenance)
    if path.suffix == SUFFIX:
        return _root(open_ntuple(path, RootOptions.of(data.root, data.density), geometry))
    options: dict[str, Any] = {
        "field_order": data.field_order,
        "density": data.density,
        "zero_code": data.zero_code,
        "geometry": geometry,
    }
    files = csv_files(path) if path.is_dir() else [path]
    if len(files) < 2:
        batch = read(path, limit=data.limit, **options)
        return _Source(iter([(batch, 1)]), 1, "files")
    return _Source(((read(file, **options), i + 1) for i, file in enumerate(files)), len(files), "files")


def _generated(config: RunConfig, geometry: WaferGeometry) -> _Source:
    def batches() -> Iterator[tuple[Batch, int]]:
        done = 0
        for batch in generated_chunks(config.data, config.seed, geometry, _PIECE):
            source.provenance = batch.provenance
            done += len(batch)
            yield batch, done

    source = _Source(batches(), config.data.events, "generated images")
    return source


def _dataset(path: Path) -> _Source:
    data = Dataset.open(path)

    def batches() -> Iterator[tuple[Batch, int]]:
        done = 0
        with data:
            data.check()
            for batch in data.batches():
                done += len(batch)
                yield batch, done

    return _Source(batches(), data.rows, "images", data.provenance)


def _root(file: RootFile | ModuleFile) -> _Source:
    def batches() -> Iterator[tuple[Batch, int]]:
        empty = True
        for batch, done in file.batches():
            empty = False
            source.provenance = file.provenance()
            yield batch, done
        if empty:
            raise file.nothing_left()

    source = _Source(batches(), len(file), "events")
    return source
