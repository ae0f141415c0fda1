"""Is there more in a module's frame than its sum? Scores of electrons' modules against pileup, from the bits alone.

Frames are those of adaptive precision: module sum, mode (bits per cell) and number of sent cells, nothing is
reconstructed. The score is how unlikely they are in pileup, minus the logarithm of the share of pileup modules of the
same layer and range of eta, in events that are not scored. The area under the curve is compared with that of the
module sum alone.

    python benchmarks/anomaly_score.py [EVENTS.npz] [--events 200]

Generated: a module of CE-E is an electron's when more than half of its charge is; the electrons have 5 to 25 GeV, and
modules are those within 0.10 in (x/z, y/z) of one, where all pileup was followed.
File: modules of CE-E within 0.02 in (x/z, y/z) of both electrons of a pair, against modules more than 0.2 away.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from econ_ae.app.physics.sample import Sample, elinks_by_layer, near_electrons
from econ_ae.data.readers.cms_events import EventsOptions
from econ_ae.data.synthetic.endcaps import PILEUP_200, QUIET, EndcapParameters, Gun, generate
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA
from econ_ae.econt.frame_reader import mid_bin
from metrics.rivals import AdaptivePrecision, Pools, forms
from metrics.rivals.frames import unpack
from metrics.rivals.layout import Form
from metrics.trigger.cells import Places
from metrics.trigger.clusters import find_clusters
from metrics.trigger.match import pairs
from metrics.trigger.real import LEAST_PAIR_PT

LAST_TRIGGER_LAYER = 12
_ETA = np.array([1.3, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.1])
_AROUND = 0.14


def contents(sample: Sample) -> NDArray[np.int64]:
    """Return sum code, mode and sent cells of every module, int64 (n, 3), tables from the events of the other half."""
    charges = sample.images.batch.charges
    out = np.zeros((len(sample), 3), np.int64)
    for links in np.unique(sample.elinks).tolist():
        form = Form.JOINED if links <= 2 else Form.ENUMERATED
        layout = next(one for one in forms(links) if one.form is form)
        for fold in (0, 1):
            here = (sample.elinks == links) & (sample.fold == fold)
            other = (sample.elinks == links) & (sample.fold != fold)
            if not here.any():
                continue
            code = AdaptivePrecision.trained(layout, Pools(charges[other if other.any() else here]))
            found = unpack(layout, code.encode(charges[here]))
            out[here] = np.stack([found.sums, found.mode, found.sent.sum(axis=1)], axis=1)
    return out


def unlikeliness(
    values: NDArray[np.int64], group: NDArray[np.int64], pileup: NDArray[np.bool_], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return -log of the smoothed share of pileup modules of the same group, in the other fold, with these values."""
    _, kind = np.unique(np.column_stack([group, values]), axis=0, return_inverse=True)
    kinds, groups = kind.max() + 1, group.max() + 1
    out = np.zeros(len(values))
    for k in (0, 1):
        known = pileup & (fold != k)
        count = np.bincount(kind[known], minlength=kinds)
        whole = np.bincount(group[known], minlength=groups)
        here = fold == k
        out[here] = -np.log((count[kind[here]] + 0.5) / (whole[group[here]] + 1.0))
    return out


def percentile(
    values: NDArray[np.float64], group: NDArray[np.int64], pileup: NDArray[np.bool_], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of pileup modules of the same group, in the other fold, with a smaller value."""
    out = np.zeros(len(values))
    for k in (0, 1):
        for one in np.unique(group).tolist():
            here = np.flatnonzero((group == one) & (fold == k))
            known = np.sort(values[(group == one) & (fold != k) & pileup])
            low, high = (np.searchsorted(known, values[here], side=side) for side in ("left", "right"))
            out[here] = (low + high + 1) / (2 * len(known) + 2)
    return out


def areas(sample: Sample, signal: NDArray[np.bool_], pileup: NDArray[np.bool_]) -> dict[str, float]:
    """Return areas under the curve, electrons' modules against pileup."""
    layer = np.asarray(sample.images.batch.metadata["layer"], np.int64)
    eta = np.digitize(np.asarray(sample.images.batch.metadata["eta"], np.float64), _ETA)
    group = layer * (len(_ETA) + 1) + eta
    found = contents(sample)
    sums, mode, sent = found.T
    coarse = np.stack([sums >> 3, mode, sent >> 1], axis=1)
    mean = mid_bin(sums, SUM_EXPONENT, SUM_MANTISSA) / np.maximum(sent, 1)
    by_sum = percentile(sums.astype(np.float64), group, pileup, sample.fold)
    by_mean = percentile(mean, group, pileup, sample.fold)
    scores = {
        "module sum": sums.astype(np.float64),
        "sum, above that of pileup": by_sum,
        "sum per sent cell, above that of pileup": by_mean,
        "both, product of the tails": -np.log((1 - by_sum) * (1 - by_mean)),
        "sum, unlikely in pileup": unlikeliness((sums >> 2)[:, None], group, pileup, sample.fold),
        "sum, mode and cells, unlikely in pileup": unlikeliness(coarse, group, pileup, sample.fold),
    }
    used = signal | pileup
    return {name: float(roc_auc_score(signal[used], score[used])) for name, score in scores.items()}


def generated(events: int) -> tuple[Sample, NDArray[np.bool_], NDArray[np.bool_]]:
    gun = Gun(("electron",), 5.0, 25.0, 1.6, 2.8)
    parameters = EndcapParameters(gun, PILEUP_200, around=_AROUND)
    both, alone = generate(events, 11, parameters), generate(events, 11, replace(parameters, pileup=QUIET))
    both, alone = in_ce_e(near_electrons(both)), in_ce_e(alone)
    key = dict(zip(keys(alone), alone.batch.total.tolist(), strict=True))
    own = np.array([key.get(place, 0) for place in keys(both)])
    share = own / both.batch.total
    return Sample(both, elinks_by_layer(both)), share > 0.5, share < 0.05


def keys(images: WholeEvents) -> list[tuple[int, ...]]:
    meta = images.batch.metadata
    return list(zip(*(np.asarray(meta[name]).tolist() for name in ("event", "zside", "layer", "wafer")), strict=True))


def in_ce_e(images: WholeEvents) -> WholeEvents:
    return images[np.asarray(images.batch.metadata["layer"]) <= LAST_TRIGGER_LAYER]


def real(path: Path) -> tuple[Sample, NDArray[np.bool_], NDArray[np.bool_]]:
    images = from_npz(path, None, EventsOptions(section="CE-E"))
    sample = Sample(images, elinks_by_layer(images))
    near, far = np.zeros(len(sample), np.bool_), np.zeros(len(sample), np.bool_)
    for first, events, rows in sample.blocks():
        clusters = find_clusters(Places(images[rows], events).cells(images.batch.charges[rows]), 2 * len(events))
        targets = pairs(clusters, len(events), LEAST_PAIR_PT)
        side = 2 * (sample.place[rows] - first) + (images.zside[rows] > 0)
        x = images.zside[rows] * images.x_cm[rows] / images.z_cm[rows]
        y = images.y_cm[rows] / images.z_cm[rows]
        for one, eta, phi in zip(targets.side, targets.eta, targets.phi, strict=True):
            radius = 1 / np.sinh(np.abs(eta))
            away = np.hypot(x - radius * np.cos(phi), y - radius * np.sin(phi))
            near[rows] |= (side == one) & (away < 0.02)
            far[rows] |= (side == one) & (away > 0.2)
    return sample, near, far


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--events", type=int, default=200)
    given = parser.parse_args()
    samples = {"generated": generated(given.events)}
    if given.file is not None:
        samples["file"] = real(given.file)
    for title, (sample, signal, pileup) in samples.items():
        print(f"{title}: {signal.sum()} modules of electrons, {pileup.sum()} of pileup")
        for name, area in areas(sample, signal, pileup).items():
            print(f"  {name:45s} {area:.4f}")


if __name__ == "__main__":
    main()
