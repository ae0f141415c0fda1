"""The page of a campaign: what every class should send, tables of the detector, maps of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from metrics.detector.tables import Difference, Row
from metrics.report.render import UNITS, environment
from metrics.statistics import Measured

Scalar = str | int | float | None


@dataclass(frozen=True)
class Recommendation:
    """What a class of modules should send.

    Parameters
    ----------
    name, elinks : of the class
    algorithm : with the smallest mean EMD of validation images
    runner_up : the next one there
    difference : EMD of the algorithm minus EMD of the runner-up on report images; None when one is not defined
    modules, images : of the report
    verified : what was simulated of the class's encoder
    page : of the class, beside this page
    """

    name: str
    elinks: int
    algorithm: str
    runner_up: str
    difference: Measured | None
    modules: int
    images: int
    verified: str
    page: str

    @property
    def significance(self) -> float:
        """The difference in its errors; negative when the recommendation holds on the report images."""
        if self.difference is None or not self.difference.error:
            return 0.0
        return self.difference.value / self.difference.error


@dataclass(frozen=True)
class Detector:
    """What the page shows.

    Parameters
    ----------
    verdict : what the mixture gives, in one sentence or two
    algorithms : columns of the tables, in order
    groups : tables of means by title
    differences : ours against others by class
    conditions : decoder with conditions against one without, by class; may be empty
    maps : pictures as ``data:`` addresses by caption
    facts : the rest
    files : of the maps as PDF, PNG and CSV, beside the page, without a suffix, by caption
    made : date, command and version
    """

    title: str
    synthetic: bool
    verdict: str
    recommendations: Sequence[Recommendation]
    algorithms: Sequence[str]
    groups: Mapping[str, Sequence[Row]]
    differences: Sequence[Difference]
    conditions: Sequence[Difference]
    maps: Mapping[str, str]
    facts: Mapping[str, Scalar]
    notes: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


def render_detector(page: Detector) -> str:
    """Return the page as HTML that loads nothing from anywhere."""
    env = environment()
    css = env.loader.get_source(env, "report.css")[0]  # type: ignore[union-attr]
    return env.get_template("detector.html.j2").render(page=page, css=Markup(css), units=UNITS)
