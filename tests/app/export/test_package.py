"""Folders that are delivered: whole or absent, nothing of others is replaced, and an old export outlives a failure."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from econ_ae.app.export.formats import FORMATS
from econ_ae.app.export.package import KINDS, check_files, check_out, write_manifest, written
from econ_ae.errors import ConfigError, RunDirectoryError


def export(out: Path, text: str, *, overwrite: bool = True) -> None:
    with written(out, overwrite=overwrite) as folder:
        (folder / "graph").write_text(text)
        write_manifest(folder, "onnx", {})


def test_every_format_is_known_to_the_manifest() -> None:
    assert tuple(FORMATS) == KINDS


def test_an_export_replaces_another_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "in" / "between" / "out"
    export(out, "first", overwrite=False)
    with pytest.raises(ConfigError, match="give --overwrite"):
        export(out, "second", overwrite=False)
    export(out, "second")
    assert (out / "graph").read_text() == "second"
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert out.stat().st_mode & 0o777 == 0o777 & ~_mask()
    assert check_files(out)["format"] == "onnx"


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("problem", [OSError(5, "no luck"), KeyboardInterrupt()], ids=["error", "interrupted"])
def test_the_old_export_is_there_after_a_failure_between_the_renames(
    problem: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, rename = tmp_path / "out", Path.rename
    export(out, "first")

    def fails(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise problem
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(RunDirectoryError if isinstance(problem, OSError) else KeyboardInterrupt):
        export(out, "second")
    assert (out / "graph").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_old_export_that_cannot_be_moved_back_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, rename = tmp_path / "out", Path.rename
    export(out, "first")

    def fails(self: Path, target: Path) -> Path:
        if self.name in {"new", "old"}:
            raise OSError(5, "no luck")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no luck"):
        export(out, "second")
    assert [path.read_text() for path in tmp_path.glob("writing-out-*/old/graph")] == ["first"]


def test_neighbours_with_names_as_ours_are_left_alone(tmp_path: Path) -> None:
    for name in ("writing-out", "replaced-out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.tex").write_text("mine")
    export(tmp_path / "out", "first")
    export(tmp_path / "out", "second")
    for name in ("writing-out", "replaced-out"):
        assert (tmp_path / name / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize(
    "manifest",
    [
        '{"format": "parquet", "econ_ae": "1", "files": {}}',
        '{"format": ["onnx"], "econ_ae": "1", "files": {}}',
        '{"format": "onnx", "files": {}}',
        '{"format": "onnx", "econ_ae": "1"}',
        '["onnx"]',
        "{",
    ],
)
def test_a_folder_with_an_export_json_of_others_is_not_replaced(manifest: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out, "first")
    (out / "export.json").write_text(manifest)
    with pytest.raises(ConfigError, match="holds something else than an export; it is not replaced"):
        check_out(out, overwrite=True)
    with pytest.raises(ConfigError, match="holds something else"):
        export(out, "second")
    assert (out / "graph").read_text() == "first"


def test_the_files_of_a_package_are_compared_with_its_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out, "first")
    assert set(json.loads((out / "export.json").read_text())["files"]) == {"graph"}
    (out / "graph").write_text("another")
    with pytest.raises(ConfigError, match="was changed after it was exported"):
        check_files(out)
    (out / "graph").unlink()
    with pytest.raises(ConfigError, match="is missing; export it again"):
        check_files(out)
