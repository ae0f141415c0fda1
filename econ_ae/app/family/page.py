"""The page of a family, and the reports of its members: what they are compared with is computed once for all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.headline import EXACT, TRANSMITTED
from econ_ae.app.reconstruction import known_besides
from econ_ae.app.run.context import HEADLINE, REPORT, VERIFICATION, VERIFY, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.run.family import FamilyDirectory
from econ_ae.app.stages import report
from econ_ae.app.studies.compare import run_facts, same_events
from econ_ae.files import write_json, write_text
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress


def contexts(family: FamilyDirectory, progress: Progress) -> dict[str, Context]:
    """Return the runs of a family by the names of its members."""
    return {name: Context(family.run(name), LOW_DENSITY, progress) for name in family.config.members}


def write_page(family: FamilyDirectory, progress: Progress, *, repeat: bool = False) -> None:
    """Write the reports of all members and the page of the family, unless they are done already.

    Parameters
    ----------
    repeat : in any case

    Raises
    ------
    RunDirectoryError
        When a member has not been verified, its files are not what it wrote, or its events are not those of the others.
    """
    members = contexts(family, progress)
    for name in members:
        family.record_member(name)
    if not repeat and family.report_is_done() and all(_is_reported(member) for member in members.values()):
        progress.say("report: already done")
        return
    watch = Stopwatch()
    with family.lock(progress):
        files = _write(family, members, progress, repeat=repeat)
        family.record_report(files, watch.seconds())


def _is_reported(member: Context) -> bool:
    return member.run.is_done("report", member.run.inputs_of(member.run.earlier("report")))


def _write(family: FamilyDirectory, members: dict[str, Context], progress: Progress, *, repeat: bool) -> list[Path]:
    from metrics.report import build_report, render, to_json
    from metrics.report.render import PLOTS
    from metrics.report.rivals import opinions_of
    from metrics.report.tables import emd_csv, headline_table

    first, *_ = runs = list(members.values())
    batch, facts = same_events(runs)
    progress.say("report")
    others = report.evaluate_others(first, batch)
    own = [report.evaluate_own(member, batch) for member in runs]
    whole = others.evaluation
    for evaluation in reversed(own):
        whole = evaluation.beside(whole)
    opinions = opinions_of(whole, np.asarray(batch.charges, np.float64), LOW_DENSITY)
    files = []
    with progress.bar("reports", len(runs) + 1) as bar:
        for member, evaluation in zip(runs, own, strict=True):

            def work(context: Context, evaluation: Any = evaluation) -> list[Path]:
                return report.write(context, batch, evaluation, others, opinions)

            pipeline.run_stage(member, "report", repeat=repeat, work=work)
            files += report.files(member.path(REPORT))
            bar.advance()
        models = [member.model() for member in runs]
        data = build_report(
            whole,
            batch.charges,
            LOW_DENSITY,
            title=f"{family.config.name}: encoders for {_counted([model.elinks for model in models])} eLinks",
            dataset=facts,
            verification=_verification(members),
            manifest=family.manifest().facts() | {"family": family.config.name},
            notes=[
                "Everything is reconstructed from the transmitted bits alone.",
                *(f"{name}: {note}" for name, member in members.items() for note in known_besides(member.config)),
            ],
            ideal=others.ideal,
            streams=others.streams,
            runs=[
                run_facts(name, member, model) for (name, member), model in zip(members.items(), models, strict=True)
            ],
            pages=[f"../{name}/{REPORT}/index.html" for name in members],
            opinions=opinions,
            **report.signed(first.config),
        )
        folder = family.path / REPORT
        table = headline_table(whole, TRANSMITTED) + headline_table(others.ideal, EXACT)
        shutil.rmtree(folder / PLOTS, ignore_errors=True)  # of an earlier report
        write_text(folder / "index.html", render(data, folder))
        write_text(folder / "report.json", to_json(data))
        write_json(folder / HEADLINE, table)
        write_text(folder / "emd.csv", emd_csv(whole))
        bar.advance()
    return [*files, *report.files(folder)]


def _verification(members: dict[str, Context]) -> dict[str, Any]:
    """Return what was simulated of all members together, and a line for each."""
    found = {name: member.json(VERIFY, VERIFICATION) for name, member in members.items()}
    latencies = {result["latency"] for result in found.values()}
    return {
        "events": sum(result["events"] for result in found.values()),
        "mismatches": sum(result["mismatches"] for result in found.values()),
        "simulator": next(iter(found.values()))["simulator"],
        "latency": latencies.pop() if len(latencies) == 1 else None,
        **{
            name: f"{result['events']} events ({result['real_events']} real), {result['mismatches']} mismatches, "
            f"latency {result['latency']} clocks"
            for name, result in found.items()
        },
    }


def _counted(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
