"""The summary page of a retraining: EMD before and after, and what has to be written to the chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from metrics.report.render import UNITS, environment
from metrics.statistics import Measured, PairedDifference

Scalar = str | int | float | None


@dataclass(frozen=True)
class Step:
    """The encoder at one stage of the story.

    Parameters
    ----------
    name : what it is
    mean, median : EMD of its report events
    events, undefined : report events with and without an EMD
    page : its report page, relative to the summary; empty when there is none
    """

    name: str
    mean: Measured
    median: Measured
    events: int
    undefined: int
    page: str = ""


@dataclass(frozen=True)
class BusRow:
    """One way of writing the weights: transactions, data bytes, milliseconds by bus frequency in kHz."""

    name: str
    transactions: int
    size: int
    milliseconds: Mapping[int, float]
    file: str = ""


@dataclass(frozen=True)
class Retraining:
    """What the summary page shows.

    Parameters
    ----------
    synthetic : whether the images were generated
    conditions : in words
    steps : before the conditions, old weights under them, new weights under them
    difference : new minus old weights on the same events
    changed, size, bits : bytes that differ, bytes of the image, bits that differ
    blocks : name, changed bytes, bytes of every weight block
    bus : ways of writing the difference
    rivals : headline rows of the other algorithms under the conditions, at the same eLinks
    facts : the rest, by name
    made : date, command and version
    """

    title: str
    synthetic: bool
    conditions: Sequence[str]
    steps: Sequence[Step]
    difference: PairedDifference
    changed: int
    size: int
    bits: int
    blocks: Sequence[tuple[str, int, int]]
    bus: Sequence[BusRow]
    rivals: Sequence[Mapping[str, Scalar]]
    facts: Mapping[str, Scalar]
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """What the retraining did, in one sentence."""
        significance = abs(self.difference.significance)
        if significance < 2:
            return "Retraining changed the mean EMD by less than two standard errors."
        better = self.difference.mean.value < 0
        advice = "" if better else "; keep the old weights"
        return f"Retraining made the mean EMD {'smaller' if better else 'larger'}{advice}."


def render_retraining(page: Retraining) -> str:
    """Return the summary as one HTML page that loads nothing from anywhere."""
    env = environment()
    css = env.loader.get_source(env, "report.css")[0]  # type: ignore[union-attr]
    return env.get_template("retraining.html.j2").render(page=page, css=Markup(css), units=UNITS)
