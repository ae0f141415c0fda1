"""Which kind of ntuple a ROOT file has: trigger cells or modules, and what could be read of each of its trees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from econ_ae.data.batch import Batch, concatenated
from econ_ae.data.readers.hits import TREE, RootOptions
from econ_ae.data.readers.modules import ModuleFile, prefix_of
from econ_ae.data.readers.root import RootFile
from econ_ae.data.readers.root_file import OpenRoot
from econ_ae.errors import EconAeError
from econ_ae.geometry import WaferGeometry


@dataclass(frozen=True)
class TreeFacts:
    """What a tree of a file holds.

    Parameters
    ----------
    tree : its name
    entries : of it; 0 where it is not opened
    holds : trigger cells, modules, or why nothing can be read
    """

    tree: str
    entries: int
    holds: str


def open_ntuple(path: Path, options: RootOptions, geometry: WaferGeometry) -> RootFile | ModuleFile:
    """Return the ntuple of a file, in its tree ``options.tree``.

    Where that is the usual one and is not there, it is the first tree with charges of modules.

    Raises
    ------
    ConfigError, DataError
        As ``RootFile`` and ``ModuleFile``.
    """
    opened = OpenRoot(path, options.tree)
    if options.tree == TREE and TREE not in opened.trees:
        for name in opened.trees:
            if prefix_of(set(opened.tree(name).keys()), options) is not None:
                return ModuleFile(path, replace(options, tree=name), geometry)
    branches = set(opened.tree(options.tree).keys())
    # A tree of CMSSW may have both; its trigger cells say more.
    if not any(name.startswith("tc_") for name in branches) and _modules(branches, options):
        return ModuleFile(path, options, geometry)
    return RootFile(path, options, geometry)


def read_root(path: Path, limit: int | None, options: RootOptions, geometry: WaferGeometry) -> Batch:
    """Return all images of an ntuple, or the first ones, as one batch in memory."""
    file = open_ntuple(path, options, geometry)
    parts: list[Batch] = []
    for batch, _ in file.batches():
        parts.append(batch)
        if limit is not None and sum(map(len, parts)) >= limit:
            break
    if not parts:
        raise file.nothing_left()
    whole = replace(concatenated(parts), provenance=file.provenance())
    return whole if limit is None else whole[:limit].after(f"first {limit} rows")


def trees(path: Path, options: RootOptions, geometry: WaferGeometry) -> list[TreeFacts]:
    """Return what could be read of every tree of a file; DataError when it is no ROOT file."""
    opened = OpenRoot(path, "an ntuple")
    found = [TreeFacts(name, 0, "an RNTuple, which is not read; write the file as a TTree") for name in opened.rntuples]
    for name in opened.trees:
        holds, entries = [], 0
        try:
            tree = opened.tree(name)
            entries, branches = int(tree.num_entries), set(tree.keys())
            own = replace(options, tree=name)
            if any(branch.startswith("tc_") for branch in branches):
                holds.append(_holds("trigger cells (tc_*)", RootFile, path, own, geometry))
            if _modules(branches, own):
                prefix = prefix_of(branches, own) or ""
                text = f"modules ({prefix}{own.modules.charge}*)"
                holds.append(_holds(text, ModuleFile, path, own, geometry))
        except EconAeError as problem:
            holds.append(str(problem))
        found.append(TreeFacts(name, entries, "; ".join(holds) or "nothing that is read"))
    return found


def _modules(branches: set[str], options: RootOptions) -> bool:
    named = options.modules.prefix is not None or any(name.startswith("wafer_") for name in branches)
    return prefix_of(branches, options) is not None or (named and "wafer_layer" in branches)


def _holds(
    text: str, kind: type[RootFile | ModuleFile], path: Path, options: RootOptions, geometry: WaferGeometry
) -> str:
    try:
        kind(path, options, geometry)
    except EconAeError as problem:
        return f"{text}, not readable: {problem}"
    return text
