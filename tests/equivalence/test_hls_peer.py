"""Four programs, one answer: QKeras, hls4ml (both backends), the generated C++ and the emulator."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from econ_ae.emulator import encode_images
from econ_ae.ir import codec
from rtl_gen.hls import CATAPULT, VITIS, Flavour
from sim.hls import verify_hls
from sim.hls.data import read_outputs
from tests.required import absent

BACKENDS: dict[Flavour, str] = {CATAPULT: "Catapult", VITIS: "Vitis"}
WITNESS = Path(__file__).with_name("hls4ml_witness.py")


@pytest.fixture(autouse=True)
def tools() -> None:
    """Skip where hls4ml or g++ is missing, unless they are required."""
    if importlib.util.find_spec("hls4ml") and shutil.which("g++"):
        return
    absent("hls4ml or g++ is missing")


def four_programs(preset: str, events: int, directory: Path, flavours: tuple[Flavour, ...]) -> None:
    backends = [BACKENDS[flavour] for flavour in flavours]
    command = [sys.executable, str(WITNESS), preset, str(events), str(directory), *backends]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    model = codec.loads((directory / "encoder.json").read_text())
    images, keras = np.load(directory / "images.npy"), np.load(directory / "keras.npy")
    assert len(np.unique(keras)) > 100
    assert np.array_equal(encode_images(model, images), keras)
    for flavour in flavours:
        peer = np.load(directory / f"{BACKENDS[flavour]}.npy")
        assert int((peer != keras).any(axis=1).sum()) == 0
        result = verify_hls(model, images, directory / flavour, flavour=flavour, random_events=0)
        ours = read_outputs(directory / flavour / "outputs.txt", result.events, model.latents)[-events:]
        assert result.passed
        assert np.array_equal(ours, peer)


def test_four_programs_one_answer(tmp_path: Path) -> None:
    four_programs("econ-t", 2000, tmp_path, (CATAPULT,))  # hls4ml's Vitis code takes long to compile


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["econ-t", "paper-4x4x3"])
def test_four_programs_on_many_events(preset: str, tmp_path: Path) -> None:
    four_programs(preset, 16_000, tmp_path, (CATAPULT, VITIS))
