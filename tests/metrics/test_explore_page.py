"""The page of a search in a real browser: what it draws, what its filters leave, what its button copies."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from metrics.report.explore import ExplorePage, render_explore
from tests.browser import Browser, probe

pytestmark = pytest.mark.browser


def trial(number: int, state: str, emd: float | None, **more: Any) -> dict[str, Any]:
    area = 100.0 + 40 * number
    known = {"area": area, "area_error": 0.1, "registers": 900.0, "latency": 8.0, "elinks": 2.0, "bits": 50.0}
    rungs = [] if emd is None else [{"rung": 0, "epochs": 1, "emd": emd + 0.2, "error": 0.01, "seconds": 1.0}]
    if state == "trained":
        rungs.append({"rung": 1, "epochs": 9, "emd": emd, "error": 0.01, "seconds": 9.0})
    return {
        "trial": number,
        "generation": 0,
        "state": state,
        "reason": "area is 900; wanted: area <= 400 kGE" if state == "refused" else "",
        "values": {"cells.most_cells": 4 * number + 4, "cells.merge": number % 2 == 0, "training.learning_rate": 3e-3},
        "known": known,
        "emd": emd,
        "area": area,
        "measured": number == 0,
        "figures": {"emd": emd, "area": area, "power": None, "registers": 900.0},
        "rungs": rungs,
        "front": state == "trained",
        "toml": f'name = "point{number}"\n[cells]\nmost_cells = {4 * number + 4}  # "<&>"\n',
    } | more


PAGE = ExplorePage(
    title="cells: search of the design space",
    synthetic=False,
    headline="6 points drawn.",
    front=[{"trial": "0000", "EMD": "0.5000 ± 0.0100", "kGE": "100.0"}, {"trial": "0002", "EMD": "0.3", "kGE": "180"}],
    variables=["cells.most_cells", "cells.merge", "training.learning_rate"],
    importance={"EMD": {"cells.most_cells": 0.75, "cells.merge": 0.25}, "area": {"cells.most_cells": 1.0}},
    facts={"base": "frontier_2elinks", "constraints": "area <= 400 kGE"},
    drawn={
        "axes": {"area": "area, kGE", "power": "power, mW"},
        "trials": [
            trial(0, "trained", 0.5),
            trial(1, "stopped", 0.9),
            trial(2, "trained", 0.3),
            trial(3, "refused", None),
            trial(4, "failed", None),
        ],
        "rivals": [{"name": "best choice", "elinks": 2, "validation": 1.1, "report": 1.0, "error": 0.01}],
        "chip": {"area": 2500.0, "power": 95.0},
    },
)


def data_of(dom: str, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', dom)
    assert found
    return html.unescape(found[1])


def driven(browser: Browser, script: str) -> str:
    drive = f"<script>(async () => {{ {script} }})();</script></body>"
    dom, console = browser.load(render_explore(PAGE).replace("</body>", drive))
    assert console == []
    return dom


@pytest.mark.parametrize("width", [1280, 390])
def test_it_loads_without_errors_and_nothing_overflows(browser: Browser, width: int) -> None:
    dom, console = browser.load(render_explore(PAGE), frame=width)
    assert console == []
    assert probe(dom) == {"errors": [], "width": width, "scroll": width, "wide": []}


def test_a_search_without_results_has_a_page_too(browser: Browser) -> None:
    drawn = {"axes": PAGE.drawn["axes"], "trials": [], "rivals": [], "chip": {}}
    dom, console = browser.load(render_explore(replace(PAGE, front=[], importance={}, drawn=drawn)))
    assert console == []
    assert "No point is trained in full yet" in dom


def test_trained_and_stopped_points_are_drawn_with_the_algorithms_and_the_chip(browser: Browser) -> None:
    dom = driven(browser, "")
    front = dom[dom.index('id="front-plot"') : dom.index('id="parallel"')]
    assert re.findall(r'<circle[^>]*data-trial="(\d+)"', front) == ["0", "1", "2"]
    assert "best choice, 2 eLinks" in front
    assert "published chip" in front
    parallel = dom[dom.index('id="parallel-plot"') : dom.index('id="importance"')]
    assert parallel.count("<polyline") == 3
    curves = dom[dom.index('id="curves-plot"') : dom.index('id="trials"')]
    assert curves.count("<polyline") == 3


def test_filters_leave_what_they_say(browser: Browser) -> None:
    dom = driven(
        browser,
        """
        const seen = [];
        const look = (id, value) => {
          for (const name of ["state", "text", "emd", "area"]) document.getElementById(`filter-${name}`).value = "";
          const field = document.getElementById(id);
          field.value = value; field.dispatchEvent(new Event("input"));
          const cells = [...document.querySelectorAll("#trials-table tbody tr td:first-child")];
          seen.push(cells.map((cell) => Number(cell.textContent)).join("+"));
        };
        look("filter-text", ""); look("filter-state", "front"); look("filter-state", "refused");
        look("filter-text", "merge=true most_cells=12"); look("filter-text", "wanted"); look("filter-emd", "0.4");
        look("filter-area", "140");
        document.documentElement.dataset.seen = seen.join(" ");
        """,
    )
    assert data_of(dom, "seen").split() == ["0+1+2+3+4", "0+2", "3", "2", "3", "2", "0+1"]


def test_the_button_copies_the_settings_of_its_point(browser: Browser) -> None:
    dom = driven(
        browser,
        """
        document.querySelector('#front button[data-trial="2"]').click();
        await new Promise((resolve) => setTimeout(resolve, 300));
        """,
    )
    assert data_of(dom, "copied") == PAGE.drawn["trials"][2]["toml"]


def test_another_axis_is_drawn_when_it_is_chosen(browser: Browser) -> None:
    dom = driven(
        browser,
        'const x = document.getElementById("front-x"); x.value = "power"; x.dispatchEvent(new Event("change"));',
    )
    front = dom[dom.index('id="front-plot"') : dom.index('id="parallel"')]
    assert "no point has it yet" in front
