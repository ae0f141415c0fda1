"""HGQ2's own models: what its `predict` gives, to the bit, read by an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.imported.hgq2 import layers
from econ_ae.app.imported.hgq2.process import Described, described
from econ_ae.app.imported.settings import Choice
from econ_ae.emulator import encode_images
from econ_ae.errors import DataError, ModelError, ToolMissingError
from tests.app.imported.test_import import built
from tests.required import absent

ROOT = Path(__file__).resolve().parents[3]
MAKER = Path(__file__).with_name("make_hgq2.py")
SEEDS = range(6)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter; skips with the reason where it cannot be had, if that is allowed."""
    place = Path(os.environ.get("ECON_AE_HGQ2", ROOT / ".hgq2"))
    made = subprocess.run(
        [str(ROOT / "scripts" / "hgq2-environment"), str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        absent((made.stderr.strip().splitlines() or ["no reason given"])[-1])
    return str(place / "bin" / "python")


@pytest.fixture(scope="module")
def models(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hgq2")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([python, str(MAKER), str(folder), *map(str, SEEDS)], check=True, env=own)
    return folder


@pytest.mark.parametrize("seed", [one if one < 2 else pytest.param(one, marks=pytest.mark.slow) for one in SEEDS])
def test_random_models(seed: int, python: str, models: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (200, *((8, 8, 1), (4, 4, 3))[seed % 2]))
    images[100:] = images[100:] * (rng.random(images[100:].shape) < 0.2) // 4
    images[0], images[1] = 0, 255
    model = described(models / f"{seed}.keras", python, images=(images / 128).astype(np.float32))
    found = layers.translate(model, Choice())
    _, frozen, _ = built(found, None, Choice(), tmp_path / "training")
    ours = encode_images(frozen, images) * 2.0**-frozen.latent.fraction
    assert np.array_equal(ours, model.arrays["predicted"])
    assert len(np.unique(ours)) > 3


def test_a_run_of_a_model(python: str, models: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "run"
    file = str(models / "0.keras")
    arguments = ("--format", "hgq2", "--python", python, "--events", "300", "--elinks", "5", "--out", str(out))
    code, text, error = command("import", file, *arguments)
    assert (code, text) == (0, f"{out}\n"), error
    assert (out / "encoder.json").is_file()


def test_missing_interpreters_and_files_are_one_line(tmp_path: Path, command: Command) -> None:
    with pytest.raises(DataError, match=r"nothing\.keras is missing; expected a \.keras or \.h5 file of HGQ2"):
        described(tmp_path / "nothing.keras", None)
    (tmp_path / "model.keras").write_bytes(b"x")
    with pytest.raises(ToolMissingError, match=r"no interpreter with HGQ2 at .*; make one with scripts/hgq2-"):
        described(tmp_path / "model.keras", str(tmp_path / "python"))
    given = ("--format", "hgq2", "--python", str(tmp_path / "python"), "--out", str(tmp_path / "run"))
    code, out, error = command("import", str(tmp_path / "model.keras"), *given)
    assert (code, out, len(error.strip().splitlines())) == (2, "", 1)


def test_a_damaged_file_is_one_line(python: str, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"model\.keras: is no model that HGQ2 reads"):
        described(tmp_path / "model.keras", python)


FIXED = {"kind": "fixed", "round": "RND", "overflow": "SAT", "scaler": False, "affine": False}


def one_layer(**changes: Any) -> Described:
    """A dense layer of 64 inputs, as the reader writes it."""
    bits = {f"0/iq/{name}": np.full((1, 64), value, float) for name, value in zip("kif", (0, 1, 7), strict=True)}
    arrays = {"0/kernel": np.ones((64, 4)) / 16, "0/bias": np.zeros(4), **bits}
    layer = {"kind": "QDense", "name": "latent", "activation": "linear", "output": [4], "iq": dict(FIXED)} | changes
    return Described("model.keras", (64,), (layer,), arrays)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another class": ({"kind": "QSoftmax"}, r"layer 'latent' \(QSoftmax\) has no integer form; expected one of QDense"),
    "another function": ({"activation": "tanh"}, r"layer 'latent' \(QDense\): activation tanh has no integer form"),
    "floats": ({"iq": {"kind": "FloatPointQuantizer"}}, r"latent' \(QDense\), iq is a FloatPointQuantizer; expected"),
    "a scaler": ({"iq": FIXED | {"scaler": True}}, r"latent' \(QDense\), iq has a scaler or an affine map"),
    "another overflow": ({"iq": FIXED | {"overflow": "WRAP_SM"}}, r"overflows WRAP_SM; expected SAT, WRAP or SAT_SYM"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_layer_and_the_reason(name: str) -> None:
    changes, message = REFUSED[name]
    assert layers.translate(one_layer(), Choice()).stages[-1].out is not None
    with pytest.raises(ModelError, match=message):
        layers.translate(one_layer(**changes), Choice())


def test_bits_that_differ_from_pixel_to_pixel_are_refused() -> None:
    model = one_layer()
    model.arrays["0/iq/f"][0, ::2] = 3  # type: ignore[index]
    with pytest.raises(ModelError, match=r"layer 'latent': quantizer 'latent' has other bits from pixel to pixel"):
        layers.translate(model, Choice())
