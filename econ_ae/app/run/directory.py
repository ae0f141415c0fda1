"""A run directory: its settings, its manifest, and whether its files are still what its stages wrote."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from econ_ae.app.run.lock import content, lock
from econ_ae.app.run.manifest import Manifest, Record
from econ_ae.config import RunConfig, parse
from econ_ae.config.sections import Section
from econ_ae.errors import RunDirectoryError
from econ_ae.files import check_writable, read_json, sha256, write_json
from econ_ae.progress import Progress, Silent

MANIFEST = "manifest.json"
CONFIG = "config.json"
FAMILY: Final = "family.json"
CAMPAIGN: Final = "campaign.json"
SEARCH: Final = "search.json"
"""Settings of directories that hold several runs, see ``family``."""

ORDER = ("data", "train", "freeze", "generate", "verify", "costs", "report")
"""The stages of a run."""
OPTIONAL = ("costs",)
"""Stages that no later one needs."""

_LARGE = 32 << 20  # bytes; of such files the hash is computed once a process
_known: dict[tuple[Path, int, int], str] = {}  # by path, size and time of change


def config_hash(config: RunConfig) -> str:
    """Return the sha256 of a configuration."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


@dataclass(frozen=True)
class RunDirectory:
    """A directory that describes itself: ``config.json``, ``manifest.json`` and what the stages wrote.

    Parameters
    ----------
    path : the directory
    config : what the run depends on
    """

    path: Path
    config: RunConfig

    @classmethod
    def create(cls, path: Path, config: RunConfig, *, overwrite: bool = False) -> RunDirectory:
        """Make a new run directory.

        Raises
        ------
        RunDirectoryError
            When ``path`` exists and ``overwrite`` is not set, when it holds something else than a run, or when another
            process writes in it.
        """
        check_free(path, overwrite=overwrite)
        run = cls(path, config)
        with run.lock(Silent()):
            clear(path)
            write_json(path / CONFIG, config.model_dump(mode="json"))
            manifest = Manifest.new(config.seed, config_hash(config), sha256(path / CONFIG))
            manifest.write(path / MANIFEST)
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an existing run directory; RunDirectoryError when it is none, or its settings are damaged."""
        for file in (FAMILY, CAMPAIGN, SEARCH):
            if (path / file).is_file():
                found = (*path.glob(f"*/{CONFIG}"), *path.glob(f"trials/*/{CONFIG}"))
                members = ", ".join(sorted(str(entry.parent) for entry in found)) or "it has none"
                raise RunDirectoryError(f"{path} is a {Path(file).stem} of runs; give one of them: {members}")
        if not (path / MANIFEST).is_file() or not (path / CONFIG).is_file():
            what = "is not a run directory" if path.exists() else "does not exist"
            raise RunDirectoryError(f"{path} {what}; make one with: econ-ae run --out {path}")
        manifest = Manifest.read(path / MANIFEST)
        if manifest.config_file_sha256 not in {None, sha256(path / CONFIG)}:
            raise RunDirectoryError(
                f"{path / CONFIG} was changed after the run was made; settings of a run are fixed: make another run "
                f"with econ-ae run --config {path / CONFIG}"
            )
        return cls(path, parse(read_json(path / CONFIG), str(path / CONFIG)))

    @classmethod
    def resume(cls, path: Path, config: RunConfig | None) -> RunDirectory:
        """Open a run directory to continue it; RunDirectoryError when ``config`` is given and differs."""
        run = cls.open(path)
        if config is not None and config != run.config:
            raise RunDirectoryError(
                f"{path} was made with other settings ({difference(run.config, config)}); "
                "resume without settings, or choose another --out"
            )
        return run

    def lock(self, progress: Progress) -> AbstractContextManager[None]:
        """Hold the directory for writing, see ``lock.lock``."""
        return lock(self.path, progress)

    def manifest(self) -> Manifest:
        """Return the manifest."""
        return Manifest.read(self.path / MANIFEST)

    def has(self, stage: str) -> bool:
        """Tell whether a stage has finished, with whatever it had then."""
        return stage in self.manifest().stages

    def earlier(self, stage: str) -> list[str]:
        """Return the stages that a stage builds on.

        Raises
        ------
        RunDirectoryError
            When one of them has not finished.
        """
        done = self.manifest().stages
        needed = [name for name in ORDER[: ORDER.index(stage)] if name in done or name not in OPTIONAL]
        for name in needed:
            if name not in done:
                raise RunDirectoryError(f"{self.path}: stage {name!r} has not finished; run: {self.command(name)}")
        return needed

    def inputs_of(self, stages: Iterable[str]) -> str:
        """Return a hash of the settings and of everything that the given earlier stages wrote."""
        return self.manifest().inputs_of(stages)

    def is_done(self, stage: str, inputs: str) -> bool:
        """Tell whether a stage finished with these inputs and all its files are still what it wrote."""
        record = self.manifest().stages.get(stage)
        return record is not None and record.inputs == inputs and self._changed(record) is None

    def check(self, *stages: str) -> None:
        """Make sure that stages finished, each with what the stages before it wrote, and that their files are intact.

        Of the stages before them the optional ones do not count.

        Raises
        ------
        RunDirectoryError
            When not: it names the stage, the file, and the command that mends it.
        """
        manifest = self.manifest()
        for stage in stages:
            earlier = self.earlier(stage)
            if stage not in manifest.stages:
                raise RunDirectoryError(f"{self.path}: stage {stage!r} has not finished; run: {self.command(stage)}")
            for name in (*(name for name in earlier if name not in OPTIONAL), stage):
                record = manifest.stages[name]
                before = [other for other in ORDER[: ORDER.index(name)] if other in earlier]
                if name != "data" and record.inputs not in _inputs(manifest, before, record.version):
                    raise RunDirectoryError(
                        f"{self.path}: stage {name!r} has other inputs than recorded; run: {self.command(name)}"
                    )
            if (reason := self._changed(manifest.stages[stage])) is not None:
                mend = self._again() if stage == "data" else self.command(stage)
                raise RunDirectoryError(
                    f"{self.path}: stage {stage!r} has other files than recorded ({reason}); run: {mend}"
                )

    def _again(self) -> str:
        """Return the command that makes all of the run anew, because its data are not those that it was made of."""
        return f"econ-ae run --config {self.path / CONFIG} --out {self.path} --overwrite"

    def command(self, stage: str) -> str:
        """Return the command that runs a stage."""
        if stage in {"data", *OPTIONAL}:
            return f"econ-ae run --out {self.path} --resume"
        return f"econ-ae {stage} {self.path}"

    def record(self, stage: str, inputs: str, outputs: Iterable[Path], seconds: float) -> None:
        """Note in the manifest that a stage finished and what it wrote."""
        self.manifest().with_stage(stage, self._record(inputs, outputs, seconds)).write(self.path / MANIFEST)

    def record_study(self, folder: Path, outputs: Iterable[Path], seconds: float) -> None:
        """Note in the manifest what was made in a folder of the run beside its stages, from the frozen encoder or data.

        Parameters
        ----------
        folder : in the run directory; its files are read again as long as they are these
        """
        inputs = self.inputs_of(name for name in ("data", "train", "freeze") if self.has(name))
        name = folder.relative_to(self.path).as_posix()
        self.manifest().with_study(name, self._record(inputs, outputs, seconds)).write(self.path / MANIFEST)

    def has_study(self, folder: Path) -> bool:
        """Tell whether a study in a folder of the run has finished and is still there."""
        return folder.is_dir() and folder.relative_to(self.path).as_posix() in self.manifest().studies

    def study_problem(self, folder: Path) -> str | None:
        """Return why the files of a study cannot be trusted: never recorded, missing, changed; or None."""
        record = self.manifest().studies.get(folder.relative_to(self.path).as_posix())
        return "no command recorded it" if record is None else self._changed(record)

    def stage_problem(self, stage: str) -> str | None:
        """Return which file of a finished stage is missing or was changed since, or None."""
        record = self.manifest().stages.get(stage)
        return f"stage {stage!r} has not finished" if record is None else self._changed(record)

    def _record(self, inputs: str, outputs: Iterable[Path], seconds: float) -> Record:
        place = self.path.resolve()
        files = {p.resolve().relative_to(place).as_posix(): sha256(p) for p in sorted(outputs)}
        return Record.now(inputs, files, seconds)

    def _changed(self, record: Record) -> str | None:
        """Return what is wrong with the files of a stage, or None."""
        for name, digest in record.outputs.items():
            path = self.path / name
            if not path.is_file():
                return f"{name} is missing"
            if _hash(path) != digest:
                return f"{name} was changed"
        return None


def _inputs(manifest: Manifest, before: list[str], version: str) -> set[str]:
    """Return the hashes that a stage may record: with and without the optional stages, which later ones only show."""
    needed = [name for name in before if name not in OPTIONAL]
    return {manifest.inputs_of(names, version) for names in (before, needed)}


def _hash(path: Path) -> str:
    """Return the sha256 of a file; of a large one as long as neither its size nor its time of change is another."""
    found = path.stat()
    if found.st_size < _LARGE:
        return sha256(path)
    key = (path.resolve(), found.st_size, found.st_mtime_ns)
    if key not in _known:
        _known[key] = sha256(path)
    return _known[key]


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise RunDirectoryError when ``path`` exists and may not be replaced, is in use, or cannot be written."""
    check_writable(path)
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"{path} is a file; give a directory as --out")
    if not path.exists() or not content(path):
        return
    if not overwrite:
        raise RunDirectoryError(
            f"output directory {path} exists; give --overwrite to replace it, --resume to continue it, or another --out"
        )
    if not (path / MANIFEST).is_file():
        raise RunDirectoryError(f"{path} holds something else than a run; it is not overwritten, choose another --out")
    with lock(path, Silent()):  # a live run is found before the data are read
        return


def clear(path: Path) -> None:
    """Remove everything in a directory but its lock."""
    for entry in (path / name for name in content(path)):
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def clear_unfinished(path: Path) -> None:
    """Remove what a ``RunDirectory.create`` that was killed left; nothing of a run, which has a manifest."""
    if not path.is_dir() or (path / MANIFEST).is_file():
        return
    if all(name == CONFIG or name.startswith(("writing-", ".writable-")) for name in content(path)):
        clear(path)


def fresh_path(parent: Path, stem: str) -> Path:
    """Return ``parent/stem-N`` with the first number that is free."""
    number = 1
    while (path := parent / f"{stem}-{number}").exists():
        number += 1
    return path


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._start


def difference(old: Section, new: Section) -> str:
    """Return the first setting that differs, with both values."""
    a, b = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    name = next(k for k in sorted(a | b) if a.get(k) != b.get(k))
    return f"{name} was {a.get(name)!r}, now {b.get(name)!r}"


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out
