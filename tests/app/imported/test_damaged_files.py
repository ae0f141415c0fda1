"""Files that are damaged, hostile or none: one line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from econ_ae.app.imported.run import Files, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.app.imported.stored import read
from econ_ae.errors import DataError, EconAeError
from tests.app.imported.damage import refusals

Command = Callable[..., tuple[int, str, str]]


def h5(path: Path, fill: Callable[[Any], None]) -> Path:
    with h5py.File(path, "w") as file:
        fill(file)
    return path


def _linked(file: Any) -> None:
    file["conv2d"] = h5py.ExternalLink("other.h5", "/x")


HOSTILE: dict[str, tuple[Callable[[Any], None], str]] = {
    "empty": (lambda _: None, "holds no weights"),
    "a link out": (_linked, "holds no weights"),
    "NaN": (lambda file: file.create_dataset("a/kernel:0", data=[[np.nan, 1.0]]), r"a/kernel has 1 values that are no"),
    "text": (lambda file: file.create_dataset("a/kernel:0", data=["x"]), r"a/kernel holds object, no numbers"),
    "huge": (
        lambda file: file.create_dataset("a/kernel:0", (1 << 40,), "f4", chunks=(1024,)),
        r"more than \d+ numbers",
    ),
    "no JSON": (lambda file: file.attrs.update(model_config="{"), "is damaged or no model"),
    "no model": (lambda file: file.attrs.update(model_config="[1]"), "has no architecture of a Keras model"),
    "deep": (lambda file: file.attrs.update(model_config="[" * 30_000), "is damaged or no model"),
    "a subclass": (
        lambda file: (
            file.attrs.update(model_config='{"class_name": "Mine", "config": {}}'),
            file.create_dataset("k", (3,)),
        ),
        "is a Mine, whose layers are in code",
    ),
    "no layers": (
        lambda file: (
            file.attrs.update(model_config='{"class_name": "Functional", "config": {"layers": 3}}'),
            file.create_dataset("k", (3,)),
        ),
        "its Functional lists no layers",
    ),
    "odd kernels": (
        lambda file: file.create_dataset("a/kernel:0", (3, 3, 3)),
        r"has the kernels a \(3, 3, 3\); expected",
    ),
    "two channels": (
        lambda file: (file.create_dataset("a/kernel:0", (3, 3, 2, 8)), file.create_dataset("b/kernel:0", (128, 16))),
        "layer 'a' takes images of 2 channels; expected 1 or 3",
    ),
    "no strides": (
        lambda file: (file.create_dataset("a/kernel:0", (3, 3, 1, 8)), file.create_dataset("b/kernel:0", (127, 16))),
        "no strides lead from an image 8x8x1 to the 127 inputs",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_one_line(name: str, tmp_path: Path, command: Command) -> None:
    fill, message = HOSTILE[name]
    path = h5(tmp_path / "model.h5", fill)
    with pytest.raises(EconAeError, match=message):
        read_encoder(Files(path), "qkeras", Choice())
    code, out, error = command("import", str(path), "--format", "qkeras", "--out", str(tmp_path / "run"))
    assert (code, out, len(error.strip().splitlines())) == (2, "", 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["encoder.h5", "encoder.keras", "sequential.h5"])
def test_truncated_and_damaged_files_are_one_line(name: str, files: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    refused = refusals(path, (files / name).read_bytes(), 120, lambda: read_encoder(Files(path), "qkeras", Choice()))
    assert len(refused) > 50
    assert [text for text in refused if len(text.splitlines()) != 1] == []


def test_missing_files_and_words_are_one_line(files: Path, tmp_path: Path, command: Command) -> None:
    with pytest.raises(DataError, match=r"nothing\.h5 is missing; expected an \.h5, \.hdf5 or \.keras file"):
        read(tmp_path / "nothing.h5")
    with pytest.raises(DataError, match=r"is a directory; expected"):
        read(tmp_path)
    out = ("--out", str(tmp_path / "run"))
    for arguments, message in (
        (
            ("--format", "qkras"),
            "format 'qkras' is unknown; expected qkeras, qonnx, hgq2 or econt-yaml; did you mean 'qkeras'",
        ),
        (("--format", "qkeras", "--arithmetic", "float"), "--arithmetic 'float' is unknown; expected exact or chip"),
        (("--format", "qkeras", "--rounding", "up"), "--rounding 'up' is unknown; expected nearest or floor"),
    ):
        code, _, error = command("import", str(files / "encoder.h5"), *arguments, *out)
        assert (code, message in error) == (2, True), error
