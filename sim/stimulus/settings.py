"""The configuration inputs that designs are tested under: weights, mux, calibration, keep masks, eLinks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel

FRAME_WORDS = 5
"""eLinks that a frame of the autoencoder can fill."""
UNIT = 2048
"""Calibration factor 1."""
RANDOM_SETS = tuple(f"{kind}_{i}" for i in range(4) for kind in ("random", "sparse"))
"""Names of the weight sets that depend on the seed."""
_CONSTANT = {"all_max": ("max", "max"), "all_min": ("min", "min"), "alternating": ("max", "min")}
_FACTORS = (0, UNIT, 0x555, 0xAAA, 0xFFF)
_EXTRA_SETTINGS = 6


@dataclass(frozen=True, eq=False)
class Settings:
    """The configuration inputs of a block.

    Parameters
    ----------
    name : for reports
    model : gives the weights
    mux : input cell of every cell
    calibration : factor of every cell, 2048 = 1
    keep : one mask per latent; none of a model that sends cells
    elinks : eLinks in use, 0..15 (the width of the port); of a model that sends cells those of its frame
    """

    name: str
    model: EncoderModel
    mux: tuple[int, ...]
    calibration: tuple[int, ...]
    keep: tuple[int, ...]
    elinks: int

    @classmethod
    def plain(cls, model: EncoderModel, name: str = "model") -> Settings:
        """Return identity mux, factors 1, and the model's own keep masks and eLinks (at most 5)."""
        cells = range(model.input.cells)
        keep = () if model.sends_cells else model.pack.keep
        return cls(name, model, tuple(cells), (UNIT,) * len(cells), keep, min(model.elinks, FRAME_WORDS))

    @classmethod
    def suppressed(cls, model: EncoderModel, name: str = "suppressed") -> Settings:
        """Return the same with factors a little below a half: a small code is the charge, and code 0 is none.

        The front end takes the middle of a code's bin, which is 1 for code 0: with factors 1 a model that sends cells
        sees charge everywhere, and nothing goes without loss.
        """
        return replace(cls.plain(model, name), calibration=(UNIT // 2 - 1,) * model.input.cells)


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


def rules(model: EncoderModel, seed: int) -> dict[str, EncoderModel]:
    """Return a model that sends cells with its own limits and biases, with all at either end, and with random ones."""
    rng = np.random.default_rng(seed)
    choose, cells = model.cell_code.choose, model.input.cells
    top = (1 << choose.bias_fraction) - 1
    shape = len(choose.bias), len(choose.modes)
    edges = range(1, len(choose.limits) + 1)
    ends = tuple(edges), tuple(cells + 1 - edge for edge in reversed(edges))
    sets = {"real": model}
    for name, limits, value in (("all_min", ends[0], 0), ("all_max", ends[1], top)):
        sets[name] = model.with_rule(limits, ((value,) * shape[1],) * shape[0])
    for i in range(4):
        limits = tuple(sorted(int(n) for n in rng.choice(np.arange(1, cells + 1), len(choose.limits), replace=False)))
        bias = rng.integers(0, top >> 2 * (i % 2), shape, endpoint=True)
        sets[f"random_{i}"] = model.with_rule(limits, tuple(tuple(int(b) for b in row) for row in bias))
    return sets


def at_reset(model: EncoderModel) -> EncoderModel:
    """Return the model with the numbers that its registers hold after a reset, all 0.

    Limits of 0 are no valid rule, but the hardware computes with them: every event reaches them all.
    """
    if not model.sends_cells:
        return weights.unpack(model, bytes(len(weights.pack(model))))
    choose = model.cell_code.choose
    return model.with_rule((0,) * len(choose.limits), ((0,) * len(choose.modes),) * len(choose.bias))


def settings_list(model: EncoderModel, seed: int) -> list[Settings]:
    """Return the model's own settings, then one per weight set and some more with everything else mixed.

    The last ones of a model that sends cells are its own with ``Settings.suppressed``.

    Muxes: identity, the module's default, one input for all cells, random with repeats, selects without a cell.
    Factors: 0, 0x555, 0xAAA, 0xFFF, 2048, random. Masks: all, none, random, mostly kept, the model's. eLinks: 0..5, 15.
    """
    rng = np.random.default_rng(seed)
    cells, bits = model.input.cells, 0 if model.sends_cells else model.latent.width
    everything = (1 << bits) - 1
    identity = tuple(range(cells))
    default = tuple(int(c) for c in np.argsort(LOW_DENSITY.postmux)) if cells == LOW_DENSITY.cells else identity[::-1]
    selects = 1 << max(1, (cells - 1).bit_length())
    latents, own = (0, ()) if model.sends_cells else (model.latents, model.pack.keep)

    def masks(kept: float) -> tuple[int, ...]:
        return tuple(int(m) for m in (rng.random((latents, bits)) < kept) @ (1 << np.arange(bits)))

    found = [Settings.plain(model, "real")]
    sets = list((rules if model.sends_cells else weight_sets)(model, seed).items())
    for i, (name, other) in enumerate((sets + [sets[0]] * _EXTRA_SETTINGS)[1:]):
        mux = (
            tuple(int(c) for c in rng.integers(0, cells, cells)),
            default,
            identity,
            (int(rng.integers(0, cells)),) * cells,
            tuple(int(c) for c in rng.integers(0, selects, cells)),
        )[i % 5]
        factors = (
            tuple(int(f) for f in rng.integers(0, 4096, cells)) if i % 6 == 5 else (_FACTORS[(i + 1) % 5],) * cells
        )
        keep = (
            (everything,) * latents,
            masks(0.5),
            masks(0.9),
            (0,) * latents,
            own,
            masks(0.2),
        )[i * 5 % 6 if i % 7 else 1]
        elinks = found[0].elinks if model.sends_cells else (5, 1, 2, 3, 4, 15, 0)[i % 7]
        found.append(Settings(f"{name}/{i}", other, mux, factors, keep, elinks))
    return [*found, Settings.suppressed(model)] if model.sends_cells else found
