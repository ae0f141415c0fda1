"""`econ-ae campaign`: classes of modules trained, frozen and verified in processes of their own, then judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.campaign import members, report, unconditional
from econ_ae.app.family.members import run_members, stages
from econ_ae.app.family.run import open_member
from econ_ae.app.run.directory import Stopwatch, check_free
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.stages import data, modules
from econ_ae.config.campaign import CampaignConfig
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress, waiting
from metrics.transmitted import transmitted

_STEPS = stages("report", "costs")
"""What every member does; the costs of an encoder are those of its run: `econ-ae costs`."""


def run(
    path: Path,
    config: CampaignConfig,
    *,
    overwrite: bool,
    resume: bool,
    progress: Progress,
    jobs: int | None = None,
) -> CampaignDirectory:
    """Do a whole campaign in ``path`` and return its directory.

    Nothing is written before the classes of all modules are known and the tools were found. With ``resume`` what is
    finished is not repeated, and a training that was cut off continues to the same bits.

    Parameters
    ----------
    jobs : members at a time, see ``run_members``

    Raises
    ------
    DataError, ConfigError
        When the map does not fit the data, see ``app.stages.modules``.
    EconAeError
        What stopped a member.
    """
    if resume and path.exists():
        pipeline.check_tools()
        campaign = CampaignDirectory.resume(path, config)
    else:
        check_free(path, overwrite=overwrite)
        with waiting(progress, "classes of all modules"):
            counts = data.class_counts(config.first, LOW_DENSITY)
        _check_algorithms(config)
        for settings in config.members.values():
            pipeline.check_encoder(settings, LOW_DENSITY)
        pipeline.check_tools()
        progress.say("; ".join(f"{name}: {count} images" for name, count in counts.items()))
        campaign = CampaignDirectory.create(path, config, overwrite=overwrite)
    with campaign.lock(progress):
        for name in config.members:
            open_member(campaign, name)
        extra = (("unconditional", unconditional.run),) if config.unconditional else ()
        run_members(campaign, progress, jobs, (*_STEPS, *extra))
        _report(campaign, progress)
    return campaign


def _check_algorithms(config: CampaignConfig) -> None:
    """Raise ConfigError when an algorithm that a class sends with has no frame of its eLinks."""
    few = np.eye(LOW_DENSITY.cells, dtype=np.uint32) + np.uint32(1)
    for name, one in config.classes.items():
        if one.algorithm and not transmitted(few, LOW_DENSITY, [one.elinks], [one.algorithm]).reconstructions:
            raise ConfigError(
                f"class {name!r} sends with {one.algorithm}, which has no frame of {one.elinks} eLinks; choose "
                "another algorithm, or an encoder"
            )


def with_map(config: CampaignConfig) -> CampaignConfig:
    """Return a campaign that knows what its class map says; DataError, ConfigError when the map is wrong."""
    taken = config.first.data.modules
    assert taken is not None  # the campaign gave it
    return config.with_map_hash(modules.class_map(taken).sha256)


def write_report(path: Path, progress: Progress) -> CampaignDirectory:
    """Judge a finished campaign anew and write its report; return its directory.

    Raises
    ------
    RunDirectoryError
        When a member is unfinished or its files are not what it wrote.
    """
    campaign, _ = members.opened(path, progress, members.VERIFIED)
    with campaign.lock(progress):
        _report(campaign, progress, repeat=True)
    return campaign


def _report(campaign: CampaignDirectory, progress: Progress, *, repeat: bool = False) -> None:
    _, found = members.opened(campaign.path, progress, members.VERIFIED)
    for name in found:
        campaign.record_member(name)
    if not repeat and campaign.report_is_done():
        progress.say("report: already done")
        return
    watch = Stopwatch()
    campaign.record_report(report.write(campaign, found, progress), watch.seconds())
