"""What an encoder is tested with: weight sets, directed corners, random and real images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.emulator import encode_images
from econ_ae.errors import DataError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel

CORNER, RANDOM, REAL = "corner", "random", "real"
_CONSTANT = {"all_max": ("max", "max"), "all_min": ("min", "min"), "alternating": ("max", "min")}
RANDOM_SETS = tuple(f"{kind}_{i}" for i in range(4) for kind in ("random", "sparse"))
"""Names of the weight sets that depend on the seed."""
_PHASE_EVENTS = 500  # a phase reports its progress when it is done


@dataclass(frozen=True, eq=False)
class Phase:
    """Images that are sent under one set of weights.

    Parameters
    ----------
    kind : ``corner``, ``random`` or ``real``
    weights : name of the weight set
    images : int64 (n, rows, cols, channels) in the format of the model's Normalise
    gaps : whether in_valid pauses at random between images
    """

    kind: str
    weights: str
    images: IntArray
    gaps: bool = False


@dataclass(frozen=True, eq=False)
class Campaign:
    """Phases, and the models (one per weight set, by name) that say what each must give."""

    models: Mapping[str, EncoderModel]
    phases: tuple[Phase, ...]

    def events(self, kind: str | None = None) -> int:
        """Return the number of images, of one kind or of all."""
        return sum(len(p.images) for p in self.phases if kind in (None, p.kind))


def weight_sets(model: EncoderModel, seed: int) -> dict[str, EncoderModel]:
    """Return the model with its own weights and with others.

    Returns
    -------
    ``real`` (unchanged), ``all_max``, ``all_min``, ``alternating`` (max and min in turn), ``random_0`` to ``random_3``
    (uniform over the format) and ``sparse_0`` to ``sparse_3`` (the same with seven of eight weights zero, so that sums
    stay inside the output formats and a single wrong product shows). Biases follow the rule of the kernels, but are
    never made zero.
    """
    rng = np.random.default_rng(seed)

    def filled(name: str, shape: tuple[int, ...], fmt: FixedFormat, kept: float) -> IntArray:
        if name in _CONSTANT:
            ends = {"max": fmt.max, "min": fmt.min}
            even, odd = (ends[end] for end in _CONSTANT[name])
            return np.where(np.arange(math.prod(shape)) % 2 == 0, even, odd).reshape(shape)
        return rng.integers(fmt.min, fmt.max, shape, np.int64, endpoint=True) * (rng.random(shape) < kept)

    sets = {"real": model}
    for name in (*_CONSTANT, *RANDOM_SETS):
        kept = 1 / 8 if name.startswith("sparse") else 1.0
        sets[name] = model.with_weights(
            {
                layer.name: (
                    filled(name, layer.kernel.shape, layer.weight, kept),
                    filled(name, layer.bias.shape, layer.bias_format, 1.0),
                )
                for layer in model.layers
            }
        )
    return sets


def corner_images(model: EncoderModel) -> IntArray:
    """Return the directed corners, int64 (n, rows, cols, channels).

    All zero, all at maximum, the two alternating patterns, every pixel alone at maximum and alone at 1, and the pixels
    without a trigger cell alone at maximum (which must read as zero).
    """
    shape, top = model.input.arrangement.shape, model.normalise.out.max
    pixels = math.prod(shape)
    live = live_pixels(model).reshape(-1)
    even = np.arange(pixels) % 2 == 0
    rows = [
        np.zeros((1, pixels), np.int64),
        np.full((1, pixels), top),
        np.stack([even, ~even]) * top,
        np.eye(pixels, dtype=np.int64)[live] * top,
        np.eye(pixels, dtype=np.int64)[live],
        (~live[None]) * np.int64(top),
    ]
    return np.concatenate(rows).reshape(-1, *shape)


def random_images(model: EncoderModel, events: int, seed: int) -> IntArray:
    """Return random images, int64 (events, rows, cols, channels): every other one dense, the rest sparse or small."""
    rng = np.random.default_rng(seed)
    shape, top = model.input.arrangement.shape, model.normalise.out.max
    images = rng.integers(0, top, (events, *shape), np.int64, endpoint=True)
    images[1::4] *= rng.random(images[1::4].shape) < 0.2
    images[3::4] >>= rng.integers(0, top.bit_length() + 1, images[3::4].shape)
    return images


def live_pixels(model: EncoderModel) -> NDArray[np.bool_]:
    """Return which pixels have a trigger cell, bool (rows, cols, channels)."""
    return np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape) >= 0


def campaign(model: EncoderModel, real: NDArray[np.integer], random_events: int, seed: int) -> Campaign:
    """Return the whole campaign of a model.

    Corners under every weight set; random images half under the model's own weights, of these half with gaps, and half
    shared among the random weight sets; real images under the model's own weights.

    Parameters
    ----------
    real : integers (n, rows, cols, channels) in the format of the model's Normalise; may be empty
    random_events : number of random images

    Raises
    ------
    DataError
        When the real images have another shape or do not fit the format.
    """
    shape, top = model.input.arrangement.shape, model.normalise.out.max
    if real.shape[1:] != shape or not np.issubdtype(real.dtype, np.integer):
        raise DataError(
            f"images must be integers of shape (n, {', '.join(map(str, shape))}), not {real.dtype} {real.shape}"
        )
    if real.size and (real.min() < 0 or real.max() > top):
        raise DataError(f"images must be 0..{top}, got {real.min()}..{real.max()}")
    models = weight_sets(model, seed)
    corners = corner_images(model)
    own, foreign = np.array_split(random_images(model, random_events, seed), 2)
    phases = [
        *(Phase(CORNER, name, corners) for name in models),
        *(Phase(RANDOM, "real", part, bool(i)) for i, part in enumerate(np.array_split(own, 2))),
        *(
            Phase(RANDOM, name, part)
            for name, part in zip(RANDOM_SETS, np.array_split(foreign, len(RANDOM_SETS)), strict=True)
        ),
        Phase(REAL, "real", real.astype(np.int64)),
    ]
    return Campaign(models, tuple(part for phase in phases for part in _split(phase)))


def _split(phase: Phase) -> list[Phase]:
    return [
        Phase(phase.kind, phase.weights, phase.images[i : i + _PHASE_EVENTS], phase.gaps)
        for i in range(0, len(phase.images), _PHASE_EVENTS)
    ]


def expected_latents(model: EncoderModel, images: IntArray) -> IntArray:
    """Return what the encoder must give, int64 (n, latents); pixels without a trigger cell read as zero."""
    return encode_images(model, images * live_pixels(model))


def save(campaign: Campaign, path: Path) -> None:
    """Write a campaign as a NumPy archive: weight images as bytes, pictures as integers."""
    arrays: dict[str, NDArray[np.generic]] = {
        f"weights.{name}": np.frombuffer(weights.pack(m), np.uint8) for name, m in campaign.models.items()
    }
    for i, p in enumerate(campaign.phases):
        arrays[f"phase.{i:04d}.{p.kind}.{p.weights}.{int(p.gaps)}"] = p.images
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(model: EncoderModel, path: Path) -> Campaign:
    """Read what ``save`` wrote; ``model`` gives the structure."""
    models, phases = {}, []
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            what, _, rest = key.partition(".")
            if what == "weights":
                models[rest] = weights.unpack(model, archive[key].tobytes())
            elif what == "phase":
                _, kind, name, gaps = rest.split(".")
                phases.append(Phase(kind, name, archive[key], gaps == "1"))
    return Campaign(models, tuple(phases))
