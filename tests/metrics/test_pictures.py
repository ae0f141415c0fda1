"""What the report looks like: wide and narrow, light, dark and on paper, compared with kept pictures."""

from __future__ import annotations

import re

import numpy as np
import pytest

from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, flat_image
from metrics.evaluate import evaluate
from metrics.report import build_report, render
from metrics.report.data import SiliconCosts
from metrics.transmitted import transmitted
from rtl_gen.costs.treemap import treemap
from tests.browser import Browser
from tests.pictures import UnlikeError, check

pytestmark = pytest.mark.browser

# Fonts that every machine with matplotlib has need not be known to its browser: pictures are compared blurred.
MADE = {"made": "2026-12-01 03:00 UTC", "command": "econ-ae run --preset econ-t", "econ-ae": "1.0, commit 0123456789ab"}


@pytest.fixture(scope="module")
def page() -> str:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 400, (50, 48)) * (rng.random((50, 48)) < 0.35)
    charges[:, 3] += 1
    near = charges + rng.random(charges.shape) * 60
    sent = transmitted(charges, MODULE, [2, 3, 5], ("bc", "stc")).reconstructions
    compared = [Reconstruction("ae", "", 3, 82, near, 94), flat_image(charges), *sent]
    evaluation = evaluate(charges, compared, MODULE, seed=3, metadata={"layer": np.arange(50) % 3})
    areas = {"dense": 523.6e3, "registers": 300e3, "front end": 62e3}
    return render(
        build_report(
            evaluation,
            charges,
            MODULE,
            title="A run",
            dataset={"synthetic": True, "source": "generated"},
            history={"loss": [1.0, 0.5, 0.4], "val_loss": [1.1, 0.6, 0.5]},
            verification={"events": 5, "mismatches": 0, "latency": 4, "corners": {"zero_sum": 3}},
            model_card={"layers": [{"layer": "conv", "accumulator": "s5.12"}], "sha256": "ab" * 32},
            manifest={"sha256": "cd" * 32},
            costs=[
                SiliconCosts(
                    title="The block in the cells of a library",
                    areas=tuple({"part": part, "kGE": f"{area / 1e3:.1f}"} for part, area in areas.items()),
                    powers=({"part": "dense", "mW": "16.2"},),
                    comparison=({"quantity": "area, mm2", "ECON-T, after layout": "3.6"},),
                    sentences=("a sentence",),
                    treemap=treemap(areas),
                )
            ],
            experiment="Experiment",
            made=MADE,
        )
    )


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_the_page_looks_as_it_did(page: str, browser: Browser, width: int, dark: bool) -> None:
    check(browser.picture(page, width, dark=dark).parts, f"report_{width}_{'dark' if dark else 'light'}")


def test_a_lost_plot_a_swapped_order_or_a_broken_layout_is_seen(page: str, browser: Browser) -> None:
    plots = page.index('<section id="plots">')
    lines = re.sub(r"<use [^>]*>|<path [^>]*>", "", page[plots:])  # the frame is left, with nothing in it
    empty = re.sub(r"<polygon [^>]*>(<title>[^<]*</title>)?(</polygon>)?", "", page)
    second = page.index('<section id="opinions">')
    swapped = page[:second] + page[plots:].replace("</main>", page[second:plots] + "</main>", 1)
    bare = re.sub(r"<style>\s*:root.*?</style>", "", page, count=1, flags=re.DOTALL)
    for broken in (page[:plots] + lines, empty, swapped, bare):
        assert broken != page
        with pytest.raises(UnlikeError):
            check(browser.picture(broken, 1280).parts, "report_1280_light")


def test_on_paper_no_page_is_half_empty_and_no_table_is_cut(page: str, browser: Browser) -> None:
    pages = browser.printed(page)
    assert 3 <= len(pages) <= 8
    assert [filled > 0.5 for filled in map(_filled, pages[:-1])] == [True] * (len(pages) - 1)
    check({f"page {i + 1}": one for i, one in enumerate(pages)}, "report_print")


def _filled(page: object) -> float:
    """Return how far down a page of paper something is printed, as part of its height."""
    rows = np.flatnonzero((np.asarray(page, np.float64).mean(axis=2) < 250).any(axis=1))
    return float(rows[-1] / np.asarray(page).shape[0]) if len(rows) else 0.0


def test_in_a_narrow_window_the_numbers_of_the_encoder_come_first(page: str, browser: Browser) -> None:
    picture = browser.picture(page, 390)
    assert picture.boxes[0][0] == "header"
    body = page[page.index("<body>") :]
    assert body.index('class="key') < body.index('class="headline"') < body.index("<nav")
    narrow = page[page.index("@media (max-width: 560px)") :]
    assert ".far { display: none; }" in narrow
    table = page[page.index('<table class="pivot">') :]
    heads = re.findall(r'<th scope="col" class="num( far)?">([^<]*)</th>', table[: table.index("</thead>")])
    assert heads == [(" far", "2 eLinks"), ("", "3 eLinks"), (" far", "5 eLinks"), (" far", "Other")]
