"""The directory of several runs: one ordinary run directory per member, settings and a manifest of the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

from econ_ae.app.run.directory import CAMPAIGN, CONFIG, FAMILY, MANIFEST, RunDirectory, check_free, clear, difference
from econ_ae.app.run.lock import lock
from econ_ae.app.run.manifest import Manifest, Record
from econ_ae.config.campaign import CampaignConfig
from econ_ae.config.family import FamilyConfig
from econ_ae.config.load import parse_as
from econ_ae.config.sections import Section
from econ_ae.errors import RunDirectoryError
from econ_ae.files import read_json, sha256, write_json
from econ_ae.progress import Progress, Silent

REPORT = "report"


C = TypeVar("C", FamilyConfig, CampaignConfig)


@dataclass(frozen=True)
class SeveralRuns(Generic[C]):
    """A directory that describes itself: settings, ``manifest.json``, the members' runs, the page of all.

    The manifest's table ``stages`` has a record per member, with the files of all its stages but the report, and
    ``report``: the page of all and the reports of its members, made of what the members' records say.

    Parameters
    ----------
    path : the directory
    config : what all of it depends on
    """

    path: Path
    config: C

    FILE: ClassVar[str]
    WHAT: ClassVar[str]
    COMMAND: ClassVar[str]
    KIND: ClassVar[type[Section]]

    @classmethod
    def create(cls, path: Path, config: C, *, overwrite: bool = False) -> Self:
        """Make a new directory, still without members; RunDirectoryError as ``RunDirectory.create``."""
        check_free(path, overwrite=overwrite)
        family = cls(path, config)
        with family.lock(Silent()):
            clear(path)
            write_json(path / cls.FILE, config.model_dump(mode="json"))
            settings = hashlib.sha256(config.model_dump_json().encode()).hexdigest()
            manifest = Manifest.new(config.first.seed, settings, sha256(path / cls.FILE))
            manifest.write(path / MANIFEST)
        return family

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing directory; RunDirectoryError when it is none, or its settings are damaged."""
        if not (path / cls.FILE).is_file():
            what = f"is no {cls.WHAT} of runs" if path.exists() else "does not exist"
            raise RunDirectoryError(f"{path} {what}; make one with: econ-ae {cls.COMMAND} --out {path}")
        found = cls(path, cast("C", parse_as(cls.KIND, read_json(path / cls.FILE), str(path / cls.FILE))))
        if not (path / MANIFEST).is_file():
            raise RunDirectoryError(f"{path / MANIFEST} is missing; make the {cls.WHAT} again: {found.again()}")
        if Manifest.read(path / MANIFEST).config_file_sha256 != sha256(path / cls.FILE):
            raise RunDirectoryError(
                f"{path / cls.FILE} was changed after the {cls.WHAT} was made; its settings are fixed: {found.again()}"
            )
        return found

    @classmethod
    def resume(cls, path: Path, config: C) -> Self:
        """Open a directory to continue it; RunDirectoryError when ``config`` differs from its settings."""
        found = cls.open(path)
        if config != found.config:
            raise RunDirectoryError(
                f"{path} was made with other settings ({difference(found.config, config)}); "
                "resume without settings, or choose another --out"
            )
        return found

    def again(self) -> str:
        """Return the command that makes all of it anew."""
        return f"econ-ae {self.COMMAND} --out {self.path} --overwrite, with its data and settings"

    @property
    def members(self) -> tuple[Path, ...]:
        """The directories of the members, fewest eLinks first."""
        return tuple(self.path / name for name in self.config.members)

    def lock(self, progress: Progress) -> AbstractContextManager[None]:
        """Hold the directory for writing, see ``lock.lock``; every member has a lock of its own besides."""
        return lock(self.path, progress)

    def manifest(self) -> Manifest:
        """Return the manifest."""
        return Manifest.read(self.path / MANIFEST)

    def run(self, name: str) -> RunDirectory:
        """Open the run of a member.

        Raises
        ------
        RunDirectoryError
            When it is missing, damaged, or a run with other settings than those of the member.
        """
        path = self.path / name
        if not (path / CONFIG).is_file():
            raise RunDirectoryError(f"{path} is missing or no run; make the {self.WHAT} again: {self.again()}")
        found = RunDirectory.open(path)
        if found.config != self.config.members[name]:
            raise RunDirectoryError(
                f"{path} is a run with other settings than the {self.WHAT}'s "
                f"({difference(self.config.members[name], found.config)}); make the {self.WHAT} again: {self.again()}"
            )
        return found

    def record_member(self, name: str) -> None:
        """Note in the manifest what a member's stages before the report wrote, from the manifest of its run."""
        own = self.run(name).manifest()
        stages = {stage: record for stage, record in own.stages.items() if stage != REPORT}
        outputs = {f"{name}/{file}": digest for one in stages.values() for file, digest in one.outputs.items()}
        record = Record(
            own.config_sha256,
            outputs,
            round(sum(one.seconds for one in stages.values()), 3),
            max(one.finished for one in stages.values()),
            next(reversed(stages.values())).version,
        )
        manifest = self.manifest()
        if manifest.stages.get(name) != record:
            manifest.with_stage(name, record).write(self.path / MANIFEST)

    def report_is_done(self) -> bool:
        """Tell whether the page and the members' reports are those of the recorded members, and all intact."""
        found = self.manifest().stages.get(REPORT)
        return (
            found is not None
            and found.inputs == self.inputs()
            and all(self._is(name, digest) for name, digest in found.outputs.items())
        )

    def record_report(self, outputs: Iterable[Path], seconds: float) -> None:
        """Note in the manifest that the page of all and the members' reports were written."""
        files = {path.relative_to(self.path).as_posix(): sha256(path) for path in sorted(outputs)}
        record = Record.now(self.inputs(), files, seconds)
        self.manifest().with_stage(REPORT, record).write(self.path / MANIFEST)

    def inputs(self) -> str:
        """Return a hash of the settings and of everything that the recorded members wrote."""
        return self.manifest().inputs_of(self.config.members)

    def _is(self, name: str, digest: str) -> bool:
        path = self.path / name
        return path.is_file() and sha256(path) == digest


class FamilyDirectory(SeveralRuns[FamilyConfig]):
    """The directory of a family."""

    FILE, WHAT, COMMAND, KIND = FAMILY, "family", "run", FamilyConfig


class CampaignDirectory(SeveralRuns[CampaignConfig]):
    """The directory of a campaign."""

    FILE, WHAT, COMMAND, KIND = CAMPAIGN, "campaign", "campaign", CampaignConfig


def is_family(path: Path) -> bool:
    """Tell whether a path is the directory of a family."""
    return (path / FAMILY).is_file()


def is_campaign(path: Path) -> bool:
    """Tell whether a path is the directory of a campaign."""
    return (path / CAMPAIGN).is_file()


def run_paths(path: Path) -> tuple[Path, ...]:
    """Return the directories of the runs of a family, or the path itself when it is none."""
    return FamilyDirectory.open(path).members if is_family(path) else (path,)
