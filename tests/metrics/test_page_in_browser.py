"""The report page in a real browser: no errors, nothing overflows, the gallery's slider draws what Python would."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, flat_image
from metrics.evaluate import evaluate
from metrics.report import ReportData, build_report, render
from metrics.report.data import SiliconCosts
from metrics.transmitted import transmitted
from metrics.wafer import colour
from rtl_gen.costs.treemap import treemap
from tests.browser import Browser, probe

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def data() -> ReportData:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 400, (60, 48)) * (rng.random((60, 48)) < 0.35)
    charges[:, 3] += 1
    reconstructions = [
        Reconstruction("ae", "", 5, 144, rng.random(charges.shape), 158),
        flat_image(charges),
        *transmitted(charges, MODULE).reconstructions,
    ]
    evaluation = evaluate(charges, reconstructions, MODULE, seed=3, metadata={"layer": np.arange(60) % 3})
    return build_report(
        evaluation,
        charges,
        MODULE,
        title="A run",
        dataset={"synthetic": True, "source": "generated"},
        history={"loss": [1.0, 0.5]},
        verification={"events": 5, "mismatches": 0, "corners": {"zero_sum": 3}},
        model_card={"layers": [{"layer": "conv", "accumulator": "s5.12"}], "sha256": "ab" * 32},
        manifest={"sha256": "cd" * 32},
        streams=transmitted(charges, MODULE, algorithms=["ts"]).streams,
        costs=[
            SiliconCosts(
                title="The block in the cells of a library",
                areas=({"part": "voters and read-out of the registers", "kGE": "172.4", "um2": "137,562"},),
                powers=(),
                comparison=({"quantity": "area, mm2", "scaled to 65 nm, cells": "1.85 (1.21 to 2.33)"},),
                sentences=("longest path through " + "/".join(["layer_dense0", "mac_0", "multiples_of_x"] * 9),),
                treemap=treemap({"dense": 523.6e3, "front end": 62e3}),
            )
        ],
    )


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return render(data)


@pytest.mark.parametrize("width", [1280, 390])
def test_it_loads_without_errors_and_nothing_overflows(page: str, browser: Browser, width: int) -> None:
    opened = page.replace("<details>", "<details open>")
    dom, console = browser.load(opened, frame=width)
    assert console == []
    assert probe(dom) == {"errors": [], "width": width, "scroll": width, "wide": []}


def test_the_page_of_a_family_fits_a_telephone(data: ReportData, browser: Browser) -> None:
    members = tuple(
        {"run": f"{n}elinks", "settings": f"frontier_{n}elinks", "encoder sha256": "ab" * 6} for n in (2, 5)
    )
    family = replace(data, runs=members, pages=("../2elinks/report/index.html", "../5elinks/report/index.html"))
    dom, console = browser.load(render(family), frame=390)
    assert console == []
    assert probe(dom) == {"errors": [], "width": 390, "scroll": 390, "wide": []}


CARD = '<div class="key pass"><span>2 eLinks, 50 bits</span><strong>{}</strong><span>mean EMD; wins</span></div>'


def cards(page: str, number: str) -> str:
    """Return a page with as many cards as the family of the main job has."""
    found, count = re.subn(
        r'<div class="keys">.*?\n</div>',
        f'<div class="keys">{6 * CARD.format(number)}</div>',
        page,
        count=1,
        flags=re.DOTALL,
    )
    assert count == 1
    return found


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_numbers_end_inside_their_cards(page: str, browser: Browser, width: int) -> None:
    dom, _ = browser.load(cards(page, "0.486 ± 0.005"), frame=width)
    assert probe(dom)["wide"] == []
    dom, _ = browser.load(cards(page, "0.486 ± 0.005 " * 3), frame=width)
    assert probe(dom)["wide"] == ["STRONG."] * 6


def test_the_probe_sees_errors_and_overflow(page: str, browser: Browser) -> None:
    broken = page.replace("</main>", '<div style="width: 3000px">x</div></main>').replace("const slider", "const x = y")
    dom, console = browser.load(broken)
    found = probe(dom)
    assert found["wide"] == ["DIV."]
    assert found["errors"]
    assert any("y is not defined" in line for line in console)


def test_the_address_selects_an_event_and_the_cells_get_its_colours(
    page: str, data: ReportData, browser: Browser
) -> None:
    event = data.gallery[7]
    dom, console = browser.load(page, fragment=f"#event={event.event}")
    assert console == []
    start = dom.index('id="gallery"')
    gallery = dom[start : dom.index("gallery-data", start)]
    assert f'data-event="{event.event}"' in gallery
    assert f"{event.title}: event {event.event} (8 of {len(data.gallery)}" in gallery
    shares = [image.charges / image.charges.sum() for image in event.images]
    full = max(float(share.max()) for share in shares)
    expected = [colour(float(s), full) if s > 0 else "#fff" for share in shares for s in share]
    assert re.findall(r'<polygon[^>]* fill="([^"]+)"', gallery) == expected
    assert re.findall(r"EMD (\d\.\d{3})</figcaption>", gallery) == [f"{i.emd:.3f}" for i in event.images[1:]]


def test_slider_and_buttons_move_through_the_events(page: str, data: ReportData, browser: Browser) -> None:
    drive = """<script>
    const at = document.getElementById("gallery-at"), seen = [];
    const look = () => seen.push(Number(document.getElementById("gallery").dataset.event));
    look();
    at.value = 0; at.dispatchEvent(new Event("input")); look();
    document.getElementById("gallery-on").click(); look();
    at.value = at.max; at.dispatchEvent(new Event("input")); look();
    document.getElementById("gallery-back").click(); look();
    document.documentElement.dataset.seen = seen.join(" ");
    at.focus(); document.documentElement.dataset.focus = document.activeElement.id;
    </script></body>"""
    dom, console = browser.load(page.replace("</body>", drive))
    assert console == []
    found = re.search(r'data-seen="([^"]*)"', dom)
    assert found
    events = [e.event for e in data.gallery]
    median = next(e.event for e in data.gallery if e.title == "Median")
    assert [int(n) for n in found[1].split()] == [median, events[0], events[1], events[-1], events[-2]]
    assert 'data-focus="gallery-at"' in dom  # a range input: arrow keys, Home and End come with it


def test_an_unknown_address_shows_the_median(page: str, data: ReportData, browser: Browser) -> None:
    dom, console = browser.load(page, fragment="#event=99999")
    median = next(e.event for e in data.gallery if e.title == "Median")
    assert f'data-event="{median}"' in dom
    assert console == []


def test_without_script_the_default_events_are_there(page: str) -> None:
    assert 'id="gallery" hidden' in page
    drawn = re.findall(r'<div class="card event"><h3>(\w+)', page)
    assert drawn == ["Best", "Median", "Worst"]
