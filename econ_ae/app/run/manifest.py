"""What a run directory records of itself: settings, versions, and the files of every finished stage."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from econ_ae import __version__
from econ_ae.app.run import made
from econ_ae.errors import RunDirectoryError
from econ_ae.files import read_json, write_json

FIRST_VERSION = "0.1.0"
"""Version of econ-ae that wrote records without one."""
RELEASE = re.sub(r"[^\d.].*|\.\D.*", "", __version__)
"""The release that this version is or leads to: commits between two releases leave finished stages finished."""
_PACKAGES = ("numpy", "scipy", "tensorflow", "tf-keras", "qkeras", "POT", "cocotb", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of econ-ae, Python and the packages that numbers depend on."""
    found = {"econ-ae": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@dataclass(frozen=True)
class Record:
    """A finished stage or study.

    Parameters
    ----------
    inputs : hash of what it was made of, see ``Manifest.inputs_of``; of the data stage, of its source
    outputs : sha256 of every file that it wrote, by path in the run directory
    seconds : that it took
    finished : when
    version : of econ-ae, the release
    """

    inputs: str
    outputs: Mapping[str, str]
    seconds: float
    finished: str
    version: str = FIRST_VERSION

    @classmethod
    def now(cls, inputs: str, outputs: Mapping[str, str], seconds: float) -> Record:
        """Return the record of a stage that has just finished."""
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(inputs, dict(outputs), round(seconds, 3), finished, RELEASE)


@dataclass(frozen=True)
class Manifest:
    """Everything that is recorded of a run.

    Parameters
    ----------
    seed : of the run
    config_sha256 : hash of its settings
    stages : finished stages by name
    config_file_sha256 : of ``config.json`` as it was written; None in directories of earlier versions
    studies : what was made beside the stages and is read again, by the folder in the run that it is in
    command : that the directory was made by; None in directories of earlier versions
    commit : of econ-ae then; empty where it was installed, None in directories of earlier versions
    """

    seed: int
    config_sha256: str
    stages: Mapping[str, Record] = field(default_factory=dict)
    config_file_sha256: str | None = None
    studies: Mapping[str, Record] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)
    platform: str = field(default_factory=platform.platform)
    command: str | None = None
    commit: str | None = None

    @classmethod
    def new(cls, seed: int, config_sha256: str, config_file_sha256: str) -> Manifest:
        """Return the manifest of a directory that is made now, by this command."""
        return cls(
            seed, config_sha256, config_file_sha256=config_file_sha256, command=made.command(), commit=made.commit()
        )

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest; RunDirectoryError when it is damaged."""
        raw = read_json(path)
        try:
            tables = {"stages": raw["stages"], "studies": raw.get("studies", {})}
            return cls(**raw | {t: {name: Record(**one) for name, one in found.items()} for t, found in tables.items()})
        except (TypeError, KeyError, AttributeError) as problem:
            raise RunDirectoryError(
                f"{path} is damaged ({problem}); make the run again with: econ-ae run --out {path.parent} --overwrite"
            ) from problem

    def write(self, path: Path) -> None:
        """Write the manifest, whole or not at all."""
        write_json(path, asdict(self))

    def facts(self) -> dict[str, Any]:
        """Return what a report says of the run besides its stages and studies."""
        content = asdict(self)
        del content["stages"], content["studies"]
        return {name: value for name, value in content.items() if value not in (None, "")}

    def with_stage(self, name: str, record: Record) -> Manifest:
        """Return the manifest with a finished stage, and the versions that finished it."""
        return replace(self, stages={**self.stages, name: record}, versions=versions(), platform=platform.platform())

    def with_study(self, name: str, record: Record) -> Manifest:
        """Return the manifest with a study."""
        return replace(self, studies={**self.studies, name: record})

    def inputs_of(self, stages: Iterable[str], made_by: str = RELEASE) -> str:
        """Return a hash of the settings and of everything that the given earlier stages wrote.

        Parameters
        ----------
        made_by : version of econ-ae that makes something of them
        """
        written = (json.dumps(dict(self.stages[name].outputs)) for name in stages)
        return hashlib.sha256("\n".join([self.config_sha256, made_by, "", *written]).encode()).hexdigest()
