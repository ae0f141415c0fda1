"""The directory of a search: its settings, a manifest, its storage, its trials and its page."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from econ_ae.app.explore import storage
from econ_ae.app.explore.records import Trial, dump, parsed
from econ_ae.app.run.directory import MANIFEST, SEARCH, check_free, clear
from econ_ae.app.run.lock import lock
from econ_ae.app.run.manifest import Manifest
from econ_ae.config.explore import ExploreConfig
from econ_ae.config.load import parse_as
from econ_ae.errors import RunDirectoryError
from econ_ae.files import read_json, sha256, write_json, write_text
from econ_ae.progress import Progress, Silent

TRIALS, DATA, STATE, RIVALS, PAGE = "trials", "data", "state.json", "rivals.json", "index.html"
_STORAGE = "storage.json"


@dataclass(frozen=True)
class SearchDirectory:
    """A directory that describes itself.

    ``search.json`` and ``manifest.json`` are what it was made with, ``state.json`` is what is known now,
    ``trials/NNNN`` are ordinary run directories, ``data`` has their rows once, ``study.db`` is the storage,
    unless that is elsewhere.
    """

    path: Path
    config: ExploreConfig

    @classmethod
    def create(cls, path: Path, config: ExploreConfig, *, url: str | None, overwrite: bool) -> SearchDirectory:
        """Make a new directory; RunDirectoryError as ``RunDirectory.create``."""
        check_free(path, overwrite=overwrite)
        found = cls(path, config)
        with found.lock(Silent()):
            clear(path)
            write_json(path / _STORAGE, {"inside": url is None, "url": None if url is None else storage.shown(url)})
            write_json(path / SEARCH, config.model_dump(mode="json"))
            settings = hashlib.sha256(config.model_dump_json().encode()).hexdigest()
            manifest = Manifest.new(config.budget.seed, settings, sha256(path / SEARCH))
            manifest.write(path / MANIFEST)
        return found

    @classmethod
    def open(cls, path: Path) -> SearchDirectory:
        """Open an existing directory; RunDirectoryError when it is none, or its settings are damaged."""
        if not (path / SEARCH).is_file() or not (path / MANIFEST).is_file():
            what = "is no search" if path.exists() else "does not exist"
            raise RunDirectoryError(f"{path} {what}; make one with: econ-ae explore CONFIG --out {path}")
        if Manifest.read(path / MANIFEST).config_file_sha256 != sha256(path / SEARCH):
            raise RunDirectoryError(
                f"{path / SEARCH} was changed after the search was made; its settings are fixed: make another one"
            )
        return cls(path, parse_as(ExploreConfig, read_json(path / SEARCH), str(path / SEARCH)))

    @classmethod
    def resume(cls, path: Path, config: ExploreConfig | None) -> SearchDirectory:
        """Open a directory to continue it; RunDirectoryError when ``config`` is given and is another search."""
        found = cls.open(path)
        if config is not None and config.identity != found.config.identity:
            raise RunDirectoryError(
                f"{path} holds a search with other settings; resume without CONFIG, or choose another --out"
            )
        return found if config is None else cls(path, config)

    def url(self, given: str | None) -> str:
        """Return the URL of the storage; RunDirectoryError when it is elsewhere and not given."""
        told = read_json(self.path / _STORAGE)
        if told["inside"] and given is not None:
            raise RunDirectoryError(f"the storage of {self.path} is inside it; leave --storage out")
        if not told["inside"] and given is None:
            raise RunDirectoryError(f"the storage of {self.path} is {told['url']}; give its URL with --storage")
        return given or storage.url_of(self.path)

    def lock(self, progress: Progress) -> AbstractContextManager[None]:
        """Hold the directory: one driver at a time."""
        return lock(self.path, progress)

    def trial(self, trial: Trial) -> Path:
        """Return the directory of a trial."""
        return self.path / TRIALS / trial.name

    def write_state(self, trials: list[Trial]) -> None:
        """Write what is known now, for ``econ-ae explore show``."""
        write_text(self.path / STATE, dump(trials))

    def state(self) -> tuple[Trial, ...]:
        """Return what was known when it was last written; nothing before the first draw."""
        path = self.path / STATE
        return parsed(path.read_bytes(), str(path)) if path.is_file() else ()
