"""The members of a finished campaign: opened, checked, and which of them stands for its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.config.campaign import CampaignConfig, ClassConfig
from econ_ae.errors import ConfigError, RunDirectoryError, did_you_mean
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress
from metrics.emd import emd

FROZEN = ("data", "train", "freeze")
VERIFIED = (*FROZEN, "generate", "verify")


def opened(
    path: Path, progress: Progress, stages: Sequence[str] = FROZEN
) -> tuple[CampaignDirectory, dict[str, Context]]:
    """Return a campaign and its members, which have finished some stages with files that are intact.

    Raises
    ------
    RunDirectoryError
        When it is no campaign, or a member is missing, unfinished, damaged or of another class; names the member and
        the command that mends it.
    """
    campaign = CampaignDirectory.open(path)
    members = {}
    for name in campaign.config.members:
        if not (path / name).is_dir():
            raise RunDirectoryError(f"{path / name} has not begun; {_again(path)}")
        found = Context(campaign.run(name), LOW_DENSITY, progress)
        unfinished = next((stage for stage in stages if not found.run.has(stage)), None)
        if unfinished is not None:
            raise RunDirectoryError(f"{path / name} is unfinished (stage {unfinished!r}); {_again(path)}")
        try:
            found.run.check(*stages)
        except RunDirectoryError as problem:
            raise RunDirectoryError(f"{problem}; or {_again(path)}") from problem
        members[name] = found
    check(campaign.config.classes, members)
    return campaign, members


def _again(path: Path) -> str:
    return f"continue the campaign with: econ-ae campaign --out {path} --resume"


def check(classes: Mapping[str, ClassConfig], members: Mapping[str, Context]) -> None:
    """Make sure that every member is a run on the modules of its own class, with as many eLinks as these have.

    Raises
    ------
    RunDirectoryError
        When one is of another class: its modules would be decoded by another class's graph.
    """
    for klass, settings in classes.items():
        for name in settings.members:
            if name not in members:
                continue
            modules = members[name].config.data.modules
            found = None if modules is None else modules.take
            if found != klass:
                what = f"of class {found!r}" if found else "of no class"
                raise RunDirectoryError(
                    f"class {klass!r} is to be decoded by {members[name].run.path}, which is a run {what}; expected "
                    f"one that was trained on the modules of class {klass!r}"
                )


def picked(config: CampaignConfig, names: Sequence[str] | None) -> list[str]:
    """Return classes that have an encoder: those that are named, or all.

    Raises
    ------
    ConfigError
        When a class does not exist, is named twice, or sends with an algorithm of the chip.
    """
    for name in names or ():
        if name not in config.classes:
            raise ConfigError(
                f"class {name!r} is no class of {config.name}; expected some of {', '.join(config.classes)}"
                f"{did_you_mean(name, config.classes)}"
            )
        if not config.classes[name].members:
            raise ConfigError(
                f"class {name!r} sends with {config.classes[name].algorithm}, an algorithm of the chip: it has no "
                "encoder to train"
            )
    if names is not None and len(set(names)) < len(names):
        raise ConfigError(f"classes {', '.join(names)} name one twice; give each once")
    return list(names) if names else [name for name, one in config.classes.items() if one.members]


def by_seed(members: Sequence[Context]) -> dict[str, float]:
    """Return the mean EMD of validation images by the name of the member."""
    found = {}
    for member in members:
        rows = member.rows("validation")
        sent = reconstruct(member, member.model(), rows)
        found[member.run.path.name] = float(np.mean(emd(rows.charges, sent.charges, LOW_DENSITY).of_defined))
    return found


def chosen(config: CampaignConfig, klass: str, members: Mapping[str, Context]) -> Context:
    """Return the member that stands for a class: the one with the smallest validation EMD."""
    own = [members[name] for name in config.classes[klass].members]
    if len(own) == 1:
        return own[0]
    values = by_seed(own)
    return members[min(values, key=lambda name: values[name])]
