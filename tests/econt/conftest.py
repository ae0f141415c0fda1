"""The literal model, and random configurations for it and for the fast one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from econ_ae.econt.config import Algorithm, EcontConfig, Numbering

LITERAL = Path(__file__).with_name("literal.py")


@pytest.fixture(scope="session")
def literal() -> ModuleType:
    """The slow transcription of the specification."""
    spec = importlib.util.spec_from_file_location("econt_literal", LITERAL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _configuration(rng: np.random.Generator, select: int, elinks: int, production: bool) -> dict[str, Any]:
    """Registers in the literal model's terms, with the corners over-represented."""
    mux = rng.permutation(48) if rng.random() < 0.7 else rng.integers(0, 48, 48)
    factor = int(rng.choice([0, 1, 0x555, 2048, 0xAAA, 0xFFF]))
    cal = np.full(48, factor) if rng.random() < 0.6 else rng.integers(0, 4096, 48)
    limit = int(rng.choice([1, 50, 5000, 1 << 22]))
    return {
        "select": select,
        "elinks": elinks,
        "production": production,
        "hd": bool(rng.integers(2)),
        "mux": mux.tolist(),
        "cal": cal.tolist(),
        "thr": rng.integers(0, limit, 48).tolist(),
        "drop": int(rng.choice([0, 1, 2, 3, 4, 5, 255])),
        "stc_type": int(rng.integers(4)),
        "use_sum": bool(rng.integers(2)),
        "sync": int(rng.integers(2048)),
        "t1": int(rng.choice([0, 3, 24 * elinks, 40, 338])),
        "t2": int(rng.choice([0, 5, 12 * elinks, 511])),
        "t3": int(rng.choice([0, 4, 25])),
        "keep": int.from_bytes(rng.bytes(18), "big") if rng.random() < 0.6 else (1 << 144) - 1,
        "image": int.from_bytes(rng.bytes(1608), "little") if rng.random() < 0.8 else _extreme_image(rng),
    }


def _extreme_image(rng: np.random.Generator) -> int:
    """All weights at one end or the other: saturating latents."""
    return sum(int(w) << 6 * n for n, w in enumerate(rng.choice([31, 32, 31, 31, 0], 2144)))


def _words(rng: np.random.Generator, events: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """Input words: random, sparse, tied, all equal, all zero, saturated; crossing 0 may come anywhere."""
    codes = rng.integers(0, 128, (events, 48))
    for row, kind in enumerate(rng.integers(0, 7, events)):
        if kind == 1:
            codes[row] *= rng.random(48) < 0.15
        elif kind == 2:
            codes[row] = rng.choice(rng.integers(0, 128, 3), 48)
        elif kind == 3:
            codes[row] = rng.integers(0, 128)
        elif kind == 4:
            codes[row] = rng.integers(0, 20, 48)
        elif kind == 5:
            codes[row] = int(rng.choice([0, 127]))
    words = np.zeros((events, 12), np.uint64)
    for cell in range(48):
        words[:, cell // 4] |= codes[:, cell].astype(np.uint64) << np.uint64(7 * (cell % 4))
    header = np.where(rng.random(events) < 0.1, 9, 10).astype(np.uint64)
    return (words | header[:, None] << np.uint64(28)).astype(np.uint32)


def _econt_config(c: dict[str, Any]) -> EcontConfig:
    return EcontConfig(
        numbering=Numbering.PRODUCTION if c["production"] else Numbering.PROTOTYPE,
        algorithm=Algorithm(c["select"]),
        high_density=c["hd"],
        mux=tuple(c["mux"]),
        calibration=tuple(c["cal"]),
        threshold=tuple(c["thr"]),
        drop_lsb=c["drop"],
        elinks=c["elinks"],
        buff_t1=c["t1"],
        buff_t2=c["t2"],
        buff_t3=c["t3"],
        stc_type=c["stc_type"],
        use_sum=c["use_sum"],
        sync_word=c["sync"],
        keep_mask=c["keep"],
        weights=c["image"].to_bytes(1608, "little"),
    )


@pytest.fixture(scope="session")
def make_configuration() -> Callable[..., dict[str, Any]]:
    return _configuration


@pytest.fixture(scope="session")
def make_words() -> Callable[..., np.ndarray[Any, np.dtype[np.uint32]]]:
    return _words


@pytest.fixture(scope="session")
def to_config() -> Callable[[dict[str, Any]], EcontConfig]:
    return _econt_config
