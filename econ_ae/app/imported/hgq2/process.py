"""Asks an interpreter that has HGQ2 what a model file holds."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.imported.stored import Array
from econ_ae.errors import DataError, ModelError, ToolError, ToolMissingError
from econ_ae.files import BROKEN_ARCHIVE
from econ_ae.process import run

VARIABLE = "ECON_AE_HGQ2"
"""Environment variable that names an environment with HGQ2."""
_SECONDS = 600
_READER = Path(__file__).with_name("reader.py")


@dataclass(frozen=True, eq=False)
class Described:
    """A model: what ``reader`` writes.

    Parameters
    ----------
    source : its file, for messages
    shape : of the input, without the batch
    layers : first to last
    arrays : of the layers, by number and name
    """

    source: str
    shape: tuple[int, ...]
    layers: tuple[Mapping[str, Any], ...]
    arrays: Mapping[str, Array]

    def array(self, index: int, name: str) -> Array | None:
        """Return an array of a layer, or None."""
        return self.arrays.get(f"{index}/{name}")


def interpreter(given: str | None) -> Path:
    """Return the interpreter: the one given, or that of the environment in ``ECON_AE_HGQ2`` or in ``.hgq2``.

    Raises
    ------
    ToolMissingError
        When there is none; says how to get one.
    """
    place = Path(given) if given is not None else Path(os.environ.get(VARIABLE, ".hgq2")) / "bin" / "python"
    if place.is_file() and os.access(place, os.X_OK):
        return place
    raise ToolMissingError(
        f"no interpreter with HGQ2 at {place}; make one with scripts/hgq2-environment DIR and give --python "
        f"DIR/bin/python, or set {VARIABLE}=DIR"
    )


def described(path: Path, python: str | None, wanted: str = "encoder", images: Array | None = None) -> Described:
    """Return what a model file holds.

    Parameters
    ----------
    python : interpreter with HGQ2
    wanted : which model to take where a file holds several
    images : (n, ...), float32; HGQ2's ``predict`` of them comes back as the array ``predicted``

    Raises
    ------
    DataError, ModelError, ToolMissingError
        One line: what is wrong with the file, or with the interpreter.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is {'a directory' if path.is_dir() else 'missing'}; expected a .keras or .h5 file of HGQ2"
        )
    program = interpreter(python)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.npz"
        command = [str(program.absolute()), str(_READER), str(path.resolve()), wanted, str(out)]
        if images is not None:
            np.save(Path(folder) / "images.npy", images)
            command.append(str(Path(folder) / "images.npy"))
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        log = Path(folder) / "reader.log"
        try:
            run(command, log, timeout=_SECONDS, environment=own)
        except ToolError as problem:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("reader: ")]
            if not lines:
                raise ToolMissingError(f"{path.name}: {problem}") from problem
            kind = ToolMissingError if "has no HGQ2" in lines[-1] else ModelError
            raise kind(f"{path.name}: {lines[-1].removeprefix('reader: ')}") from problem
        return _read(out, path)


def _read(out: Path, path: Path) -> Described:
    try:
        with np.load(out, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files}
        said = json.loads(arrays.pop("layers").tobytes().decode())
    except (*BROKEN_ARCHIVE, KeyError) as problem:
        raise DataError(f"{path.name}: its description cannot be read ({problem})") from problem
    return Described(path.name, tuple(said["shape"]), tuple(said["layers"]), arrays)
