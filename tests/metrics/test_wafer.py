"""Wafer displays: every cell once, colours by share, one scale per row."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.wafer import Display, colour, wafer_row, wafer_svg


def test_every_cell_is_drawn_once_with_its_charge() -> None:
    charges = np.arange(48.0)
    svg = ET.fromstring(wafer_svg(charges, MODULE))
    titles = [t.text or "" for t in svg.iter("{http://www.w3.org/2000/svg}title")]
    found = {int(m[1]): float(m[2]) for t in titles if (m := re.match(r"TC (\d+): (\S+) ", t))}
    assert found == dict(enumerate(charges))


def test_cells_lie_inside_the_view_and_do_not_overlap_in_area() -> None:
    svg = ET.fromstring(wafer_svg(np.ones(48), MODULE))
    width, height = (float(v) for v in svg.attrib["viewBox"].split()[2:])
    corners = np.array(
        [
            [[float(v) for v in p.split(",")] for p in polygon.attrib["points"].split()]
            for polygon in svg.iter("{http://www.w3.org/2000/svg}polygon")
        ]
    )
    assert corners.min() >= 0
    assert corners[..., 0].max() <= width
    assert corners[..., 1].max() <= height
    x, y = corners[..., 0], corners[..., 1]
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1))
    np.testing.assert_allclose(area, 2 * np.sqrt(3) * 12**2, rtol=0.01)  # four sensor cells, a unit apart


def test_colours_get_darker_with_the_share() -> None:
    brightness = [sum(int(colour(f, 1.0)[i : i + 2], 16) for i in (1, 3, 5)) for f in np.linspace(0, 1, 20) ** 2]
    assert all(a > b for a, b in pairwise(brightness))


def test_a_row_shares_its_scale_and_escapes_text() -> None:
    one, two = np.zeros(48), np.zeros(48)
    one[0] = 5
    two[[0, 1]] = 7
    row = wafer_row([Display("<input>", "a & b", one), Display("out", "EMD 1.000", two)], MODULE)
    assert "&lt;input&gt;" in row
    assert "a &amp; b" in row
    fills = re.findall(r'fill="(#[0-9a-f]{6})" stroke="#fff"', row)
    assert fills == [colour(1.0, 1.0), colour(0.5, 1.0), colour(0.5, 1.0)]
    assert "100 %" in row


def test_an_empty_image_is_drawn_empty() -> None:
    assert wafer_svg(np.zeros(48), MODULE).count('fill="#fff"') == 48


def test_errors() -> None:
    with pytest.raises(DataError, match=r"takes \(48,\) charges, not \(47,\)"):
        wafer_svg(np.ones(47), MODULE)
    with pytest.raises(DataError, match="finite charges"):
        wafer_svg(np.full(48, np.nan), MODULE)
    with pytest.raises(DataError, match="at least one image"):
        wafer_row([], MODULE)
