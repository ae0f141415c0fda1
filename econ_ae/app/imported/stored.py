"""What a Keras file holds: its architecture, if it tells one, and the arrays of its layers. No code of it is run."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.files import BROKEN_ARCHIVE

_MOST_OBJECTS = 20_000
_MOST_NUMBERS = 1 << 25
_DAMAGE = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, UnicodeDecodeError, RecursionError)
"""What h5py and JSON raise on changed bytes, depending on where they are."""
_LEFT_OUT = ("optimizer_weights", "top_level_model_weights", "optimizer", "metrics")
_EXPECTED = "expected an .h5, .hdf5 or .keras file that Keras or QKeras wrote"

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stored:
    """A model file.

    Parameters
    ----------
    source : its name, for messages
    config : ``{"class_name": ..., "config": ...}`` of the model, or None where the file has weights alone
    arrays : by path, from the outermost group to the name of the array without ``:0``
    order : names of the layers in the file's order, where it tells one
    """

    source: str
    config: Mapping[str, Any] | None
    arrays: Mapping[tuple[str, ...], Array]
    order: tuple[str, ...] = field(default=())

    def of_layer(self, name: str, saved_as: str = "", within: str = "") -> dict[str, Array]:
        """Return the arrays of a layer by their names; of the newest form, which has numbers, as kernel and bias.

        Parameters
        ----------
        name : of the layer
        saved_as : the other name under which the newest form keeps it
        within : name of the model that it is part of, where a file holds several
        """
        for wanted in (name, saved_as):
            found = {
                path[-1]: array
                for path, array in self.arrays.items()
                if wanted in path[:-1] and (not within or within not in self.outer() or within in path)
            }
            if found and wanted:
                return {{"0": "kernel", "1": "bias"}.get(key, key): array for key, array in found.items()}
        return {}

    def outer(self) -> set[str]:
        """Return the names of all groups."""
        return {part for path in self.arrays for part in path[:-1]}


def read(path: Path, architecture: Path | None = None) -> Stored:
    """Return what a file holds.

    Parameters
    ----------
    architecture : JSON file with the architecture (``model.to_json()``), where the weights are alone

    Raises
    ------
    DataError
        One line, when a file is missing, damaged, no model, or holds something else than plain numbers.
    """
    if not path.is_file():
        raise DataError(f"{path} is {'a directory' if path.is_dir() else 'missing'}; {_EXPECTED}")
    try:
        if zipfile.is_zipfile(path):
            found = _keras(path)
        else:
            with path.open("rb") as stream:
                found = _hdf5(path, stream)
    except DataError:
        raise
    except (*BROKEN_ARCHIVE, *_DAMAGE) as problem:
        what = " ".join(str(problem).split())[:120]
        raise DataError(f"{path} is damaged or no model ({what}); {_EXPECTED}") from problem
    if architecture is None:
        return found
    return Stored(found.source, _json(architecture), found.arrays, found.order)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path} is no JSON; expected what model.to_json() gives") from problem
    if isinstance(raw, str):  # written once more as JSON
        raw = json.loads(raw)
    return _model(raw, str(path))


def _model(raw: Any, source: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or not isinstance(raw.get("class_name"), str) or "config" not in raw:
        raise DataError(f"{source} has no architecture of a Keras model; expected class_name and config")
    return raw


def _keras(path: Path) -> Stored:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names or "model.weights.h5" not in names:
            raise DataError(f"{path} is an archive without config.json and model.weights.h5; {_EXPECTED}")
        if sum(one.file_size for one in archive.infolist()) > 8 * _MOST_NUMBERS:
            raise DataError(f"{path} is larger than an encoder can be; {_EXPECTED}")
        config = _model(json.loads(archive.read("config.json")), str(path))
        weights = _hdf5(path, io.BytesIO(archive.read("model.weights.h5")))
    return Stored(path.name, config, weights.arrays, weights.order)


def _hdf5(path: Path, stream: BinaryIO) -> Stored:
    with h5py.File(stream, "r") as file:
        text = file.attrs.get("model_config")
        config = None if text is None else _model(json.loads(_text(text)), str(path))
        weights = file.get("model_weights", file)
        order = tuple(_text(name) for name in weights.attrs.get("layer_names", ()))
        arrays = _arrays(path, weights)
    if not arrays:
        raise DataError(f"{path} holds no weights; {_EXPECTED}")
    return Stored(path.name, config, arrays, order)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _arrays(path: Path, top: Any) -> dict[tuple[str, ...], Array]:
    """Return all arrays of numbers below a group; links out of the file are not followed."""
    found: dict[tuple[str, ...], Array] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), top)]
    seen: set[Any] = set()
    numbers = 0
    while waiting:
        place, group = waiting.pop()
        if group.id in seen:
            continue
        seen.add(group.id)
        if len(seen) + len(found) > _MOST_OBJECTS:
            raise DataError(f"{path} holds more than {_MOST_OBJECTS} objects; {_EXPECTED}")
        for name in group:
            if name in _LEFT_OUT or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            one, here = group[name], (*place, re.sub(r":\d+$", "", name))
            if isinstance(one, h5py.Group):
                waiting.append((here, one))
            elif isinstance(one, h5py.Dataset):
                numbers += _check(path, "/".join(here), one)
                if numbers > _MOST_NUMBERS:
                    raise DataError(f"{path} holds more than {_MOST_NUMBERS} numbers; {_EXPECTED}")
                if one.ndim:  # a single number is a counter
                    found[here] = _finite(path, "/".join(here), np.asarray(one[()], np.float64))
    return found


def _check(path: Path, name: str, one: Any) -> int:
    if one.dtype.kind not in "fiu" or one.dtype.hasobject:
        raise DataError(f"{path}: {name} holds {one.dtype}, no numbers; {_EXPECTED}")
    if one.external or one.is_virtual:
        raise DataError(f"{path}: the numbers of {name} are in another file; {_EXPECTED}")
    return int(one.size)


def _finite(path: Path, name: str, values: Array) -> Array:
    if not np.isfinite(values).all():
        raise DataError(f"{path}: {name} has {int((~np.isfinite(values)).sum())} values that are no numbers (NaN, inf)")
    return values


def saved_names(classes: Sequence[str]) -> list[str]:
    """Return under which names the newest form keeps layers of these classes: snake case, numbered by class."""
    seen: dict[str, int] = {}
    out = []
    for name in classes:
        snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()
        count = seen.get(snake, 0)
        seen[snake] = count + 1
        out.append(f"{snake}_{count}" if count else snake)
    return out
