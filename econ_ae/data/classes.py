"""Classes of modules: which module has how many eLinks, by layer, by place or by row."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError, DataError, did_you_mean

IntArray = NDArray[np.int64]
Metadata = Mapping[str, NDArray[np.generic]]

CLASS = "class"
OF_CLASS = "modules of class "
"""Start of the provenance step of images that were taken of one class."""
KEYS = {"layer": 0.0, "zside": 0.0, "wafer_u": 0.0, "wafer_v": 0.0, "x": 0.5, "y": 0.5, "row": 0.0}
"""Columns by which a map names modules, with the largest difference that still is the same value (cm)."""

CMS_LINKS = {**dict.fromkeys(range(34), 2), 2: 5, 4: 5, 3: 4, 5: 4, 6: 3}
"""eLinks by trigger layer where no map is given. The masks of the collaboration's public training code, which name the
detector's layers: 5 eLinks on 5 and 9, 4 on 7 and 11, 3 on 13, 2 on all others (detector layer = 2 layer + 1)."""

FRONT = "front"
FRONT_LAYERS = (0, 1)
"""Class and trigger layers that ``cms-front`` sets apart: 21 to 22 cells hit on average, 12 behind layer 5 (the
reference's README)."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """Lines that say which modules belong to which class; the last line that fits a module decides.

    Parameters
    ----------
    keys : some of ``KEYS``
    values : float64 (lines, keys); NaN fits every module
    names : class of every line
    source : where the map comes from, for messages
    """

    keys: tuple[str, ...]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    source: str

    @property
    def sha256(self) -> str:
        """Hash of what the map says."""
        text = json.dumps([self.keys, np.nan_to_num(self.values, nan=-1e9).tolist(), self.names])
        return hashlib.sha256(text.encode()).hexdigest()

    def assign(self, metadata: Metadata, rows: int, classes: Sequence[str], *, first: int = 0) -> IntArray:
        """Return the class of every row as an index into ``classes``, int64 (rows,).

        Parameters
        ----------
        metadata : columns (rows,) of the data
        classes : all classes that there are
        first : row of the data that the first of these rows is, where they come in parts

        Raises
        ------
        ConfigError
            When a line names an unknown class.
        DataError
            When the data lack a column of the map, or a module is in no class.
        """
        unknown = next((name for name in self.names if name not in classes), None)
        if unknown is not None:
            raise ConfigError(
                f"{self.source} puts modules into class {unknown!r}; expected one of {', '.join(classes)}"
                f"{did_you_mean(unknown, classes)}"
            )
        columns = self._columns(metadata, rows, first)
        index = {name: i for i, name in enumerate(classes)}
        places, inverse = np.unique(columns, axis=0, return_inverse=True)
        of_place = np.full(len(places), -1, np.int64)
        tolerance = np.array([KEYS[key] for key in self.keys])
        for line, name in zip(self.values, self.names, strict=True):
            fits = (np.isnan(line) | (np.abs(places - line) <= tolerance)).all(axis=1)
            of_place[fits] = index[name]
        found = of_place[inverse.reshape(-1)]
        self._check(found, columns)
        return found

    def _columns(self, metadata: Metadata, rows: int, first: int) -> NDArray[np.float64]:
        columns = []
        for key in self.keys:
            if key == "row":
                if first + rows > len(self.values):
                    raise DataError(
                        f"{self.source} has a class for {len(self.values)} rows; the data have at least {first + rows}"
                    )
                columns.append(np.arange(first, first + rows, dtype=np.float64))
            elif key not in metadata:
                there = ", ".join(sorted(metadata)) or "no column"
                raise DataError(
                    f"{self.source} names modules by {key!r}, which the data do not have; they have {there}"
                )
            else:
                columns.append(np.asarray(metadata[key], np.float64))
        return np.stack(columns, axis=1)

    def _check(self, found: IntArray, columns: NDArray[np.float64]) -> None:
        lost = np.unique(columns[found < 0], axis=0)
        if len(lost):
            first = ", ".join(f"{key} {value:g}" for key, value in zip(self.keys, lost[0], strict=True))
            raise DataError(
                f"{self.source}: {int((found < 0).sum())} images of {len(lost)} modules are in no class, first "
                f"{first}; add a line for them, or one with empty columns for all others"
            )


def check_used(counts: Mapping[str, int], source: str) -> None:
    """Raise DataError when a class has no image.

    Parameters
    ----------
    counts : images by class
    """
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise DataError(f"class {empty[0]!r} has no module in the data ({source}); leave it out, or select more data")


def class_of(batch: Batch) -> str | None:
    """Return the class that images were taken of; None where they were not."""
    steps = [step for step in batch.provenance.steps if step.startswith(OF_CLASS)]
    return steps[-1].removeprefix(OF_CLASS).partition(" ")[0] if steps else None


def by_layer(elinks: Mapping[int, str], source: str) -> ClassMap:
    """Return a map that knows layers alone: name of the class by trigger layer."""
    lines = np.array([[layer] for layer in elinks], np.float64)
    return ClassMap(("layer",), lines, tuple(elinks.values()), source)


def cms(classes: Mapping[str, int], *, front: bool = False) -> ClassMap:
    """Return the default map of whole CMS events, ``CMS_LINKS``, for classes with these numbers of eLinks.

    Parameters
    ----------
    front : the first layers, which have as few eLinks as the last ones and twice their cells, are class ``FRONT``

    Raises
    ------
    ConfigError
        When no class, or more than one, has a number of eLinks that the map needs.
    """
    where = "the map cms-front" if front else "the default map"
    if front and classes.get(FRONT) != CMS_LINKS[0]:
        raise ConfigError(f"{where}: expected a class {FRONT!r} with {CMS_LINKS[0]} eLinks among {', '.join(classes)}")
    others = {name: links for name, links in classes.items() if not front or name != FRONT}
    names = {layer: _named(links, others, where) for layer, links in CMS_LINKS.items()}
    if front:
        names |= dict.fromkeys(FRONT_LAYERS, FRONT)
    return by_layer(names, f"{where} of CMS")


def read(path: Path, classes: Mapping[str, int]) -> ClassMap:
    """Return the map of a CSV or JSON file (a list of objects with the same columns).

    Columns are some of ``KEYS``, and ``class`` or ``elinks``; an empty column fits every module. With ``row`` every row
    of the data has a line of its own, in order.

    Parameters
    ----------
    classes : eLinks by name of the class

    Raises
    ------
    DataError
        When the file cannot be read, a column is unknown or missing, a value is no number, or two lines say different
        things of the same modules.
    ConfigError
        When no class has a line's number of eLinks, or a line's class has another number.
    """
    records = _records(path)
    columns = list(records[0])
    keys = tuple(name for name in KEYS if name in columns)
    for name in columns:
        if name not in {*KEYS, CLASS, "elinks"}:
            known = (*KEYS, CLASS, "elinks")
            raise DataError(f"{path.name}: unknown column {name!r}; expected some of {', '.join(known)}")
    if not keys or not {CLASS, "elinks"} & set(columns):
        raise DataError(
            f"{path.name}: columns {', '.join(columns)}; expected some of {', '.join(KEYS)}, and class or elinks"
        )
    values = np.array([[_number(record[key], path, i, key) for key in keys] for i, record in enumerate(records)])
    names = [_class_of(record, classes, f"{path.name}, line {i + 1}") for i, record in enumerate(records)]
    if "row" in keys and (keys != ("row",) or not np.array_equal(values[:, 0], np.arange(len(values)))):
        raise DataError(f"{path.name}: with 'row' every row of the data has one line, numbered from 0 in order")
    seen: dict[tuple[float | None, ...], str] = {}
    for i, (line, name) in enumerate(zip(values.tolist(), names, strict=True)):
        key = tuple(None if np.isnan(value) else value for value in line)
        if seen.setdefault(key, name) != name:
            raise DataError(f"{path.name}, line {i + 1}: class {name!r}, but an earlier line says {seen[key]!r}")
    return ClassMap(keys, values, tuple(names), path.name)


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        records = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines(), strict=True))
    except OSError as problem:
        raise DataError(f"cannot read the class map {path}: {problem.strerror}") from problem
    except (ValueError, csv.Error) as problem:
        raise DataError(f"{path.name} is no CSV or JSON file of classes: {problem}") from problem
    if not isinstance(records, list) or not records or not all(isinstance(r, dict) and r for r in records):
        raise DataError(f"{path.name} holds no lines; expected a header and lines, or a JSON list of objects")
    for i, record in enumerate(records):
        if set(record) != set(records[0]) or None in record or (path.suffix != ".json" and None in record.values()):
            raise DataError(f"{path.name}, line {i + 1}: other columns than the first line")
    return records


def _number(value: Any, path: Path, line: int, key: str) -> float:
    if value is None or (isinstance(value, str) and not value.strip()):
        return float("nan")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("inf")
    if not np.isfinite(number) or isinstance(value, bool):
        raise DataError(f"{path.name}, line {line + 1}: {key} is {value!r}; expected a number, or nothing for all")
    return number


def _class_of(record: Mapping[str, Any], classes: Mapping[str, int], where: str) -> str:
    links = record.get("elinks")
    try:
        count = None if links in {None, ""} else int(links)
    except (TypeError, ValueError):
        raise DataError(f"{where}: elinks is {links!r}; expected a number") from None
    name = record.get(CLASS)
    if name in {None, ""}:
        if count is None:
            raise DataError(f"{where}: neither class nor elinks is given")
        return _named(count, classes, where)
    name = str(name)
    if name not in classes:
        raise ConfigError(f"{where}: class {name!r}; expected one of {', '.join(classes)}{did_you_mean(name, classes)}")
    if count is not None and classes[name] != count:
        raise ConfigError(f"{where}: class {name!r} with {count} eLinks, but that class sends on {classes[name]}")
    return name


def _named(elinks: int, classes: Mapping[str, int], where: str) -> str:
    found: Collection[str] = [name for name, count in classes.items() if count == elinks]
    if len(found) != 1:
        what = "no class sends" if not found else f"classes {', '.join(found)} all send"
        raise ConfigError(f"{where}: {elinks} eLinks, but {what} on {elinks}; expected one class of that number")
    return next(iter(found))
