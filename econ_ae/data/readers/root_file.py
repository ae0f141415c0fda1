"""ROOT files: opening, finding trees, and what is wrong with a file in one line."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from econ_ae.errors import ConfigError, DataError

STEP = "16 MB"
"""Of branch contents that are read at a time: some hundred events with pileup."""


class OpenRoot:
    """An open ROOT file.

    Parameters
    ----------
    path : the file
    expected : what should be in it, for messages

    Attributes
    ----------
    damage : exceptions by which uproot says that a file is damaged

    Raises
    ------
    ConfigError
        When uproot is not installed.
    DataError
        When the file is missing, no ROOT file, or cut off.
    """

    def __init__(self, path: Path, expected: str) -> None:
        self.path = path
        uproot, self.damage = _uproot()
        if not path.is_file():
            raise DataError(f"cannot read {path.name}: no such file; expected a ROOT file with {expected}")
        try:
            self._file = uproot.open(path, array_cache=None, object_cache=None)
            if (end := self._file.file.fEND) > (size := path.stat().st_size):
                raise DataError(f"{path.name} is cut off: {size} of {end} bytes are there; copy it again")
            self._kinds = {key.split(";")[0]: kind for key, kind in self._file.classnames().items()}
        except self.damage as problem:
            raise DataError(f"{path.name} is no ROOT file, or damaged ({first_line(problem)})") from problem

    @property
    def trees(self) -> list[str]:
        """Names of the TTrees."""
        return [name for name, kind in self._kinds.items() if kind == "TTree"]

    @property
    def rntuples(self) -> list[str]:
        """Names of the RNTuples, which are not read."""
        return [name for name, kind in self._kinds.items() if kind.endswith("RNTuple")]

    def tree(self, name: str) -> Any:
        """Return a TTree.

        Raises
        ------
        DataError
            When there is none of that name, it is an RNTuple, or damaged.
        """
        where = self.path.name
        if name not in self.trees and self.rntuples:
            found = name if name in self.rntuples else ", ".join(self.rntuples)
            raise DataError(
                f"{where}: {found} is an RNTuple, which is not read; expected a TTree: write the file as one"
            )
        if name not in self.trees:
            there = ", ".join(self.trees) or "no tree"
            raise DataError(f"{where} has no tree {name}; it has {there}: choose one with data.root.tree")
        try:
            return self._file[name]
        except self.damage as problem:
            raise DataError(f"{where}: {name} is damaged ({first_line(problem)})") from problem


def first_line(problem: Exception) -> str:
    """Return the start of an error's text."""
    return str(problem).strip().split("\n", 1)[0][:100]


def _uproot() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return uproot and the exceptions by which it says that a file is damaged."""
    try:
        import cramjam
        import uproot
    except ImportError:
        raise ConfigError("reading ROOT files needs uproot; install it with: pip install 'econ-ae[root]'") from None
    return uproot, (
        OSError,
        ValueError,
        zlib.error,
        cramjam.DecompressionError,
        uproot.deserialization.DeserializationError,
        uproot.interpretation.identify.UnknownInterpretation,
    )
