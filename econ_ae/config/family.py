"""A family: several runs on the same data, each on another number of eLinks, of one file of settings."""

from __future__ import annotations

from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from econ_ae.config.load import FAMILY, changed, load_preset, parse_as, presets, read
from econ_ae.config.load import load as load_run
from econ_ae.config.run import FamilyFile, RunConfig
from econ_ae.config.sections import Section
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.geometry import LOW_DENSITY

DEFAULT = "frontier"
"""Settings of the main job."""
SHARED = ("seed", "data", "conditions", "report")
"""What the members have in common: their report rows, and what these are compared with."""


class FamilyConfig(Section):
    """Everything that a family depends on.

    Parameters
    ----------
    members : settings of every run by its directory, in the order of their eLinks
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    members: Annotated[dict[str, RunConfig], Field(min_length=1)]

    @property
    def first(self) -> RunConfig:
        """The first member, which reads the data for all."""
        return next(iter(self.members.values()))

    def changed(self, where: str, **changes: Any) -> FamilyConfig:
        """Return the family with other values in every member, as ``load.changed``."""
        members = {name: changed(config, where, **changes) for name, config in self.members.items()}
        return self.model_copy(update={"members": members})


def families() -> list[str]:
    """Return the names of the families that come with the package."""
    folder = resources.files("econ_ae.config") / "families"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def named(name: str) -> RunConfig | FamilyConfig:
    """Return a preset or a family by its name; ConfigError with a suggestion when there is none."""
    if name in presets():
        return load_preset(name)
    known = [*presets(), *families()]
    if name not in known:
        raise ConfigError(f"preset {name!r} is unknown; expected one of {', '.join(known)}{did_you_mean(name, known)}")
    with resources.as_file(resources.files("econ_ae.config") / "families" / f"{name}.toml") as path:
        return load(path)


def load(path: Path) -> RunConfig | FamilyConfig:
    """Return the settings of a file: of a family where it has the table ``[family]``, else of a run.

    Raises
    ------
    ConfigError
        When it is wrong, a member does not exist, two have one number of eLinks, or their data differ.
    """
    raw = read(path)
    if FAMILY not in raw:
        return load_run(path)
    file = parse_as(FamilyFile, raw, str(path))
    shared = file.model_dump(mode="json", exclude_unset=True, exclude={FAMILY, "name"})
    given = () if file.family is None else file.family.members
    return _family(file.name, [(name, changed(member(name, path), str(path), **shared)) for name in given], path)


def _family(name: str, members: list[tuple[str, RunConfig]], path: Path) -> FamilyConfig:
    for (one, a), (other, b) in combinations(members, 2):
        for section in SHARED:
            if getattr(a, section) != getattr(b, section):
                raise ConfigError(
                    f"{path}: members {one} and {other} have different settings of {section}; a family is compared "
                    f"event by event: give {section} beside [family], for all of them"
                )
    elinks = [(skeleton(config, LOW_DENSITY).elinks, given, config) for given, config in members]
    for (n, one, _), (m, other, _) in combinations(elinks, 2):
        if n == m:
            raise ConfigError(
                f"{path}: members {one} and {other} both send on {n} eLinks; give one of every number of eLinks"
            )
    ordered = sorted(elinks, key=lambda member: member[0])
    return FamilyConfig(name=name, members={f"{n}elinks": config for n, _, config in ordered})


def member(given: str, path: Path) -> RunConfig:
    """Return the settings that the file in ``path`` names: a preset, or a TOML file beside it."""
    if given in presets():
        return load_preset(given)
    if not given.endswith((".toml", ".json")):
        known = presets()
        raise ConfigError(
            f"{path}: member {given!r} is unknown; expected a TOML file, or one of {', '.join(known)}"
            f"{did_you_mean(given, known)}"
        )
    return load_run(path.parent / given)
