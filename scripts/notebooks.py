"""Execute the notebooks of docs/notebooks and keep them with their outputs under build/, where the site finds them.

python scripts/notebooks.py [NAME...]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "docs" / "notebooks"
EXECUTED = ROOT / "build" / "notebooks"
SHARED = ROOT.parent / "shared"


def execute(source: Path, folder: Path, *, shared: Path | None = SHARED) -> nbformat.NotebookNode:
    """Return a notebook with its outputs, executed in an empty folder.

    Parameters
    ----------
    source : notebook without outputs
    folder : empty
    shared : reference data beside it; None lets the notebook generate its events

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When one of its cells fails; names the cell.
    """
    work = folder / "work"
    work.mkdir(parents=True)
    if shared is not None and shared.is_dir():
        (folder / "shared").symlink_to(shared)
    notebook = nbformat.read(source, as_version=4)
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(work)}})
    client.execute(env=environment())
    return notebook


def environment() -> dict[str, str]:
    """Return the environment of a notebook: this Python's ``econ-ae`` first, one thread, figures without a screen."""
    paths = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    return {**os.environ, **paths, **threads}


def main(names: list[str]) -> None:
    """Execute some notebooks, or all."""
    EXECUTED.mkdir(parents=True, exist_ok=True)
    for source in sorted(SOURCES.glob("*.ipynb")):
        if names and source.stem not in names:
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            done = execute(source, Path(folder))
        partial = EXECUTED / f".{source.name}"
        nbformat.write(done, partial)
        partial.replace(EXECUTED / source.name)
        print(f"{source.stem}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
