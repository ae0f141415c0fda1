"""`econ-ae physics`: what each algorithm costs in what the trigger sees, on real and on generated events."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from econ_ae.app.physics import algorithms, clusters
from econ_ae.app.physics import sample as samples
from econ_ae.app.physics.encoders import Encoders, read
from econ_ae.app.physics.sample import Sample
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.run.lock import content, lock
from econ_ae.app.run.made import made
from econ_ae.app.run.manifest import versions
from econ_ae.config import ModuleBranchesConfig
from econ_ae.data.readers.cms_events import EventsOptions
from econ_ae.data.readers.event_images import SECTIONS
from econ_ae.data.readers.hits import RootOptions
from econ_ae.data.whole_events import WholeEvents, from_npz, from_ntuple
from econ_ae.errors import ConfigError, DataError, RunDirectoryError
from econ_ae.files import check_writable, sha256, write_json, write_text
from econ_ae.progress import Progress, waiting

if TYPE_CHECKING:
    from metrics.trigger.results import Result
    from metrics.trigger.seen import Seen

PAGE, NUMBERS, TABLE, MANIFEST, PLOTS = "index.html", "physics.json", "measures.csv", "manifest.json", "plots"
ROOT = ".root"
_NTUPLE = RootOptions(modules=ModuleBranchesConfig(sim_energy=""))  # which no measure needs
_MEASURED = "CE-E"
_FEWEST_GENERATED, _PILEUP_SHARE = 20, 40


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Parameters
    ----------
    paths : campaigns, families and runs, may be none
    names : of the algorithms besides these
    data : file of whole events, or an ntuple of modules (.root); None for generated ones alone
    events : first event and the one behind the last; None takes all of the file
    section : ``CE-E`` or ``all``
    generated : events with two electrons; 0 for none
    seed : of the generated events
    experiment : that plots name inside their axes
    """

    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = tuple(algorithms.NAMES)
    data: Path | None = None
    events: tuple[int, int] | None = None
    section: str = "all"
    generated: int = 2000
    seed: int = 1
    experiment: str = ""

    def __post_init__(self) -> None:
        algorithms.check(list(self.names))
        if self.section not in {_MEASURED, "all"}:
            raise ConfigError(f"--section {self.section!r}; expected {_MEASURED}, where electrons are measured, or all")
        if self.events is not None and self.data is None:
            raise ConfigError("--events are those of --data FILE; give both")
        if self.data is None and not self.generated:
            raise ConfigError("nothing to measure on; give --data FILE, or --generated with a number of events")
        if self.generated and self.generated < _FEWEST_GENERATED:
            raise ConfigError(
                f"--generated {self.generated}; expected 0, or at least {_FEWEST_GENERATED} events for a measure"
            )
        if self.transverse and self.paths and self.generated:
            raise ConfigError(
                f"{self.data} holds transverse charges (CALQ), and generated events decoded counts: no encoder is for "
                "both; give --generated 0"
            )
        if self.seed < 1:  # electrons are of twice the seed: 0 would give them the crossings of pileup alone
            raise ConfigError(f"--seed {self.seed}; expected 1 or more")

    @property
    def transverse(self) -> bool:
        """Whether the file is an ntuple, whose charges are CALQ and not counts."""
        return self.data is not None and self.data.suffix == ROOT


@dataclass(frozen=True)
class Measured:
    """What came out.

    Parameters
    ----------
    folder : with the page
    sentences : what each algorithm costs
    results : of the samples
    """

    folder: Path
    sentences: list[str]
    results: list[Result] = field(default_factory=list)


def folder_of(out: Path, *, overwrite: bool) -> Path:
    """Return where the page is written.

    Raises
    ------
    RunDirectoryError
        When it holds something else, or such a page and ``overwrite`` is not set; or cannot be written.
    """
    if out.exists() and (not out.is_dir() or content(out)):
        if not (out / NUMBERS).is_file():
            raise RunDirectoryError(f"{out} holds something else than measures of physics; choose another --out")
        if not overwrite:
            raise RunDirectoryError(f"{out} exists; give --overwrite to replace it, or another --out")
    check_writable(out)
    return out


def run(plan: Plan, out: Path, progress: Progress) -> Measured:
    """Measure, and write the page, its plots, all numbers and a manifest into ``out``.

    Raises
    ------
    DataError, ConfigError, RunDirectoryError
        When a file, a run or an option is wrong; before anything is measured where that can be known.
    """
    from metrics.trigger.verdict import verdict

    watch = Stopwatch()
    encoders = read(plan.paths, progress, transverse=plan.transverse)
    names = dict.fromkeys(("all", *plan.names))
    labels = {name: algorithms.NAMES[name] for name in names} | {one.name: one.name for one in encoders}
    results, notes = [], _notes(plan)
    facts: dict[str, Any] = {"section": plan.section, "seed": plan.seed}
    synthetic = True
    if plan.data is not None:
        images = _read(plan)
        synthetic = images.batch.provenance.synthetic
        results += _real(images, plan, encoders, progress, facts)
        if left_out := _left_out(encoders, results, plan.data.name):
            notes.append(left_out)
            progress.say(left_out)
        facts |= {"data": plan.data.name, "data sha256": images.batch.provenance.sha256[:16]}
        if synthetic:
            notes.append(f"{plan.data.name} was generated: its 'real' events are neither recorded nor fully simulated.")
        if not results:
            notes.append(f"{plan.data.name} has fewer than 3 events with two electrons: nothing is measured on it.")
    if plan.generated:
        results += _generated(plan, encoders, progress, facts)
    if not results:
        raise DataError(f"{plan.data} has fewer than 3 events with two electrons; give others, or --generated")
    sentences = verdict({one.name: one for one in results}, labels)
    facts["seconds"] = round(watch.seconds(), 1)
    for one in encoders:
        facts |= {f"{one.name}: {klass}": text for klass, text in one.facts().items()}
    with lock(out, progress):
        _write(out, labels, results, sentences, facts=facts, notes=notes, synthetic=synthetic, plan=plan)
    return Measured(out, sentences, results)


def _read(plan: Plan) -> WholeEvents:
    assert plan.data is not None
    events = None if plan.events is None else range(*plan.events)
    if plan.transverse:
        images = _in_section(from_ntuple(plan.data, _NTUPLE), plan.section)
        images = images if events is None else images[(images.event >= events.start) & (images.event < events.stop)]
        if not len(images):
            raise DataError(f"{plan.data.name} has no module of these events and section; give others")
        return images
    return from_npz(plan.data, events, EventsOptions(section=plan.section))


def _real(
    images: WholeEvents, plan: Plan, encoders: Sequence[Encoders], progress: Progress, facts: dict[str, Any]
) -> list[Result]:
    """Return the measures of the events of a file: of all, and with the encoders of those that they do not know."""
    from metrics.trigger.real import of_pairs
    from metrics.trigger.results import UNSEEN

    seen = _see("real", images, plan, encoders, progress=progress, facts=facts)
    known: set[int] = set()
    for one in encoders:
        known |= one.saw(images.batch.provenance.sha256)
    count, every = len(images.events), np.ones(len(images.events), np.bool_)
    unseen = ~np.isin(images.events, list(known))
    with waiting(progress, "measures of real events"):
        if unseen.all():
            return _there(of_pairs(seen, count, every))
        facts["real: events that no encoder was trained on"] = int(unseen.sum())
        untrained = {name: one for name, one in seen.items() if name in algorithms.NAMES}
        note = ", those that no encoder was trained or chosen on"
        return _there(of_pairs(untrained, count, every), of_pairs(seen, count, unseen, name=UNSEEN, note=note))


def _left_out(encoders: Sequence[Encoders], results: Sequence[Result], name: str) -> str:
    """Return a sentence where the events of a file measure algorithms and no encoder; empty otherwise."""
    if not results or all(one.name in result.algorithms for one in encoders for result in results[-1:]):
        return ""
    return (
        f"No encoder is measured on {name}: one of them, or its decoder, was trained or chosen on all but fewer than 3 "
        "of its events with two electrons; give other events, or encoders that were trained on others."
    )


def _there(*found: Result | None) -> list[Result]:
    return [one for one in found if one is not None]


def _generated(plan: Plan, encoders: Sequence[Encoders], progress: Progress, facts: dict[str, Any]) -> list[Result]:
    from metrics.trigger.generated import of_truth

    watch = Stopwatch()
    alone = _in_section(samples.pileup(max(4, plan.generated // _PILEUP_SHARE), plan.seed, progress), plan.section)
    electrons = _in_section(samples.electrons(plan.generated, plan.seed, progress), plan.section)
    facts["seconds of generating"] = round(watch.seconds(), 1)
    pileup = _see("pileup alone", alone, plan, encoders, progress=progress, facts=facts)
    truth = electrons.truth
    assert truth is not None  # it was generated
    seen = _see("generated electrons", electrons, plan, encoders, progress=progress, facts=facts)
    with waiting(progress, "measures of generated electrons"):
        return of_truth(seen, truth, electrons.events, pileup, len(alone.events))


def _in_section(images: WholeEvents, section: str) -> WholeEvents:
    if section == "all":
        return images
    first, end = SECTIONS[section]
    layer = np.asarray(images.batch.metadata["layer"], np.int64)
    return images[(layer >= first) & (layer < end)]


def _see(
    what: str,
    images: WholeEvents,
    plan: Plan,
    encoders: Sequence[Encoders],
    *,
    progress: Progress,
    facts: dict[str, Any],
) -> dict[str, Seen]:
    """Return what the trigger sees by algorithm, that of all cells first."""
    maps = [elinks for one in encoders if (elinks := one.elinks_of(images)) is not None]
    if any(not np.array_equal(maps[0], other) for other in maps[1:]):
        raise ConfigError("these campaigns give modules different numbers of eLinks; measure them one at a time")
    sample = Sample(images, maps[0] if maps else samples.elinks_by_layer(images))
    links = np.unique(sample.elinks).tolist()
    algorithms.check_fits(plan.names, links)
    for one in encoders:
        one.check(links)
    progress.say(f"{what}: {len(sample.events)} events, {len(sample)} module images")
    received = {name: algorithms.received(name, sample, progress) for name in dict.fromkeys(("all", *plan.names))}
    received |= {one.name: one.received(sample, progress) for one in encoders}
    seen, _ = clusters.see(sample, received, progress)
    facts[f"{what}: events"], facts[f"{what}: module images"] = len(sample.events), len(sample)
    return seen


def _notes(plan: Plan) -> list[str]:
    out = [
        "Clusters: local maxima of a smoothed (r/z, phi) histogram as in CMSSW; every cell within a radius by layer "
        "goes to the nearest. All numbers and their sources: docs/physics.md.",
        "Tables and thresholds of adaptive precision, companded cells and threshold sum are made of the events of the "
        "other half of a sample.",
        "Where encoders are compared, events that one of them was trained or chosen on are left out for all.",
    ]
    if plan.generated:
        out.append(
            "Pileup around generated electrons is followed within 0.14 in (x/z, y/z) alone, and only modules within "
            "0.10 are sent; clusters of electrons reach no further."
        )
    return out


def _write(
    out: Path,
    labels: Mapping[str, str],
    results: Sequence[Result],
    sentences: list[str],
    *,
    facts: dict[str, Any],
    notes: list[str],
    synthetic: bool,
    plan: Plan,
) -> None:
    from metrics.sheet import Sign, origin
    from metrics.trigger.figures import draw
    from metrics.trigger.page import Drawn, PhysicsPage, render_physics, table_rows, to_csv
    from metrics.trigger.results import GENERATED

    shutil.rmtree(out / PLOTS, ignore_errors=True)  # of other measures
    signs = {one.name: Sign(plan.experiment, origin(synthetic=synthetic or one.events == GENERATED)) for one in results}
    drawn = {
        one.name: [
            Drawn(
                plot.caption,
                draw(plot, labels, out / PLOTS, f"{one.name}-", signs[one.name]),
                f"{PLOTS}/{one.name}-{plot.name}",
            )
            for plot in one.plots
        ]
        for one in results
    }
    page = PhysicsPage("What the trigger sees", synthetic, sentences, labels, results, drawn, facts, notes, made())
    rows = [row for one in results for row in table_rows(one)]
    write_text(out / TABLE, to_csv(rows))
    order = {one.name: [asdict(rank) for rank in one.ranks] for one in results}
    told = {"sentences": sentences, "facts": facts, "notes": notes, "measures": rows, "ranks": order}
    write_json(out / NUMBERS, told)
    write_text(out / PAGE, render_physics(page))
    files = [out / PAGE, out / NUMBERS, out / TABLE, *sorted((out / PLOTS).glob("*"))]
    outputs = {path.relative_to(out).as_posix(): sha256(path) for path in files}
    write_json(out / MANIFEST, {"facts": facts, "versions": versions(), "outputs": outputs})
