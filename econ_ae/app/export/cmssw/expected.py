"""What the class should make of report events: from the integer model, the run's decoder and formulas of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.cmssw.plan import Pair, Plan
from econ_ae.app.export.cmssw.replica.fork import Place
from econ_ae.app.export.cmssw.replica.setup import Selected
from econ_ae.app.export.cmssw.target import INPUT_BITS, LATENTS, ZERO_SUPPRESSION
from econ_ae.app.reconstruction import reconstruct
from econ_ae.data.batch import MIP_COUNTS, Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import Latents, mid_bin
from econ_ae.emulator import input_images
from econ_ae.fixedpoint import IntArray
from econ_ae.floatcodes import encode as float_code
from econ_ae.geometry import LOW_DENSITY

if TYPE_CHECKING:
    from econ_ae.training.networks import Networks

Doubles = NDArray[np.float64]

BOUND = 2.0**-17
"""Largest difference of a cell's charge to our decoder's, as a share of the module sum: float32 has 2**-24 per
operation, and sums of some hundred terms are added in another order."""
_THICKNESS = {120: 0, 200: 1, 300: 2}


def sent(pair: Pair, latents: IntArray) -> Doubles:
    """Return what is sent of integer latents as the class holds it, float64 (n, 16): one integer bit, zeros behind."""
    width = pair.model.latent.width
    masks = np.array([-1 << (width - bits) if bits else 0 for bits in pair.kept])
    out = np.zeros((len(latents), LATENTS))
    out[:, : latents.shape[1]] = (latents & masks) * 2.0 ** (1 + pair.model.latent.signed - width)
    return out


def images(plan: Plan, pair: Pair, charges: NDArray[np.integer]) -> IntArray:
    """Return the integer model's images of charges (n, cells) as the class of the target normalises them.

    The fork normalises as the chip does. The release rounds mipPt / 2**trunc(log2(sum)) to 2**-8, of which the graph
    takes the fractional bits of its format; the quotient is computed in integers here.
    """
    model = pair.model
    if plan.target.columns:
        return input_images(model.input, model.normalise, charges)
    total = (charges / MIP_COUNTS).sum(axis=1)
    exponent = np.trunc(np.log2(np.where(total > 0, total, 1.0))).astype(np.int64)[:, None]
    numerator = (charges.astype(np.int64) << INPUT_BITS + 1) << np.maximum(-exponent, 0)
    denominator = np.int64(2 * MIP_COUNTS) << np.maximum(exponent, 0)
    rounded = (numerator + denominator // 2) // denominator
    out = model.normalise.out
    cells = np.minimum(rounded >> (INPUT_BITS - out.fraction), out.max)
    padded = np.concatenate([cells, np.zeros((len(cells), 1), np.int64)], axis=1)
    return padded[:, np.array(model.input.arrangement.cells)].reshape(-1, *model.input.arrangement.shape)


def place(rows: Batch) -> Place:
    """Return where modules are; what the data do not say is 0, and no decoder of them is told it."""

    def column(name: str) -> Doubles:
        return np.asarray(rows.metadata[name], np.float64) if name in rows.metadata else np.zeros(len(rows))

    side = np.sign(column("zside"))
    eta = column("eta")
    kinds = np.array([_THICKNESS.get(int(value), -1) for value in column("thickness")])
    return Place(
        np.where(side < 0, -np.abs(eta), eta),
        column("wafer_u").astype(np.int64),
        column("wafer_v").astype(np.int64),
        kinds,
        column("detector_layer").astype(np.int64),
    )


@dataclass(frozen=True)
class Charges:
    """How the class's charges compare with our decoder's, see ``check.Compared``."""

    largest: float
    absent: float
    sums_differing: int


def charges(plan: Plan, pair: Pair, rows: Batch, found: Selected) -> Charges:
    """Compare the charges that the class makes of the latents that it has with what our decoder makes of these.

    The decoder gets the module sum that the class tells it: in the fork it lacks the cell at pixel 0.
    """
    from econ_ae.training import artifact

    receiver, latent = pair.receiver, pair.model.latent
    networks: Networks = artifact.load(receiver.config, pair.context.geometry, receiver.folder)
    scale = 2.0 ** (latent.width - 1 - latent.signed)
    latents = np.rint(found.encoded[:, : pair.model.latents] * scale).astype(np.int64)
    told = rows.total - (rows.charges[:, plan.image.cells[0]] if plan.target.columns else 0)
    code = float_code(told, SUM_EXPONENT, SUM_MANTISSA)
    received = Latents(latents, np.asarray(mid_bin(code, SUM_EXPONENT, SUM_MANTISSA), np.float64))
    names = receiver.config.decoder.conditions
    known = _with_sum(names, Conditions(names).features(rows), received.total)
    fractions = artifact.decode(receiver.config, networks, pair.model, received, known)
    total = rows.total[:, None] * (1.0 if plan.target.columns else 1.0 / MIP_COUNTS)
    ours = fractions * total
    # The fork compares CALQ + 0.5, in ADC counts.
    least = ZERO_SUPPRESSION - (0.5 if plan.target.columns else 0.0)
    difference = np.abs(found.charges - np.where(ours >= least, ours, 0.0)) / total
    difference[np.abs(ours - least) <= BOUND * total] = 0.0
    needs_sum = bool(receiver.config.decoder.sum_columns) or "log_sum" in names
    return Charges(
        float(difference.max()),
        float(np.mean(found.charges[ours > 0] == 0)),
        int((code != sum_code(rows.charges)).sum()) if needs_sum else 0,
    )


def _with_sum(names: Sequence[str], known: NDArray[np.float32], total: Doubles) -> NDArray[np.float32]:
    """Return the features of conditions with another module sum."""
    if "log_sum" not in names:
        return known
    first = Conditions(tuple(names[: list(names).index("log_sum")])).width
    changed = known.copy()
    changed[:, first] = np.log(total + 1)
    return changed


def mean_emds(pair: Pair, rows: Batch, found: Selected) -> tuple[float, float]:
    """Return the mean EMD to the true charges, after the class and after our frames and decoder, EMD units."""
    from metrics.emd import emd

    own = reconstruct(pair.context, pair.model, rows, pair.receiver).charges
    after, before = (float(np.mean(emd(rows.charges, q, LOW_DENSITY).of_defined)) for q in (found.charges, own))
    return after, before
