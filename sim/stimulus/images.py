"""What an encoder alone is tested with: directed corners, random and real images under many sets of weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel
from sim.stimulus.golden import live_pixels
from sim.stimulus.phases import CORNER, RANDOM, REAL, Campaign, Phase, check_events, made
from sim.stimulus.settings import RANDOM_SETS, Settings, weight_sets


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
    check_events(real, "images", model.input.arrangement.shape, model.normalise.out.max)
    sets = {name: Settings.plain(other, name) for name, other in weight_sets(model, seed).items()}

    def phase(kind: str, name: str, images: IntArray, *, gaps: bool = False) -> Phase:
        return Phase(kind, sets[name], images, np.zeros(len(images), np.bool_), gaps)

    corners = corner_images(model)
    own, foreign = np.array_split(random_images(model, random_events, seed), 2)
    shared = zip(RANDOM_SETS, np.array_split(foreign, len(RANDOM_SETS)), strict=True)
    return made(
        [
            *(phase(CORNER, name, corners) for name in sets),
            *(phase(RANDOM, "real", part, gaps=bool(i)) for i, part in enumerate(np.array_split(own, 2))),
            *(phase(RANDOM, name, part) for name, part in shared),
            phase(REAL, "real", real.astype(np.int64)),
        ]
    )
