"""A folder that is delivered: whole or absent, never over something else, and with the hashes of all that made it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae import __version__
from econ_ae.app.export.decoders import OWN, UNCONDITIONAL, is_second, receiver_of
from econ_ae.app.run.context import ENCODER, Context
from econ_ae.app.run.directory import CONFIG
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.files import check_writable, read_json, sha256, write_json
from econ_ae.ir import codec

MANIFEST = "export.json"
KINDS = ("cmssw", "onnx", "savedmodel", "emulator", "triton")
"""Every format that a manifest can name."""


def check_out(out: Path, *, overwrite: bool) -> None:
    """Find out before any work whether a package can be written.

    Raises
    ------
    ConfigError
        When the folder is there and may not be replaced, or holds something else than a package.
    RunDirectoryError
        When its directory cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; expected a directory")
    if out.is_dir() and any(out.iterdir()):
        if not _is_export(out):
            raise ConfigError(f"{out} holds something else than an export; it is not replaced, choose another --out")
        if not overwrite:
            raise ConfigError(f"{out} exists; give --overwrite to replace it, or another --out")
    check_writable(out.absolute().parent)


def _is_export(folder: Path) -> bool:
    """Tell whether a folder has a manifest as ``write_manifest`` leaves it: others call files export.json, too."""
    try:
        manifest = read_json(folder / MANIFEST)
    except RunDirectoryError:
        return False
    if not isinstance(manifest, dict):
        return False
    return manifest.get("format") in KINDS and isinstance(manifest.get("econ_ae"), str) and "files" in manifest


@contextmanager
def written(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder beside ``out`` that takes its place at the end; after an error nothing has changed.

    Raises
    ------
    ConfigError, RunDirectoryError
        As ``check_out``, and when the folder cannot take its place.
    """
    check_out(out, overwrite=overwrite)
    place = out.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f"writing-{place.name}-", dir=place.parent))
    fresh, old = beside / "new", beside / "old"
    fresh.mkdir()  # mkdtemp lets nobody else read its folder; this one has the usual rights
    try:
        yield fresh
        _take_place(fresh, place, old)
    finally:
        if not old.exists() or place.exists():
            shutil.rmtree(beside, ignore_errors=True)


def _take_place(fresh: Path, place: Path, old: Path) -> None:
    """Move ``place``, if it is there, to ``old`` and ``fresh`` to ``place``; after a failure move the old one back."""
    try:
        if place.exists():
            place.rename(old)
        fresh.rename(place)
    except BaseException as problem:
        if old.exists() and not place.exists():
            old.rename(place)
        if isinstance(problem, OSError):
            raise RunDirectoryError(f"the export cannot be moved to {place}: {problem.strerror}") from problem
        raise


@dataclass(frozen=True)
class Origin:
    """What a package was made of, of one run.

    Parameters
    ----------
    context : the run
    decoder : folder with the decoder's weights
    """

    context: Context
    decoder: Path

    def facts(self) -> dict[str, Any]:
        """Return the hashes: of the run's settings and of what it recorded, model, weights, and class map."""
        from econ_ae.training.kept import weights_path

        context = self.context
        modules = context.config.data.modules
        return {
            "run": context.run.path.name,
            "config_sha256": sha256(context.path(CONFIG)),
            "recorded_sha256": context.run.inputs_of(["data", "train", "freeze"]),
            "encoder_file_sha256": sha256(context.path(ENCODER)),
            "model_sha256": codec.sha256(context.model()),
            "decoder_weights_sha256": sha256(weights_path(self.decoder, "decoder")),
            "map": None if modules is None else {"name": Path(modules.map).name, "sha256": modules.sha256},
        }


def origins(members: Mapping[str, Context], decoder: str) -> dict[str, dict[str, Any]]:
    """Return the hashes of runs by name, and which of ``decoders.DECODERS`` was taken of each."""
    found = {}
    for name, context in members.items():
        receiver = receiver_of(context, decoder)
        found[name] = Origin(context, receiver.folder).facts() | {
            "decoder": UNCONDITIONAL if is_second(context, receiver) else OWN
        }
    return found


def write_manifest(folder: Path, kind: str, facts: Mapping[str, Any]) -> None:
    """Write the manifest: format (of ``KINDS``), the version that made it, ``facts``, and the hash of every file."""
    files = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {"format": kind, "econ_ae": __version__, **facts, "files": files})


def check_files(folder: Path) -> dict[str, Any]:
    """Return the manifest of a package.

    Raises
    ------
    ConfigError
        When it is none, or a file is missing or is not what was written.
    """
    if not (folder / MANIFEST).is_file():
        raise ConfigError(f"{folder} is no export; expected a folder that econ-ae export wrote")
    manifest: dict[str, Any] = read_json(folder / MANIFEST)
    for name, digest in manifest.get("files", {}).items():
        if not (folder / name).is_file():
            raise ConfigError(f"{folder / name} is missing; export it again")
        if sha256(folder / name) != digest:
            raise ConfigError(f"{folder / name} was changed after it was exported; export it again")
    return manifest
