"""EMD of every image of a detector under every algorithm, each image on the eLinks of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.campaign import unconditional
from econ_ae.app.campaign.members import check
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.stages import data
from econ_ae.app.stages.streamed import SAMPLE, Streamed
from econ_ae.config import changed
from econ_ae.config.campaign import CampaignConfig, ClassConfig
from econ_ae.data.batch import Batch, concatenated
from econ_ae.geometry import LOW_DENSITY
from metrics.baselines import Reconstruction
from metrics.detector.judged import Judged
from metrics.emd import emd
from metrics.transmitted import transmitted

FloatArray = NDArray[np.float64]

OURS, PLAIN = "autoencoder", "autoencoder, decoder without conditions"
RIVALS = {
    "bc": "best choice",
    "stc": "super trigger cells",
    "ts": "threshold sum",
    "abc": "adaptive precision",
    "ccc": "companded cells",
}
"""Names by the algorithms of the command line; of each the best variant by class, chosen on validation images."""
_CE_E = 26
"""Last of the detector's layers in the electromagnetic section (reference README)."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Images of a class: those that tables are made of, those that choices are made on, those that are reported."""

    train: Batch
    validation: Batch
    report: Batch


@dataclass(frozen=True, eq=False)
class OfClass:
    """What is known of a class.

    Parameters
    ----------
    chosen : the member whose encoder is taken, by the EMD of validation images; None for an algorithm of the chip
    seeds : validation EMD by member
    variants : of every rival, the variant that was best on validation images
    validation, report : EMD by algorithm, float64 (n,)
    """

    chosen: str | None
    seeds: Mapping[str, float]
    variants: Mapping[str, str]
    rows: Rows
    validation: Mapping[str, FloatArray]
    report: Mapping[str, FloatArray]


def rows_of(campaign: CampaignConfig, name: str, members: Mapping[str, Context]) -> Rows:
    """Return the images of a class, from the run of its first member or, where it has none, from the data."""
    own = campaign.classes[name].members
    if own:
        context = members[own[0]]
        return Rows(*(context.rows(part) for part in ("train", "validation", "report")))
    config = changed(campaign.first, f"class {name}", data={"modules": {"take": name}}, decoder={"conditions": []})
    prepared = data.prepare(config, LOW_DENSITY)
    split = prepared.rows
    train = split.train[:SAMPLE] if isinstance(prepared, Streamed) else split.train  # as a streamed run holds
    return Rows(*(concatenated(list(prepared.parts(part))) for part in (train, split.validation, split.report)))


def judge_class(
    campaign: CampaignConfig, name: str, members: Mapping[str, Context], algorithms: Sequence[str] = tuple(RIVALS)
) -> OfClass:
    """Judge every algorithm on the images of a class, from the transmitted bits alone.

    Raises
    ------
    RunDirectoryError
        When a member is of another class, see ``members.check``.
    """
    check({name: campaign.classes[name]}, members)
    klass, rows = campaign.classes[name], rows_of(campaign, name, members)
    reported: dict[str, FloatArray] = {}
    validated: dict[str, FloatArray] = {}
    chosen, seeds = _ours(klass, members, rows, validated)
    if chosen is not None:
        context = members[chosen]
        reported[OURS] = _emd(rows.report, reconstruct(context, context.model(), rows.report))
        if campaign.unconditional and (receiver := unconditional.receiver(context)) is not None:
            for batch, found in ((rows.validation, validated), (rows.report, reported)):
                found[PLAIN] = _emd(batch, reconstruct(context, context.model(), batch, receiver))
    best_of = {}
    for key in algorithms:
        sides = [variants(batch, klass.elinks, key, rows.train) for batch in (rows.validation, rows.report)]
        best = min(sides[0], key=lambda variant: rank(sides[0][variant], rows.validation), default=None)
        if best is None or best not in sides[1]:
            continue  # none of its frames fits these links
        validated[RIVALS[key]], reported[RIVALS[key]] = sides[0][best], sides[1][best]
        best_of[RIVALS[key]] = best
    if klass.algorithm is not None:
        own = RIVALS[klass.algorithm]
        validated[OURS], reported[OURS] = validated[own], reported[own]
    return OfClass(chosen, seeds, best_of, rows, validated, reported)


def _ours(
    klass: ClassConfig, members: Mapping[str, Context], rows: Rows, validated: dict[str, FloatArray]
) -> tuple[str | None, dict[str, float]]:
    """Choose the member with the smallest validation EMD; note that EMD by image."""
    seeds: dict[str, float] = {}
    for name in klass.members:
        values = _emd(rows.validation, reconstruct(members[name], members[name].model(), rows.validation))
        seeds[name] = float(np.nanmean(values))
        if seeds[name] <= min(seeds.values()):
            validated[OURS] = values
    return min(seeds, key=lambda name: seeds[name], default=None), seeds


def variants(batch: Batch, elinks: int, algorithm: str, tune: Batch) -> dict[str, FloatArray]:
    """Return the EMD of every variant of an algorithm, float64 (n,) each."""
    found = transmitted(batch.charges, LOW_DENSITY, [elinks], [algorithm], tune=tune.charges).reconstructions
    return {variant_of(r): _emd(batch, r) for r in found if r.elinks == elinks}


def variant_of(sent: Reconstruction) -> str:
    """Return the name of an algorithm with its variant."""
    return f"{sent.algorithm} {sent.variant}".strip()


def _emd(batch: Batch, reconstruction: Reconstruction) -> FloatArray:
    result = emd(batch.charges.astype(np.float64), reconstruction.charges, LOW_DENSITY)
    return np.where(result.defined, result.values, np.nan)


def rank(values: FloatArray, batch: Batch) -> tuple[int, float]:
    """Order variants: what loses images comes last, then by the mean."""
    lost = int((~np.isfinite(values) & (batch.total > 0)).sum())
    return lost, float(np.nanmean(values)) if np.isfinite(values).any() else np.inf


def section_of(layer: NDArray[np.generic]) -> NDArray[np.str_]:
    """Return the section of the detector's layers (n,)."""
    return np.where(layer.astype(np.int64) <= _CE_E, "CE-E", "CE-H")


def whole(classes: Mapping[str, OfClass], side: str) -> Judged:
    """Return all classes together.

    Parameters
    ----------
    side : ``validation`` or ``report``
    """
    batches: list[Batch] = [getattr(one.rows, side) for one in classes.values()]
    values: list[Mapping[str, FloatArray]] = [getattr(one, side) for one in classes.values()]
    names = list(dict.fromkeys(name for one in values for name in one))
    sizes = [len(batch) for batch in batches]
    emds = {
        name: np.concatenate([one.get(name, np.full(n, np.nan)) for one, n in zip(values, sizes, strict=True)])
        for name in names
    }
    shared = set.intersection(*(set(batch.metadata) for batch in batches))
    columns = {name: np.concatenate([batch.metadata[name] for batch in batches]) for name in sorted(shared)}
    if "detector_layer" in columns:
        columns["section"] = section_of(columns["detector_layer"])
    of = np.repeat(np.arange(len(classes)), sizes)
    event = columns.get("event", np.arange(len(of))).astype(np.int64)
    return Judged(tuple(classes), of, event, columns, emds)
