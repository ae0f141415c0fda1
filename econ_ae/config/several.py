"""The sections of files that stand for several runs: a family, and a campaign over the classes of a detector."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from econ_ae.config.data import CMS
from econ_ae.config.sections import Section


class FamilySection(Section):
    """The runs of a family; the file's other keys are set in all of them, over what they have themselves."""

    members: Annotated[tuple[str, ...], Field(min_length=2)] = Field(
        description="presets, or TOML files beside this one, on the same data and on different numbers of eLinks"
    )


class ClassSection(Section):
    """One class of modules."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="in the class map, and of its directory")
    encoder: str | None = Field(None, description="preset, or TOML file of settings, of its encoder")
    algorithm: Literal["bc", "stc", "ts", "abc", "ccc"] | None = Field(
        None, description="what its modules send where they have no encoder of ours"
    )
    elinks: Annotated[int, Field(ge=1, le=13)] | None = Field(
        None, description="of its modules; default: what the encoder sends"
    )
    settings: dict[str, Any] = Field({}, description="tables of settings that only this class has")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.encoder is None) == (self.algorithm is None):
            raise ValueError("expected one of encoder and algorithm")
        if self.algorithm is not None and (self.elinks is None or self.settings):
            raise ValueError("a class with an algorithm needs elinks, and has no settings")
        return self


class CampaignSection(Section):
    """Every class of modules of a detector, in one directory."""

    map: Annotated[str, Field(min_length=1)] = Field(
        CMS, description="'cms', 'cms-front', or a CSV or JSON file that says which module is in which class"
    )
    classes: Annotated[tuple[ClassSection, ...], Field(min_length=1)] = Field(description="all classes of the map")
    seeds: Annotated[int, Field(ge=1)] = Field(
        1, description="trainings per class with this and the following seeds; the smallest validation EMD wins"
    )
    unconditional: bool = Field(
        True, description="also train a decoder without conditions for every encoder whose decoder has some"
    )
