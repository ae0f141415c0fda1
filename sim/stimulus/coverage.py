"""Functional coverage of a campaign's arithmetic: which corners of every stage its events reached.

Measured with the emulator's trace. That is coverage of the Verilog too, because every event's outputs are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from econ_ae.emulator import encode_images, encode_pulses
from econ_ae.fixedpoint import IntArray, Overflow, Rounding, shift_round
from econ_ae.ir.model import EncoderModel, Stage
from econ_ae.ir.ranges import accumulator_range


def measure_cells(phases: Iterable[tuple[EncoderModel, IntArray]]) -> Coverage:
    """Return the coverage of charges, int64 (n, cells): every mode, with loss and without, and every class."""
    found = Coverage()
    for model, charges in phases:
        choose = model.cell_code.choose
        trace: dict[str, IntArray] = {}
        sent = encode_pulses(model, charges, trace)
        hit = (trace[model.normalise.name] > 0).sum(axis=1)
        group = (hit[:, None] >= np.array(choose.limits, np.int64)).sum(axis=1)
        for index, mode in enumerate(choose.modes):
            here = sent.mode == index
            found.see(f"mode {index} with loss", (here & ~sent.exact).any())
            if mode.exact_sum:
                found.see(f"mode {index} without loss", (here & sent.exact).any())
        for index in range(len(choose.bias)):
            found.see(f"class {index}", (group == index).any())
    return found


@dataclass
class Coverage:
    """Corners that could be reached, by name, and whether they were."""

    reached: dict[str, bool] = field(default_factory=dict)

    def see(self, corner: str, hit: bool | np.bool) -> None:
        """Note a corner, and that it was hit if it was."""
        self.reached[corner] = self.reached.get(corner, False) or bool(hit)

    @property
    def not_reached(self) -> tuple[str, ...]:
        """Corners that no event reached."""
        return tuple(corner for corner, hit in self.reached.items() if not hit)


def measure(phases: Iterable[tuple[EncoderModel, IntArray]]) -> Coverage:
    """Return the coverage of images, int64 (n, rows, cols, channels), each set under the weights of its model.

    Per stage: an output of 0 and one above, a negative sum that a ReLU cuts, saturation at either end (or a wrap), a
    tie rounded to even in either direction; and every bit of every latent at 0 and at 1. A corner that the formats
    exclude for every value of the weights is not asked for.
    """
    found = Coverage()
    for model, images in phases:
        if not len(images):
            continue
        trace: dict[str, IntArray] = {}
        latents = encode_images(model, images, trace)
        for stage in model.stages:
            _stage(found, stage, trace[stage.layer.name], trace[stage.requantise.name])
        for index, column in enumerate(latents.T):
            for bit in range(model.latent.width):
                ones = column >> bit & 1
                found.see(f"latent {index} bit {bit} at 0", (ones == 0).any())
                found.see(f"latent {index} bit {bit} at 1", (ones == 1).any())
    return found


def _stage(found: Coverage, stage: Stage, sums: IntArray, outputs: IntArray) -> None:
    op, name = stage.requantise, stage.requantise.name
    shift = stage.accumulator_fraction - op.out.fraction
    low, high = accumulator_range(stage)
    found.see(f"{name}: zero", (outputs == 0).any())
    found.see(f"{name}: above zero", (outputs > 0).any())
    if op.relu:
        found.see(f"{name}: negative sum cut", (sums < 0).any())
        sums, low = np.maximum(sums, 0), 0
    rounded = shift_round(sums, shift, op.rounding)
    limits = shift_round(np.array([low, high]), shift, op.rounding)
    verb = "saturates" if op.overflow is Overflow.SAT else "wraps"
    if limits[1] > op.out.max:
        found.see(f"{name}: {verb} at the top", (rounded > op.out.max).any())
    if limits[0] < op.out.min:
        found.see(f"{name}: {verb} at the bottom", (rounded < op.out.min).any())
    if shift > 0 and op.rounding is Rounding.RND_CONV:
        tie = sums & ((1 << shift) - 1) == 1 << (shift - 1)
        odd = sums >> shift & 1 == 1
        found.see(f"{name}: tie rounded up", (tie & odd).any())
        found.see(f"{name}: tie rounded down", (tie & ~odd).any())
