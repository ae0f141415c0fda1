"""What a report holds: plain frozen data, complete before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from econ_ae.geometry import WaferGeometry
from metrics.physics import SecondOpinions
from metrics.plots import Series
from metrics.sheet import Sign
from metrics.statistics import PairedDifference, Summary
from metrics.threshold import ThresholdStream

Scalar = str | int | float | bool | None
Table = Mapping[str, Scalar]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class HeadlineRow:
    """One algorithm at one eLink count.

    Parameters
    ----------
    algorithm, variant, name, detail, elinks, bits : as in ``metrics.baselines.Reconstruction``
    frame_bits : bits that the frame fills, everything included, mean per crossing
    best : whether no row of the same eLink count has a smaller mean EMD; a row that loses events is never best
    tied : whether the paired difference from the best row is below two standard errors
    lost : events with charge that the receiver has no image of; their EMD is undefined
    opinions : what else is known about the reconstruction; None when it was not asked
    """

    algorithm: str
    variant: str
    name: str
    detail: str
    elinks: int | None
    bits: int | None
    frame_bits: float | None
    summary: Summary
    best: bool
    tied: bool
    lost: int
    opinions: SecondOpinions | None


@dataclass(frozen=True)
class Comparison:
    """An autoencoder against another algorithm, or another run's autoencoder, on the same events.

    Parameters
    ----------
    ae, other : their mean EMDs are those of the headline table
    difference : EMD of the autoencoder minus EMD of the other
    leading : whether ``other`` is the best variant of its kind (best choice, super trigger cells, threshold sum)
    """

    ae: HeadlineRow
    other: HeadlineRow
    difference: PairedDifference
    leading: bool = True


@dataclass(frozen=True, eq=False)
class ProfileSet:
    """What several algorithms do against one variable.

    Parameters
    ----------
    name, label : of the variable
    classes : the bins' values when the variable is a class, for example a layer; else empty
    """

    name: str
    label: str
    classes: tuple[int, ...]
    series: tuple[Series, ...]


class Distribution(NamedTuple):
    """EMD of every defined pair of one algorithm, float64 (pairs,)."""

    algorithm: str
    variant: str
    label: str
    values: FloatArray


@dataclass(frozen=True, eq=False)
class EventImage:
    """One image of an event: the input (``emd`` None) or a reconstruction of it."""

    title: str
    charges: FloatArray
    emd: float | None


@dataclass(frozen=True, eq=False)
class WaferEvent:
    """An event to show.

    Parameters
    ----------
    title : why this event, for example ``median``
    event : row among the evaluated events
    occupancy, total : of the input, cells and CALQ counts
    images : input first
    """

    title: str
    event: int
    occupancy: int
    total: float
    images: tuple[EventImage, ...]


@dataclass(frozen=True)
class Verification:
    """Outcome of the bit-for-bit comparison of the generated hardware with the emulator.

    Parameters
    ----------
    events, mismatches : compared events, and how many differed in any bit
    simulator : name and version
    latency : clocks from input to output
    corners : how often the stimulus hit each arithmetic corner
    details : anything else worth a line
    """

    events: int
    mismatches: int
    simulator: str
    latency: int | None
    corners: Mapping[str, int]
    details: Table

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.events > 0 and self.mismatches == 0


@dataclass(frozen=True)
class ModelCard:
    """The encoder: one table row per layer, and facts about the whole."""

    layers: tuple[Table, ...]
    facts: Table


@dataclass(frozen=True)
class SiliconCosts:
    """What the hardware costs in silicon, before layout; every value is text, ready to show.

    Parameters
    ----------
    title : what was synthesised into which cells
    areas : a row per part and one for the whole
    powers : the same in mW; may be empty
    comparison : rows with the columns measured, scaled and published, which are never mixed
    sentences : which text it is of, timing, activity, and what is missing and why
    treemap : of the areas, SVG
    parts : areas in GE by name, what the treemap shows; may be empty
    """

    title: str
    areas: tuple[Table, ...]
    powers: tuple[Table, ...]
    comparison: tuple[Table, ...]
    sentences: tuple[str, ...]
    treemap: str
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything in a report.

    Parameters
    ----------
    title : of the page
    synthetic : the evaluated events were generated, not recorded or simulated by an experiment
    dataset : facts about the evaluated events
    rows : the headline table
    comparisons : every autoencoder against every other algorithm at the same eLinks
    run_comparisons : the autoencoders of several runs against each other
    gallery : some tens of events in order of the EMD, for a slider; ``events`` are the ones shown without it
    streams : how the threshold sum used its links
    runs : facts about each compared run; empty in the report of a single run
    costs : what the hardware costs in silicon, by cell library
    no_costs : why there are none, or why some are left out; may be empty
    history : training curves, one number per epoch; empty when the run did not train
    verification : None when the generated hardware was not simulated
    model : None when there is no encoder to describe
    manifest : how to reproduce the run
    notes : remarks, one sentence each
    pages : of a family of runs the addresses of their own pages, in the order of ``runs``; else empty
    sign : what its plots say of themselves
    made : date, command and version that the page was made by and with
    ideal : rows of receivers that know every sent charge exactly, to compare with figures quoted that way; may be empty
    """

    title: str
    synthetic: bool
    dataset: Table
    rows: tuple[HeadlineRow, ...]
    comparisons: tuple[Comparison, ...]
    profiles: tuple[ProfileSet, ...]
    distributions: tuple[Distribution, ...]
    events: tuple[WaferEvent, ...]
    history: Mapping[str, tuple[float, ...]]
    verification: Verification | None
    model: ModelCard | None
    manifest: Table
    notes: tuple[str, ...]
    geometry: WaferGeometry
    ideal: tuple[HeadlineRow, ...] = ()
    run_comparisons: tuple[Comparison, ...] = ()
    gallery: tuple[WaferEvent, ...] = ()
    streams: tuple[ThresholdStream, ...] = ()
    runs: tuple[Table, ...] = ()
    costs: tuple[SiliconCosts, ...] = ()
    no_costs: str = ""
    pages: tuple[str, ...] = ()
    sign: Sign = field(default_factory=Sign)
    made: Table = field(default_factory=dict)
