"""A small file of whole events, made up: the form of ``cms_events`` without any of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

PITCH = 16.744


def arrays(events: int = 10, modules: int = 12, seed: int = 1) -> dict[str, Any]:
    """Return the arrays of ``events`` events with ``modules`` modules each, in layers 0, 5, 12, 13 and 20."""
    rng = np.random.default_rng(seed)
    n = events * modules
    depth = np.linspace(322.0, 513.0, 34, dtype=np.float32)
    layer = rng.choice([0, 5, 12, 13, 20], n).astype(np.uint8)
    thickness = rng.choice([120, 200, 300], n).astype(np.uint16)
    radius = np.where(thickness == 300, 130.0, np.where(thickness == 200, 90.0, 65.0)) + rng.random(n)
    angle = rng.uniform(-np.pi, np.pi, n)
    x, y = on_lattice(layer, radius * np.cos(angle), radius * np.sin(angle))
    radius = np.hypot(x, y)
    codes = np.where(rng.random((n, 48)) < 0.3, rng.integers(1, 92, (n, 48)), 0).astype(np.uint8)
    codes[:, 7] = np.maximum(codes[:, 7], 2)  # no image without charge
    per_count = np.select([thickness == 120, thickness == 200], [2.5, 1.48], 1.0) * (0.002 + 0.001 * layer)
    return {
        "codes": codes,
        "event": np.repeat(np.arange(events), modules).astype(np.uint8),
        "zside": rng.choice([-1, 1], n).astype(np.int8),
        "layer": layer,
        "wafer": np.arange(n).astype(np.uint16),
        "x_cm": x.astype(np.float32),
        "y_cm": y.astype(np.float32),
        "eta": np.arcsinh(depth[layer] / radius).astype(np.float32),
        "thickness_um": thickness,
        "gev_per_count": per_count.astype(np.float32),
        "z_cm_of_layer": depth,
    }


def on_lattice(layer: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return the places of modules near (x, y): around the beam up to layer 19, from 20 on around a corner."""
    shift = np.where(layer < 20, 0.0, -PITCH / np.sqrt(3))
    v = np.rint((y - shift) / (np.sqrt(3) / 2 * PITCH))
    u = np.rint(v / 2 - x / PITCH)
    return (v / 2 - u) * PITCH, np.sqrt(3) / 2 * v * PITCH + shift


def write(path: Path, **changed: Any) -> Path:
    """Write such a file; ``name=None`` leaves an array out, ``name=array`` replaces it."""
    content = arrays() | changed
    np.savez_compressed(path, **{name: values for name, values in content.items() if values is not None})
    return path
