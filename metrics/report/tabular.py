"""A page of tables and pictures, for studies whose result is no more than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from metrics.report.render import UNITS, environment
from metrics.statistics import Measured


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads somewhere.

    Parameters
    ----------
    address : relative to the page
    """

    text: str
    address: str


Cell = str | int | float | None | Measured | Link


@dataclass(frozen=True)
class Table:
    """A section of the page.

    Parameters
    ----------
    rows : of equal keys, which are the columns' names; may be empty
    text : before the table
    pictures : ``data:`` addresses by caption
    files : of the pictures as PDF, PNG and CSV, beside the page, without a suffix, by caption
    """

    title: str
    rows: Sequence[Mapping[str, Cell]] = ()
    text: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TablePage:
    """What the page shows.

    Parameters
    ----------
    kind : of study, above the title
    headline : the result, in a sentence or two
    lead : how to read it
    notes : below all tables
    made : date, command and version
    """

    kind: str
    title: str
    synthetic: bool
    headline: str
    lead: str
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    made: Mapping[str, str] = field(default_factory=dict)


def render_tables(page: TablePage) -> str:
    """Return the page as HTML that loads nothing from anywhere."""
    env = environment()
    css = env.loader.get_source(env, "report.css")[0]  # type: ignore[union-attr]
    return env.get_template("tabular.html.j2").render(page=page, css=Markup(css), units=UNITS, kind_of=_kind_of)


def _kind_of(cell: Cell) -> str:
    if isinstance(cell, Measured):
        return "measured"
    if isinstance(cell, Link):
        return "link"
    return "number" if isinstance(cell, int | float) else "text"
