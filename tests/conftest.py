"""Fixtures shared by all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app import cli
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Input, Normalise, Pack, Requantise, same_padding
from tests.required import absent

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference"


@pytest.fixture(scope="session")
def reference() -> Path:
    """The directory of reference data beside the checkout; skips without it unless it is required."""
    if not REFERENCE.is_dir():
        message = "reference data (../shared/reference) is not beside this checkout"
        absent(message)
    return REFERENCE


@pytest.fixture(scope="session")
def econ_t_model() -> EncoderModel:
    """The chip's encoder shape (8x8x1, 8 filters, 16 latents of u1.8), exact accumulation, random weights."""
    rng = np.random.default_rng(7)
    weight = FixedFormat.parse("s0.5")
    pad = same_padding(8, 3, 2)
    ops = (
        Normalise(FixedFormat.parse("u1.7")),
        Conv2D(
            "conv",
            rng.integers(-32, 32, (3, 3, 1, 8)),
            rng.integers(-32, 32, 8),
            weight,
            weight,
            (2, 2),
            (pad, pad),
        ),
        Requantise("conv_relu", True, FixedFormat.parse("u2.7")),
        Dense("dense", rng.integers(-32, 32, (128, 16)), rng.integers(-32, 32, 16), weight, weight),
        Requantise("dense_relu", True, FixedFormat.parse("u1.8")),
        Pack((511,) * 16, 5),
    )
    charge = FixedFormat(signed=False, width=22, fraction=0)
    return EncoderModel("econ_t", Input(48, charge, LOW_DENSITY.arrangement("8x8x1")), ops)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; returns exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["econ-ae", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
