"""The page of a search: everything that is drawn is drawn in the browser, from JSON in the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from metrics.report.render import UNITS, environment


@dataclass(frozen=True)
class ExplorePage:
    """What the page shows.

    Parameters
    ----------
    headline : where the search is, in a sentence or two
    front : rows of the table of the front, with the key ``trial``
    variables : names, in the order of the space
    importance : by what is explained, the share of every variable
    facts : of the search
    drawn : what the script draws: trials, axes, rivals, chip
    made : date, command and version
    files : of the front as PDF, PNG and CSV, beside the page, without a suffix; empty where there are none
    """

    title: str
    synthetic: bool
    headline: str
    front: Sequence[Mapping[str, str]]
    variables: Sequence[str]
    importance: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, str]
    drawn: Mapping[str, Any]
    made: Mapping[str, str] = field(default_factory=dict)
    files: str = ""


def render_explore(page: ExplorePage) -> str:
    """Return the page as HTML that loads nothing from anywhere."""
    env = environment()
    names = ("report.css", "explore.css", "explore.js")
    css, own_css, script = (Markup(env.loader.get_source(env, name)[0]) for name in names)  # type: ignore[union-attr]
    text = json.dumps({**page.drawn, "variables": list(page.variables)}, allow_nan=False)
    # In a script element only what could end it, or begin a comment, has to be written otherwise.
    data = Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
    return env.get_template("explore.html.j2").render(
        page=page, css=css, own_css=own_css, script=script, data=data, units=UNITS
    )
