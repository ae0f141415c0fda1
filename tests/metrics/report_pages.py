"""Reports of a small evaluation, and what reads their pages."""

from __future__ import annotations

from collections.abc import Collection
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, flat_image
from metrics.evaluate import Evaluation, evaluate
from metrics.report import ReportData, build_report, render
from metrics.report.data import SiliconCosts
from metrics.transmitted import ALGORITHMS, transmitted
from rtl_gen.costs.treemap import treemap

COSTS = SiliconCosts(
    title="The block in the cells of <x>",
    areas=({"part": "dense", "kGE": "523.6"}, {"part": "all", "kGE": "523.6"}),
    powers=({"part": "dense", "mW": "16.2"},),
    comparison=({"quantity": "area, mm2", "ECON-T, after layout": "3.6"},),
    sentences=("no timing: a reason",),
    treemap=treemap({"dense": 523.6, "front end & more": 62.0}),
)
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and collects what is loaded and what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "action", "data", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "script" not in self.open:
            self.text.append(data)


def images(n: int = 60) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 400, (n, 48)) * (rng.random((n, 48)) < 0.35)
    charges[:, 3] += 1
    charges[7] = 0  # one pair without an EMD
    return charges


def evaluated(
    ae: NDArray[np.float64] | None, charges: NDArray[np.int64], algorithms: Collection[str] = ALGORITHMS
) -> Evaluation:
    reconstructions = [flat_image(charges), *transmitted(charges, MODULE, algorithms=algorithms).reconstructions]
    if ae is not None:
        reconstructions.append(Reconstruction("ae", "", 5, 144, ae, 158))
    metadata = {"layer": np.arange(len(charges)) % 3 + 7, "name": np.array(["x"] * len(charges))}
    return evaluate(charges, reconstructions, MODULE, seed=3, metadata=metadata)


def report(evaluation: Evaluation, charges: NDArray[np.int64], **changes: Any) -> ReportData:
    given: dict[str, Any] = {
        "title": "Run <7> & co",
        "dataset": {"synthetic": False, "source": "sample.csv", "events": len(charges)},
        "history": {"loss": [1.0, 0.5, 0.4], "val_loss": [1.1, 0.6, 0.5], "learning_rate": [1e-3, 1e-3, 5e-4]},
        "verification": {
            "events": 5000,
            "mismatches": 0,
            "simulator": "Icarus Verilog 11",
            "latency": 4,
            "corners": {"latent_saturates": 12, "zero_sum": 0},
        },
        "model_card": {"layers": [{"name": "conv", "accumulator": "s5.12"}], "weights": 2144, "sha256": "ab12"},
        "manifest": {"seed": 3, "versions": {"numpy": "2.1"}},
        "notes": ["A note."],
        "streams": transmitted(charges, MODULE, algorithms=["ts"]).streams,
        "costs": [COSTS],
    }
    return build_report(evaluation, charges, MODULE, **(given | changes))


@pytest.fixture(scope="module")
def losing() -> ReportData:
    charges = images()
    noise = np.random.default_rng(6).random(charges.shape)
    return report(evaluated(noise, charges), charges)


@pytest.fixture(scope="module")
def page(losing: ReportData) -> str:
    return render(losing)


def parse(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline
