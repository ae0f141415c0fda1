"""The one place that puts generated texts on disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from econ_ae.errors import RunDirectoryError


def write_files(files: Mapping[str, str], directory: Path, *, overwrite: bool = False) -> list[Path]:
    """Write texts below a directory, all or none: into a temporary directory beside it, which is then renamed.

    Parameters
    ----------
    files : text by relative path
    directory : where they go; it holds exactly these files afterwards
    overwrite : replace the directory when it exists

    Returns
    -------
    The written paths, in the order of ``files``.

    Raises
    ------
    RunDirectoryError
        When the directory exists and ``overwrite`` is not set, or when a path leaves the directory.
    """
    directory = Path(directory)
    if directory.exists() and not overwrite:
        raise RunDirectoryError(f"{directory} exists; choose another directory or ask to overwrite it")
    outside = [name for name in files if Path(name).is_absolute() or ".." in Path(name).parts]
    if outside:
        raise RunDirectoryError(f"file name {outside[0]!r} leaves the output directory; expected a relative path")
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        temporary.chmod(0o755)  # mkdtemp makes it private
        for name, text in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if directory.exists():
            shutil.rmtree(directory)
        temporary.rename(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [directory / name for name in files]
