"""Replays published vectors: runs every configuration of a directory and compares all output words."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt import chip
from econ_ae.econt.config import AddressMap, Algorithm, EcontConfig
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.errors import DataError, EconAeError, did_you_mean

INPUT, REGISTERS, OUTPUT = "testInput.csv", "init.yaml", "testOutput.csv"


@dataclass(frozen=True)
class Difference:
    """The first row that differs: its number from 0, expected and computed words in hexadecimal."""

    row: int
    expected: tuple[str, ...]
    got: tuple[str, ...]


@dataclass(frozen=True)
class ReplayResult:
    """How one configuration compares.

    Attributes
    ----------
    name : folder name
    rows, equal : rows compared, and rows with all 13 words equal
    elinks : links that the model used
    how_elinks_known : ``given``, ``register file`` or ``columns that the output uses``
    first_difference : None when all rows are equal
    seconds : reading, running and comparing
    note : one sentence more, such as the address map under which the file would match
    refused : why the configuration could not be run, when others of the directory could; no rows are compared then
    """

    name: str
    rows: int
    equal: int
    elinks: int
    how_elinks_known: str
    first_difference: Difference | None
    seconds: float
    note: str = ""
    refused: str = ""

    @property
    def ok(self) -> bool:
        """Whether something was compared and all of it is equal."""
        return 0 < self.rows == self.equal


def replay(
    vectors_dir: Path,
    configs: Sequence[str] | None = None,
    elinks: int | None = None,
    address_map: str | None = None,
) -> list[ReplayResult]:
    """Run the model on a directory of vectors.

    Parameters
    ----------
    vectors_dir : holds ``testInput.csv`` and a folder per configuration with ``init.yaml`` and ``testOutput.csv``;
        may be such a folder itself. A ``testInput.csv`` in a folder goes before the one beside it.
    configs : folder names; all folders with both files when None
    elinks : number of links instead of the register file's
    address_map : ``tc0-first`` or ``tc47-first`` instead of the order that goes with the file's numbering

    Returns
    -------
    One result per configuration, in order of name. Output rows beyond those of the input are an error; an input longer
    than the output is compared over the rows of the output. Of several configurations, one with an error gives a
    result that says so (``refused``) and does not hide the others.

    Raises
    ------
    DataError
        When the input is missing or malformed, or no configuration is found.
    EconAeError
        What is wrong with a single configuration: its files, its registers, or a mode that the model refuses (super
        trigger cell type 4).
    """
    order = _address_map(address_map)
    directory, names = find(vectors_dir, configs)
    read = functools.cache(read_input)
    results = []
    for name in names:
        folder = directory / name
        words = read(folder / INPUT if (folder / INPUT).is_file() else directory / INPUT)
        try:
            results.append(_one(folder, words, elinks, order))
        except EconAeError as problem:
            if len(names) == 1:
                raise
            results.append(ReplayResult(name, 0, 0, 0, "", None, 0.0, refused=str(problem)))
    return results


def lines(results: Sequence[ReplayResult]) -> list[str]:
    """Return one text line per result, for example ``BC_5eTx  3564/3564 rows``, and one per difference."""
    width = max((len(r.name) for r in results), default=0)
    out = []
    for r in results:
        if r.refused:
            out.append(f"{r.name:<{width}}  not run: {r.refused}")
            continue
        detail = "" if r.how_elinks_known == "register file" else f"  ({r.elinks} eLinks: {r.how_elinks_known})"
        out.append(f"{r.name:<{width}}  {r.equal}/{r.rows} rows{detail}")
        if r.first_difference is not None:
            out.append(f"  row {r.first_difference.row} expected {' '.join(r.first_difference.expected)}")
            out.append(f"  row {r.first_difference.row} computed {' '.join(r.first_difference.got)}")
        if r.note:
            out.append(f"  {r.note}")
    return out


def rows(results: Sequence[ReplayResult]) -> list[dict[str, Any]]:
    """Return the results as plain dictionaries, for JSON."""
    return [asdict(result) | {"ok": result.ok} for result in results]


def _address_map(name: str | None) -> AddressMap | None:
    if name is None:
        return None
    known = [str(m) for m in AddressMap]
    if name not in known:
        raise DataError(f"address map {name!r} is unknown; expected {' or '.join(known)}{did_you_mean(name, known)}")
    return AddressMap(name)


def find(path: Path, configs: Sequence[str] | None) -> tuple[Path, list[str]]:
    """Return the directory with the input and the configuration folders to run; see ``replay``."""
    if not path.is_dir():
        raise DataError(f"{path}: no such directory; expected one with {INPUT} and configuration folders")
    if (path / REGISTERS).is_file() and (path / OUTPUT).is_file():
        # A link keeps the input beside it.
        folder = path if path.name not in {"", ".."} else path.resolve()
        return folder.parent, [folder.name]
    found = sorted(p.name for p in path.iterdir() if (p / REGISTERS).is_file() and (p / OUTPUT).is_file())
    if configs is None:
        if not found:
            raise DataError(f"{path}: no folder with {REGISTERS} and {OUTPUT}")
        return path, found
    for name in configs:
        if name not in found:
            raise DataError(f"{path / name}: no {REGISTERS} and {OUTPUT}{did_you_mean(name, found)}")
    return path, list(configs)


def used_links(output: NDArray[np.uint32]) -> int:
    """Return the number of links up to the last one that carries anything but 0."""
    used = np.flatnonzero(output.any(axis=0))
    return int(used[-1]) + 1 if used.size else 1


def _one(folder: Path, words: NDArray[np.uint32], elinks: int | None, address_map: AddressMap | None) -> ReplayResult:
    start = time.perf_counter()
    expected = read_output(folder / OUTPUT)
    if len(expected) > len(words):
        raise DataError(f"{folder / OUTPUT}: {len(expected)} rows, but {INPUT} has {len(words)}")
    config = read_config(folder / REGISTERS)
    if elinks is not None:
        config, how = replace(config, elinks=elinks), "given"
    elif "elinks" in config.given:
        how = "register file"
    else:
        config, how = replace(config, elinks=used_links(expected)), "columns that the output uses"
    if address_map is not None:
        config = replace(config, address_map=address_map)
    words = words[: len(expected)]
    got = chip.run(config, words)
    same = (got == expected).all(axis=1)
    difference = None
    note = ""
    if not same.all():
        row = int(np.argmin(same))
        difference = Difference(row, hex_words(expected[row]), hex_words(got[row]))
        note = _other_order(config, words, expected) or _other_links(got, expected)
    seconds = time.perf_counter() - start
    return ReplayResult(folder.name, len(expected), int(same.sum()), config.elinks, how, difference, seconds, note)


def _other_links(got: NDArray[np.uint32], expected: NDArray[np.uint32]) -> str:
    """Say so when the file uses another number of links than the model does."""
    mine, theirs = used_links(got), used_links(expected)
    return f"the output file uses {theirs} links, this configuration {mine}" if mine != theirs else ""


def hex_words(row: NDArray[np.uint32]) -> tuple[str, ...]:
    """Return words as 8 hexadecimal digits each."""
    return tuple(f"{word:08x}" for word in row.tolist())


def _other_order(config: EcontConfig, words: NDArray[np.uint32], expected: NDArray[np.uint32]) -> str:
    """Say so when the file matches with the other order of the address map."""
    if config.algorithm not in (Algorithm.BEST_CHOICE, Algorithm.THRESHOLD_SUM):
        return ""
    other = AddressMap.TC47_FIRST if config.tc0_first else AddressMap.TC0_FIRST
    equal = int((chip.run(replace(config, address_map=other), words) == expected).all(axis=1).sum())
    return f"{equal}/{len(expected)} rows with address map {other} instead" if equal else ""
