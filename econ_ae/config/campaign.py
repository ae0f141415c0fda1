"""A campaign: an encoder, or an algorithm of the chip, for every class of modules of a detector."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from econ_ae.config.data import CMS, CMS_FRONT, ModulesConfig
from econ_ae.config.family import member
from econ_ae.config.load import CAMPAIGN, FAMILY, changed, parse_as, read
from econ_ae.config.run import FamilyFile, RunConfig
from econ_ae.config.sections import Section
from econ_ae.config.several import CampaignSection, ClassSection
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.geometry import LOW_DENSITY

DEFAULT = "cms"
ALL = "all"
"""What all classes together are called in reports."""


class ClassConfig(Section):
    """What a class of modules sends.

    Parameters
    ----------
    members : of the campaign, one per seed; none where the class sends with an algorithm of the chip
    """

    elinks: int
    algorithm: str | None
    members: tuple[str, ...]


class CampaignConfig(Section):
    """Everything that a campaign depends on.

    Parameters
    ----------
    classes : by name
    members : settings of every run by its directory
    shared : settings that hold for all classes: of the data, the seed and the report
    unconditional : decoders without conditions are trained too
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    map: str
    classes: Annotated[dict[str, ClassConfig], Field(min_length=1)]
    members: Annotated[dict[str, RunConfig], Field(min_length=1)]
    unconditional: bool

    @property
    def first(self) -> RunConfig:
        """The first member, which says what is read of the data."""
        return next(iter(self.members.values()))

    def changed(self, where: str, **changes: Any) -> CampaignConfig:
        """Return the campaign with other values in every member, as ``load.changed``."""
        members = {name: changed(config, where, **changes) for name, config in self.members.items()}
        return self.model_copy(update={"members": members})

    def with_map_hash(self, sha256: str) -> CampaignConfig:
        """Return the campaign with the hash of what its map says in every member."""
        return self.changed("class map", data={"modules": {"sha256": sha256}})


def campaigns() -> list[str]:
    """Return the names of the campaigns that come with the package."""
    folder = resources.files("econ_ae.config") / "campaigns"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def named(name: str, *, seeds: int | None = None) -> CampaignConfig:
    """Return a campaign that comes with the package; ConfigError with a suggestion when there is none."""
    if name not in campaigns():
        raise ConfigError(
            f"campaign {name!r} is unknown; expected a TOML file, or one of {', '.join(campaigns())}"
            f"{did_you_mean(name, campaigns())}"
        )
    with resources.as_file(resources.files("econ_ae.config") / "campaigns" / f"{name}.toml") as path:
        return load(path, seeds=seeds)


def load(path: Path, *, seeds: int | None = None) -> CampaignConfig:
    """Return the campaign of a TOML file.

    Parameters
    ----------
    seeds : trainings per class; None takes what the file says

    Raises
    ------
    ConfigError
        When it is wrong or no campaign, two classes have one name, a class has another number of eLinks than its
        encoder sends, or the classes read different data.
    """
    raw = read(path)
    if CAMPAIGN not in raw or FAMILY in raw:
        raise ConfigError(f"{path} holds no campaign; expected a table [{CAMPAIGN}] with classes")
    file = parse_as(FamilyFile, raw, str(path))
    shared = file.model_dump(mode="json", exclude_unset=True, exclude={FAMILY, CAMPAIGN, "name"})
    section = file.campaign
    if section is None:  # the table is there
        raise ConfigError(f"{path}: {CAMPAIGN} is empty")
    return _campaign(file.name, section, shared, path, seeds or section.seeds)


def _campaign(name: str, section: CampaignSection, shared: dict[str, Any], path: Path, seeds: int) -> CampaignConfig:
    names = [one.name for one in section.classes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path}: class {twice!r} is there twice; give each once")
    if ALL in names:
        raise ConfigError(f"{path}: a class is named {ALL!r}, as the sum of all classes is; choose another name")
    settings = {one.name: _settings(one, shared, path) for one in section.classes}
    elinks = {one.name: _elinks(one, settings[one.name], path) for one in section.classes}
    map_file = section.map if section.map in {CMS, CMS_FRONT} else str(path.parent / section.map)
    members: dict[str, RunConfig] = {}
    classes: dict[str, ClassConfig] = {}
    for one in section.classes:
        own, config = [], settings[one.name]
        for seed in range(seeds) if config is not None else ():
            assert config is not None
            member_name = one.name if seeds == 1 else f"{one.name}-seed{config.seed + seed}"
            modules = ModulesConfig(map=map_file, classes=names, elinks=list(elinks.values()), take=one.name)
            members[member_name] = changed(
                config,
                str(path),
                seed=config.seed + seed,
                data={"modules": modules.model_dump(mode="json")},
                report={"elinks": [elinks[one.name]]},
            )
            own.append(member_name)
        classes[one.name] = ClassConfig(elinks=elinks[one.name], algorithm=one.algorithm, members=tuple(own))
    if not members:
        raise ConfigError(f"{path}: no class has an encoder; a campaign needs one at least")
    _check_same_data(members, path)
    return CampaignConfig(
        name=name, map=map_file, classes=classes, members=members, unconditional=section.unconditional
    )


def _settings(one: ClassSection, shared: dict[str, Any], path: Path) -> RunConfig | None:
    if one.encoder is None:
        return None
    config = changed(member(one.encoder, path), str(path), **shared)
    return changed(config, f"{path}, settings of class {one.name!r}", **one.settings)


def _elinks(one: ClassSection, config: RunConfig | None, path: Path) -> int:
    if config is None:
        assert one.elinks is not None  # its section says so
        return one.elinks
    sends = skeleton(config, LOW_DENSITY).elinks
    if one.elinks not in {None, sends}:
        raise ConfigError(
            f"{path}: class {one.name!r} has {one.elinks} eLinks, but its encoder {one.encoder} sends on {sends}"
        )
    return sends


def _check_same_data(members: dict[str, RunConfig], path: Path) -> None:
    """Raise ConfigError when classes read different images, or divide them differently."""
    told = {name: config.data.model_dump(exclude={"modules", "resample"}) for name, config in members.items()}
    first = next(iter(told))
    for name, data in told.items():
        key = next((key for key in data if data[key] != told[first][key]), None)
        if key is not None:
            raise ConfigError(
                f"{path}: classes {first} and {name} have different settings of data.{key}; give [data] beside "
                "[campaign], for all classes"
            )
