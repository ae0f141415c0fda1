"""Images with a few cells and a core, as modules have them, and a configuration that learns from them in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from econ_ae.config import RunConfig, parse
from econ_ae.data.batch import Batch, Provenance
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY


def images(events: int, seed: int) -> IntArray:
    """Return charges, int64 (events, 48): one falling core each, and scattered cells."""
    rng = np.random.default_rng(seed)
    core = np.asarray(LOW_DENSITY.distance)[rng.integers(0, 48, events)]
    charges = rng.exponential(400, (events, 1)) * np.exp(-core / 1.5) + rng.exponential(30, (events, 48)) * (
        rng.random((events, 48)) < 0.15
    )
    return np.asarray(np.floor(charges * rng.random((events, 48)) * 2), np.int64)


def batch(events: int, seed: int) -> Batch:
    return Batch(images(events, seed), Provenance("cores", synthetic=True))


def config(**sections: dict[str, Any]) -> RunConfig:
    """Return the small configuration with some settings changed, by section."""
    raw: dict[str, dict[str, Any]] = {
        "encoder": {"family": "cells"},
        "cells": {"rule_events": 300, "units": 6, "depth": 1, "steps": 6},
        "training": {"epochs": 4, "batch": 32, "average": 0.9, "learning_rate": 1e-2},
        "hardware": {"elinks": 2},
    }
    for name, changes in sections.items():
        raw[name] = raw.get(name, {}) | changes
    return parse(raw, "test")
