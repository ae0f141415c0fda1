"""The main job on a family: the data once, then every member, then the page of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from econ_ae.app import pipeline
from econ_ae.app.family.members import run_members
from econ_ae.app.family.page import write_page
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import MANIFEST, RunDirectory, check_free, clear_unfinished
from econ_ae.app.run.family import FamilyDirectory, SeveralRuns
from econ_ae.app.stages import data
from econ_ae.app.stages.shared import share
from econ_ae.config.family import FamilyConfig
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress


def run(
    path: Path,
    config: FamilyConfig,
    *,
    overwrite: bool,
    resume: bool,
    progress: Progress,
    jobs: int | None = None,
) -> FamilyDirectory:
    """Do the whole main job of every member in ``path`` and return the family's directory.

    As ``pipeline.run``: nothing is written before the data has been read and the tools were found; with ``resume``
    what is finished is not repeated.

    Parameters
    ----------
    jobs : members at a time, see ``run_members``
    """
    if resume and path.exists():
        pipeline.check_tools()
        family, prepared = FamilyDirectory.resume(path, config), None
    else:
        check_free(path, overwrite=overwrite)
        prepared = data.prepare(config.first, LOW_DENSITY, progress)
        for member in config.members.values():
            pipeline.check_settings(member, LOW_DENSITY, prepared.rows)
        pipeline.check_tools()
        progress.say(prepared.title)
        family = FamilyDirectory.create(path, config, overwrite=overwrite)
    with family.lock(progress):
        _share_data(family, prepared, progress)
        run_members(family, progress, jobs)
        write_page(family, progress)
    return family


def _share_data(family: FamilyDirectory, prepared: data.Prepared | None, progress: Progress) -> None:
    """Make the members' directories and give all of them the same rows, read once."""
    members = [Context(open_member(family, name), LOW_DENSITY, progress) for name in family.config.members]
    first = next((member for member in members if member.run.has("data")), None)
    if first is None:
        first = members[0]
        data.write(first, prepared or data.prepare(first.config, LOW_DENSITY, progress))
    first.run.check("data")
    for member in members:
        share(first, member)


def open_member(family: SeveralRuns[Any], name: str) -> RunDirectory:
    """Open the run of a member; make it when it is not there, or was cut off while it was made."""
    path = family.path / name
    if (path / MANIFEST).is_file():
        return family.run(name)
    clear_unfinished(path)
    return RunDirectory.create(path, family.config.members[name])
