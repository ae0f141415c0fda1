"""Rate and distortion of all algorithms on several samples, beside an ideal entropy coder: tables and a picture.

``python benchmarks/frontier.py [--picture FILE.svg] NAME=RUN ...``: every RUN is the first of an evaluation that was
made by ``econ-ae evaluate RUN RUN... --algorithms ae,stc,bc,ts,abc,ccc --elinks 2,3,4,5``, with several seeds for each
number of eLinks where there are. The ideal coder (``ideal_coder.py``) knows the training rows of that run.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import ideal_coder
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from econ_ae.app.run.context import open_run
from econ_ae.files import write_text
from econ_ae.progress import Silent
from metrics.figure import EMD_LABEL, log_if_wide, new_figure, style_of, to_svg

ELINKS = (2, 3, 4, 5)
OVERHEAD = 14
"""Bits of header and module sum in every frame."""
_EXACT = 1e-9
_TRAINED = 40_000
OPINIONS = {
    "max_found": ("hottest cell found", 1),
    "max_near": ("or a neighbour of it", 1),
    "centroid_shift": ("centroid shift", -1),
    "width_rms": ("change of width, RMS", -1),
    "overlap": ("overlap of charge", 1),
    "spurious": ("charge where none was", -1),
}
"""Second opinions, and whether more is better."""
Row = dict[str, str]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """One evaluation.

    Parameters
    ----------
    results, differences, opinions, responses : rows of the evaluation's tables
    exact : by algorithm, variant and eLinks, share of the images that come back as they were
    bits : what the ideal coder needs for every report image
    """

    name: str
    results: tuple[Row, ...]
    differences: tuple[Row, ...]
    opinions: tuple[Row, ...]
    responses: tuple[Row, ...]
    exact: dict[tuple[str, str, int], float]
    bits: Array

    @classmethod
    def read(cls, name: str, path: Path) -> Sample:
        """Read the evaluation in a run's directory."""
        folder = path / "evaluation"
        names = ("results", "differences", "second_opinions", "response")
        rows = [tuple(csv.DictReader((folder / f"{table}.csv").open())) for table in names]
        values = np.genfromtxt(folder / "emd.csv", delimiter=",", skip_header=1)[:, 2:]
        exact = {key(row): float((column < _EXACT).mean()) for row, column in zip(rows[0], values.T, strict=True)}
        run = open_run(path, Silent())
        train, report = (run.rows(part).charges for part in ("train", "report"))
        bits = ideal_coder.bits(train[:: -(-len(train) // _TRAINED)], report[report.sum(axis=1) > 0])
        return cls(name, *rows, exact, bits)

    def ours(self, elinks: int) -> list[Row]:
        """Return the results of our runs, one per seed."""
        return [row for row in self.results if key(row)[::2] == ("ae", elinks)]

    def others(self, elinks: int) -> list[Row]:
        """Return the results of all other algorithms, the best first."""
        rows = [row for row in self.results if key(row)[2] == elinks and row["algorithm"] != "ae"]
        return sorted(rows, key=lambda row: float(row["emd_mean"]))


def key(row: Row) -> tuple[str, str, int]:
    """Return algorithm, variant and eLinks of a row."""
    return row["algorithm"], row["variant"], int(row["elinks"] or 0)


def summary(samples: list[Sample]) -> None:
    """Print the mean EMD of the seeds, the worst, the best other algorithm, and how sure the difference is."""
    print("| sample | eLinks | seeds | mean | worst | best other | | least significance | lossless | ideal coder |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for sample in samples:
        for links in ELINKS:
            ours = sample.ours(links)
            if not ours:
                continue
            means = [float(row["emd_mean"]) for row in ours]
            best = sample.others(links)[0]
            sigmas = [
                float(row["sigma"] or "-inf")
                for row in sample.differences
                if key(row)[::2] == ("ae", links) and row["other_algorithm"] != "ae"
            ]
            exact = np.mean([sample.exact[key(row)] for row in ours])
            ideal = (sample.bits <= 32 * links - OVERHEAD).mean()
            print(
                f"| {sample.name} | {links} | {len(means)} | {np.mean(means):.4f} | {max(means):.4f} "
                f"| {float(best['emd_mean']):.4f} | {best['name']} {best['variant']} | {max(sigmas):+.0f} "
                f"| {100 * exact:.1f} % | {100 * ideal:.1f} % |"
            )
        print(f"  ideal coder, {sample.name}: {sample.bits.mean():.1f} bits on average, {OVERHEAD} more in a frame")


def second(samples: list[Sample]) -> None:
    """Print every second opinion on our first seed beside the best of all others in the same column."""
    print("\n| sample | eLinks | " + " | ".join(text for text, _ in OPINIONS.values()) + " |")
    print("|---|---|" + "---|" * len(OPINIONS))
    for sample in samples:
        for links in ELINKS:
            if not sample.ours(links):
                continue
            first = key(sample.ours(links)[0])
            mine = next(row for row in sample.opinions if key(row) == first)
            others = [row for row in sample.opinions if key(row)[2] == links and row["algorithm"] != "ae"]
            print(
                f"| {sample.name} | {links} | " + " | ".join(_opinion(mine, others, name) for name in OPINIONS) + " |"
            )


def _opinion(mine: Row, others: list[Row], name: str) -> str:
    sign = OPINIONS[name][1]
    best = max((row for row in others if row[name]), key=lambda row: sign * float(row[name]))
    return _against(mine, best, name, sign)


def _against(mine: Row, best: Row, name: str, sign: int) -> str:
    """Return both values and the difference in errors, positive when we are better; the errors taken as independent."""
    ours, other = float(mine[name]), float(best[name])
    error = np.hypot(float(mine[f"{name}_error"]), float(best[f"{name}_error"]))
    sigmas = sign * (ours - other) / error if error else 0.0
    variant = f" {best['variant']}" if best["variant"] else ""
    return f"{ours:.4f} / {other:.4f} ({best['algorithm']}{variant}) {sigmas:+.1f}"


def responses(samples: list[Sample]) -> None:
    """Print energy out over energy in by class of charge: ours, and the other algorithm that is nearest to 1."""
    classes = list(dict.fromkeys((row["above_mip_t"], row["up_to_mip_t"]) for s in samples for row in s.responses))
    print("\n| sample | eLinks | " + " | ".join(f"{low} to {high or '...'} MIP_T" for low, high in classes) + " |")
    print("|---|---|" + "---|" * len(classes))
    for sample in samples:
        for links in ELINKS:
            if not sample.ours(links):
                continue
            first, cells = key(sample.ours(links)[0]), []
            for limits in classes:
                rows = [
                    r
                    for r in sample.responses
                    if (r["above_mip_t"], r["up_to_mip_t"]) == limits and key(r)[2] == links and r["response"]
                ]
                mine = [row for row in rows if key(row) == first]
                others = [row for row in rows if row["algorithm"] != "ae"]
                cells.append(_nearest(mine[0], others) if mine else "-")
            print(f"| {sample.name} | {links} | " + " | ".join(cells) + " |")


def _nearest(mine: Row, others: list[Row]) -> str:
    best = min(others, key=lambda row: abs(float(row["response"]) - 1))
    name = " ".join(part for part in (best["algorithm"], best["variant"]) if part)
    return f"{float(mine['response']):.3f} / {float(best['response']):.3f} ({name})"


def picture(samples: list[Sample]) -> str:
    """Return the plots as SVG: above the EMD, below the share of images that come back as they were."""
    with new_figure(4.6 * len(samples), 6.6) as (figure, axes):
        axes.remove()
        grid = figure.subplots(2, len(samples), squeeze=False, height_ratios=[3, 2])
        for column, sample in enumerate(samples):
            above, below = grid[:, column]
            _distortion(above, sample)
            _lossless(below, sample)
            above.set_title(sample.name, loc="left", fontsize=11, pad=8)
        grid[0][0].set_ylabel(f"Mean {EMD_LABEL}")
        grid[1][0].set_ylabel("Images without loss")
        handles = {text: line for a in grid.flat for line, text in zip(*a.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
        return to_svg(figure, "rate and distortion of all algorithms")


def _lines(sample: Sample) -> dict[str, list[tuple[float, Row]]]:
    """Return the points to draw by label: the seeds of ours as one line, the best variant of every other algorithm."""
    lines: dict[str, list[tuple[float, Row]]] = {}
    for links in ELINKS:
        seeds, seen = sample.ours(links), set()
        if seeds:
            mean = dict(seeds[0]) | {"emd_mean": str(np.mean([float(row["emd_mean"]) for row in seeds]))}
            lines.setdefault("cells as pulses", []).append((32 * links, mean))
        for row in sample.others(links):
            kind = row["algorithm"] if row["algorithm"] in {"bc", "abc", "ccc", "ts"} else "stc"
            if kind not in seen:
                seen.add(kind)
                lines.setdefault(_NAMES[kind], []).append((float(row["frame_bits"]), row))
    return lines


_NAMES = {
    "bc": "best choice",
    "abc": "adaptive precision",
    "ccc": "companded cells",
    "ts": "threshold sum",
    "stc": "super trigger cells",
}


def _distortion(axes: Axes, sample: Sample) -> None:
    for label, points in _lines(sample).items():
        values = [float(row["emd_mean"]) for _, row in points]
        errors = [float(row["emd_mean_error"]) for _, row in points]
        style = style_of(points[0][1]["algorithm"], "")
        axes.errorbar([bits for bits, _ in points], values, yerr=errors, label=label, **style)
    _vertical(axes, sample)
    log_if_wide(axes, [float(row["emd_mean"]) for points in _lines(sample).values() for _, row in points])


def _lossless(axes: Axes, sample: Sample) -> None:
    payload = np.arange(0, 32 * ELINKS[-1] + 8)
    ideal = [(sample.bits <= bits - OVERHEAD).mean() for bits in payload]
    axes.plot(payload, ideal, color="#444b57", linestyle=":", label="ideal entropy coder")
    for points in _lines(sample).values():
        shares = [sample.exact[key(row)] for _, row in points]
        axes.plot([bits for bits, _ in points], shares, **style_of(points[0][1]["algorithm"], ""))
    _vertical(axes, sample)
    axes.set(xlabel="Bits of a frame, header and sum included", ylim=(-0.02, 1.02))


def _vertical(axes: Axes, sample: Sample) -> None:
    axes.axvline(sample.bits.mean() + OVERHEAD, color="#444b57", linewidth=1.0, label="its mean length")
    axes.set_xlim(30, 32 * ELINKS[-1] + 8)


def main() -> None:
    """Print the tables, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    pairs = [text.partition("=")[::2] for text in arguments.samples]
    samples = [Sample.read(name, Path(run)) for name, run in pairs]
    summary(samples)
    second(samples)
    responses(samples)
    if arguments.picture is not None:
        write_text(arguments.picture, picture(samples))


if __name__ == "__main__":
    main()
