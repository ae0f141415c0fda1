"""A run directory: configuration, manifest, and which stages are finished with which files."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from econ_ae import __version__
from econ_ae.config import RunConfig, parse
from econ_ae.errors import RunDirectoryError
from econ_ae.files import sha256, write_json

MANIFEST = "manifest.json"
CONFIG = "config.json"
_PACKAGES = ("numpy", "scipy", "tensorflow", "tf-keras", "qkeras", "POT", "cocotb", "matplotlib")


def config_hash(config: RunConfig) -> str:
    """Return the sha256 of a configuration."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


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
            When ``path`` exists and ``overwrite`` is not set, or when it holds something else than a run.
        """
        check_free(path, overwrite=overwrite)
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        run = cls(path, config)
        write_json(path / CONFIG, config.model_dump(mode="json"))
        run._write_manifest({"stages": {}, "seed": config.seed, "config_sha256": config_hash(config)})
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an existing run directory; RunDirectoryError when it is none."""
        if not (path / MANIFEST).is_file() or not (path / CONFIG).is_file():
            what = "is not a run directory" if path.is_dir() else "does not exist"
            raise RunDirectoryError(f"{path} {what}; make one with: econ-ae run --out {path}")
        raw = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        return cls(path, parse(raw, str(path / CONFIG)))

    @classmethod
    def resume(cls, path: Path, config: RunConfig | None) -> RunDirectory:
        """Open a run directory to continue it; RunDirectoryError when ``config`` is given and differs."""
        run = cls.open(path)
        if config is not None and config != run.config:
            raise RunDirectoryError(
                f"{path} was made with other settings ({_difference(run.config, config)}); "
                "resume without settings, or choose another --out"
            )
        return run

    def manifest(self) -> dict[str, Any]:
        """Return the manifest."""
        content: dict[str, Any] = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        return content

    def is_done(self, stage: str, inputs: str) -> bool:
        """Tell whether a stage finished with these inputs and all its files are still what it wrote."""
        record = self.manifest()["stages"].get(stage)
        if record is None or record["inputs"] != inputs:
            return False
        return all(
            (self.path / name).is_file() and sha256(self.path / name) == digest
            for name, digest in record["outputs"].items()
        )

    def record(self, stage: str, inputs: str, outputs: Iterable[Path], seconds: float) -> None:
        """Note in the manifest that a stage finished and what it wrote."""
        content = self.manifest()
        content["stages"][stage] = {
            "inputs": inputs,
            "outputs": {str(p.relative_to(self.path)): sha256(p) for p in sorted(outputs)},
            "seconds": round(seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._write_manifest(content)

    def inputs_of(self, stages: Iterable[str], extra: str = "") -> str:
        """Return a hash of the configuration and of everything that the given earlier stages wrote."""
        done = self.manifest()["stages"]
        content = [config_hash(self.config), __version__, extra, *(json.dumps(done[s]["outputs"]) for s in stages)]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    def _write_manifest(self, content: dict[str, Any]) -> None:
        write_json(self.path / MANIFEST, content | {"versions": versions(), "platform": platform.platform()})


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise RunDirectoryError when ``path`` exists and may not be replaced."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not overwrite:
        raise RunDirectoryError(
            f"output directory {path} exists; give --overwrite to replace it, --resume to continue it, or another --out"
        )
    if not (path / MANIFEST).is_file():
        raise RunDirectoryError(f"{path} holds something else than a run; it is not overwritten, choose another --out")


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


def _difference(old: RunConfig, new: RunConfig) -> str:
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
