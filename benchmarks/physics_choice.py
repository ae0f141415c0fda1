"""Does the best EMD give the best trigger? Rank correlations of the EMD with measures of clusters.

``python benchmarks/physics_choice.py FILE.npz RUN... [--out OUT.json]`` takes CE-E of whole events, sends every module
on the same number of eLinks, and compares, one eLink count after another, all that exists there: every variant of the
chip's algorithms and of the codes without network, and every given run with that many eLinks, those of cells also with
their table alone. Modules are those around the hardest clusters of each side of the events 60 to 69 of the file, and
around electrons of generated events (``--generated``). Tables are made of events 0 to 3.

Every measure is turned so that less is better. Its rank correlation with the mean EMD of the same module images is
Spearman's; the error is the spread over 200 resamples of the events, the same for the EMD and for the measure. Both are
given of all, and of the half with the smaller EMD: what anyone would consider.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from econ_ae.app.physics import sample as samples
from econ_ae.app.reconstruction import cells_as_received, reconstruct
from econ_ae.app.run.context import Context, open_run
from econ_ae.data.readers.cms_events import EventsOptions
from econ_ae.data.readers.event_images import SECTIONS
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.emd import emd
from metrics.rivals import AdaptivePrecision, Pools, forms
from metrics.transmitted import transmitted
from metrics.trigger import match, resolution
from metrics.trigger.cells import SIDES, Cells, Places
from metrics.trigger.clusters import Clusters, find_clusters
from metrics.trigger.electrons import Found, find, shifts
from metrics.trigger.generated import FIDUCIAL
from metrics.trigger.kept import KeptClusters, spread
from metrics.trigger.real import LEAST_PAIR_PT
from metrics.trigger.resampling import Events, Resampled

REPORTED, TUNED = range(60, 70), range(4)
CE_E = EventsOptions(section="CE-E")
AROUND, HARDEST = 0.10, 4  # in (x/z, y/z), and clusters of a side, whose modules are sent

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Modules of whole events, the clusters of all cells, and the electrons where they are known."""

    images: WholeEvents
    kept: KeptClusters
    electrons: match.Targets
    whole: Found
    real: bool

    @classmethod
    def of(cls, images: WholeEvents, *, real: bool) -> Sample:
        kept = KeptClusters(images, images.batch.charges)
        found = kept.clusters(images.batch.charges)
        if real:
            electrons = match.pairs(found, len(images.events), LEAST_PAIR_PT)
        else:
            assert images.truth is not None  # it was generated
            every = match.of_truth(images.truth, images.events, "electron")
            electrons = every[(np.abs(every.eta) > FIDUCIAL[0]) & (np.abs(every.eta) < FIDUCIAL[1])]
        if not real:
            electrons = electrons[find(electrons, found).there]
        return cls(images, kept, electrons, find(electrons, found), real)

    def measures(self, charges: Floats) -> dict[str, Resampled]:
        """Return what charges cost, less being better, with resamples of the events."""
        found = self.kept.clusters(charges)
        here = find(self.electrons, found)
        response, of_clusters = self.kept.response(found), Events(self.kept.targets.event)
        of_electrons = Events(self.electrons.event)
        moved = shifts(here, self.whole.eta, self.whole.phi)[2]
        out = {
            "emd": self._emd(charges),
            "clusters: spread of the response": of_clusters.of(spread, response),
            "clusters: 1 - correlation of pT": of_clusters.of(_apart, self.kept.pt(found), self.kept.whole),
            "clusters: lost": of_clusters.of(lambda r: float((r == 0).mean()), response),
            "electrons: spread of the response": of_electrons.of(spread, here.or_zero / self.whole.pt),
            "electrons: |response - 1|": of_electrons.of(
                lambda r: float(abs(r.mean() - 1)), here.or_zero / self.whole.pt
            ),
            "electrons: 1 - correlation of pT": of_electrons.of(_apart, here.or_zero, self.whole.pt),
            "electrons: ... middle 80 %": of_electrons.of(
                lambda a, b: 1 - resolution.middle_correlation(a, b), here.or_zero, self.whole.pt
            ),
            "electrons: moved, mean": of_electrons.of(lambda d: float(np.nanmean(d)), moved),
        }
        if self.real:
            of_pairs = Events(self.electrons.event[0::2])
            out["electrons: resolution, two sides"] = of_pairs.of(
                resolution.two_sided_mean, here.pt[0::2], here.pt[1::2]
            )
        else:
            ratio = here.pt / self.electrons.pt
            out["electrons: resolution, truth"] = of_electrons.of(resolution.relative_width, ratio)
            distance = shifts(here, self.electrons.eta, self.electrons.phi)[2]
            out["electrons: position, truth"] = of_electrons.of(lambda d: float(np.nanmean(d)), distance)
        return out

    def _emd(self, charges: Floats) -> Resampled:
        found = emd(self.images.batch.charges.astype(np.float64), charges, LOW_DENSITY)
        good = found.defined
        return Events(self.images.event[good]).of(lambda x: float(x.mean()), found.values[good])


def _apart(one: Floats, other: Floats) -> float:
    return 1 - resolution.correlation(one, other)


def around_clusters(path: Path) -> WholeEvents:
    """Return the modules around the hardest clusters of each side of the reported events."""
    images = from_npz(path, REPORTED, CE_E)
    parts = []
    for event in images.events:
        rows = np.flatnonzero(images.event == event)
        one = images[rows]
        parts.append(rows[_near(one, _hardest(find_clusters(_cells(one), SIDES)))])
    return images[np.concatenate(parts)]


def _cells(one: WholeEvents) -> Cells:
    return Places(one, one.events).cells(one.batch.charges)


def _hardest(found: Clusters) -> Clusters:
    rows = [np.flatnonzero(found.side == side) for side in range(SIDES)]
    return found[np.concatenate([r[np.argsort(-found.pt[r])][:HARDEST] for r in rows])]


def _near(one: WholeEvents, found: Clusters) -> NDArray[np.bool_]:
    x, y = one.zside * one.x_cm / one.z_cm, one.y_cm / one.z_cm
    radius = 1 / np.sinh(np.abs(found.eta))
    u, v = radius * np.cos(found.phi), radius * np.sin(found.phi)
    away = np.hypot(x[:, None] - u, y[:, None] - v)
    same = (one.zside[:, None] > 0) == (found.side % 2 == 1)
    return np.asarray((same & (away < AROUND)).any(axis=1))


def algorithms(charges: NDArray[np.uint32], links: int, tune: NDArray[np.uint32]) -> Iterator[tuple[str, Floats]]:
    """Yield what has no network: names and charges as received."""
    for one in transmitted(charges, LOW_DENSITY, [links], ("bc", "stc", "ts", "ccc"), tune=tune).reconstructions:
        yield f"{one.algorithm} {one.variant}".strip(), one.charges
    for layout in forms(links):
        code = AdaptivePrecision.trained(layout, Pools(tune))
        yield f"abc {layout.form}", code.decode(code.encode(charges))


def networks(context: Context, images: WholeEvents) -> Iterator[tuple[str, Floats]]:
    """Yield a run's encoder, and of one of cells its table alone."""
    model, name = context.model(), _name(context.run.path)
    yield name, reconstruct(context, model, images.batch).charges
    if model.sends_cells:
        yield f"{name}, table", cells_as_received(context, model, images.batch, by_table=True)


def _name(path: Path) -> str:
    whole = path.resolve()
    return f"{whole.parent.name}/{whole.name}" if whole.name.endswith("elinks") else whole.name


def ranks(measured: dict[str, dict[str, Resampled]]) -> dict[str, tuple[float, float]]:
    """Return Spearman's rank correlation of the EMD with every measure, and its error."""
    rows = list(measured.values())
    out = {}
    for key in rows[0]:
        if key == "emd":
            continue
        pairs = [(r["emd"], r[key]) for r in rows if np.isfinite(r[key].value)]
        values = spearmanr([a.value for a, _ in pairs], [b.value for _, b in pairs]).statistic
        replicas = np.array([[a.replicas for a, _ in pairs], [b.replicas for _, b in pairs]])
        drawn = [spearmanr(*replicas[:, :, i]).statistic for i in range(replicas.shape[2])]
        out[key] = float(values), float(np.nanstd(drawn, ddof=1))
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--elinks", type=int, nargs="*", default=[2, 3, 4, 5])
    parser.add_argument("--generated", type=int, default=40, help="events")
    parser.add_argument("--seed", type=int, default=7, help="of the generated events")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    first, end = SECTIONS["CE-E"]
    made = samples.electrons(args.generated, args.seed, Silent())
    layer = np.asarray(made.batch.metadata["layer"])
    everything = {
        "events 60-69": Sample.of(around_clusters(args.data), real=True),
        "generated": Sample.of(made[(layer >= first) & (layer < end)], real=False),
    }
    tune = from_npz(args.data, TUNED, CE_E).batch.charges
    contexts = [open_run(path, Silent()) for path in args.runs]
    told: dict[str, dict[str, dict[str, object]]] = {}
    for links in args.elinks:
        for name, sample in everything.items():
            charges = sample.images.batch.charges
            measured = {key: sample.measures(found) for key, found in algorithms(charges, links, tune)}
            for context in contexts:
                if context.model().elinks == links:
                    measured |= {key: sample.measures(found) for key, found in networks(context, sample.images)}
            rank = ranks(measured)
            better = sorted(measured, key=lambda key: measured[key]["emd"].value)[: -(-len(measured) // 2)]
            among = ranks({key: measured[key] for key in better})
            told.setdefault(str(links), {})[name] = {
                "images": len(sample.images),
                "clusters": len(sample.kept),
                "electrons": len(sample.electrons),
                "measures": {key: {m: r.value for m, r in row.items()} for key, row in measured.items()},
                "ranks": rank,
                "ranks of the better half by EMD": among,
            }
            _show(f"{links} eLinks, {name}", sample, measured, rank, among)
            if args.out:
                args.out.write_text(json.dumps(told, indent=1))


def _show(
    title: str,
    sample: Sample,
    measured: dict[str, dict[str, Resampled]],
    rank: dict[str, tuple[float, float]],
    among: dict[str, tuple[float, float]],
) -> None:
    print(f"\n{title}: {len(sample.images)} images, {len(sample.kept)} clusters, "
          f"{len(sample.electrons)} electrons, {len(measured)} encoders")  # fmt: skip
    for key, row in sorted(measured.items(), key=lambda item: item[1]["emd"].value):
        print(f"{key:32s}" + "".join(f"{one.value:10.4f}" for one in row.values()), flush=True)
    for key, (value, error) in rank.items():
        half = f"{among[key][0]:6.3f} ± {among[key][1]:.3f}" if key in among else ""
        print(f"  EMD with {key:36s} {value:6.3f} ± {error:.3f}; better half {half}", flush=True)


if __name__ == "__main__":
    main()
