"""A search of the design space: what may be chosen, what counts, and how much it may cost."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from econ_ae.config.family import member
from econ_ae.config.load import changed, parse_as, read
from econ_ae.config.sections import Section
from econ_ae.config.space import Space, Variable, WhenSection
from econ_ae.config.space_check import check
from econ_ae.errors import ConfigError, did_you_mean

UNITS = {
    "area": {"kGE": 1.0, "GE": 1e-3, "MGE": 1e3},
    "registers": {"": 1.0, "bits": 1.0, "bytes": 8.0},
    "latency": {"": 1.0, "clocks": 1.0},
    "elinks": {"": 1.0},
    "bits": {"": 1.0},
}
"""What is known of a point before it is trained, and the units that a limit may be given in; the first is ours."""
MEASURED = ("emd", "power")
"""What is known only after: mean validation EMD in EMD units, power in mW."""
Direction = Literal["minimise", "maximise"]
_LIMIT = re.compile(r"(\w+)\s*(<=|>=)\s*([-+.\deE]+)\s*(\w*)")


@dataclass(frozen=True)
class Limit:
    """A constraint on what is known before a training.

    Parameters
    ----------
    sign : 1 for an upper limit, -1 for a lower one
    value : in our unit of the quantity
    """

    quantity: str
    sign: int
    value: float
    text: str

    def excess(self, value: float) -> float:
        """Return by how much a value breaks the limit, as a share of it; 0 and less where it does not."""
        return self.sign * (value - self.value) / max(abs(self.value), 1.0)


def limit(text: str) -> Limit:
    """Return the constraint that a text such as ``area <= 400 kGE`` says; ValueError when it is none."""
    found = _LIMIT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no constraint; expected for example 'area <= 400 kGE'")
    name, relation, number, unit = found.groups()
    if name not in UNITS:
        raise ValueError(f"{name!r} is not known before a training; expected one of {', '.join(UNITS)}")
    units = UNITS[name]
    if unit not in units:
        raise ValueError(f"{text!r} has unit {unit!r}; expected one of {', '.join(map(repr, units))}")
    try:
        value = float(number) * units[unit]
    except ValueError:
        raise ValueError(f"{number!r} is no number") from None
    return Limit(name, 1 if relation == "<=" else -1, value, text.strip())


class BudgetSection(Section):
    """How much a search may cost, and what makes it repeatable."""

    trials: Annotated[int, Field(ge=1)] = Field(60, description="points that are drawn, refused ones among them")
    generation: Annotated[int, Field(ge=2)] = Field(12, description="points that are asked for before any is told")
    rungs: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] | None = Field(
        None, description="epochs after which points are compared; the last is the whole training (default: it alone)"
    )
    keep: Annotated[float, Field(gt=0, lt=1)] = Field(1 / 3, description="share of a generation that trains on")
    draws: Annotated[int, Field(ge=1)] = Field(40, description="most draws for one place in a generation")
    sampler: Literal["nsga2", "tpe", "random"] = Field("nsga2", description="of Optuna")
    retries: Annotated[int, Field(ge=0)] = Field(2, description="of a trial whose process was lost")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(1, description="of the search; that of the trainings is 'seed'")

    @field_validator("rungs", mode="after")
    @classmethod
    def _rising(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and any(a >= b for a, b in pairwise(value)):
            raise ValueError("expected rising numbers of epochs")
        return value


class SynthesisSection(Section):
    """Which points are synthesised: of those trained in full the ones that the estimate does not rule out."""

    liberty: str | None = Field(
        None, description="cell library beside this file, the one that areas are estimated in; default: --liberty"
    )
    when: Literal["generation", "end"] = Field(
        "generation", description="of every generation, before it is told, or of the front at the end"
    )
    power_events: Annotated[int, Field(ge=0)] = Field(0, description="report events for the power; 0: no power")
    most: Annotated[int, Field(ge=1)] | None = Field(None, description="points of a generation; default: all of them")
    timeout: Annotated[float, Field(ge=1)] | None = Field(None, description="seconds per run of yosys")


class ExploreFile(Section):
    """A file of a search."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="of the search")
    base: str = Field(description="preset, or TOML file beside this one, that every point starts from")
    settings: dict[str, Any] = Field({}, description="tables of settings over the base, for all points")
    space: dict[str, Variable] = Field({}, description="what may be chosen, by dotted key")
    when: tuple[WhenSection, ...] = Field((), description="conditions between variables")
    constraints: tuple[str, ...] = Field((), description="such as 'area <= 400 kGE'")
    objectives: dict[str, Direction] = Field(
        {"emd": "minimise", "area": "minimise"}, description="what counts, with its direction; emd is among them"
    )
    start: tuple[dict[str, Any], ...] = Field(
        (), description="points that are tried first, as values of [space]; what is left out is the base's"
    )
    budget: BudgetSection = BudgetSection()
    synthesis: SynthesisSection | None = Field(None, description="default: nothing is synthesised")


class ExploreConfig(Section):
    """Everything that a search depends on."""

    name: str
    space: Space
    constraints: tuple[str, ...]
    objectives: dict[str, Direction]
    start: tuple[dict[str, Any], ...] = ()
    budget: BudgetSection
    synthesis: SynthesisSection | None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        known = (*MEASURED, *UNITS)
        for name in self.objectives:
            if name not in known:
                raise ValueError(f"objective {name!r} is unknown; expected some of {', '.join(known)}")
        if "emd" not in self.objectives or len(self.objectives) < 2:
            raise ValueError("objectives are emd and one at least of area, registers, latency, elinks, bits, power")
        if "power" in self.objectives and (self.synthesis is None or not self.synthesis.power_events):
            raise ValueError("objective power needs [synthesis] with power_events and liberty")
        if "power" in self.objectives and self.synthesis is not None and self.synthesis.when == "end":
            raise ValueError('objective power needs the synthesis of every generation, not [synthesis] when = "end"')
        limits = self.limits
        for upper in (one for one in limits if one.sign > 0):
            for lower in (one for one in limits if one.sign < 0 and one.quantity == upper.quantity):
                if lower.value > upper.value:
                    raise ValueError(f"{upper.text!r} and {lower.text!r} contradict each other")
        return self

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The constraints."""
        return tuple(limit(text) for text in self.constraints)

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which points are compared, the last the whole training."""
        return self.budget.rungs or (self.space.base.training.epochs,)

    @property
    def identity(self) -> str:
        """Hash of all that a result depends on: not of how many trials there are, nor how often one is repeated."""
        budget = self.budget.model_copy(update={"trials": 1, "retries": 0})
        # Searches were made before there were such keys.
        absent: dict[str, Any] = {} if self.start else {"start": True}
        if self.synthesis is not None and self.synthesis.when == "generation":
            absent["synthesis"] = {"when"}
        text = self.model_copy(update={"budget": budget}).model_dump_json(exclude=absent)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_trials(self, trials: int | None) -> ExploreConfig:
        """Return the search with another number of trials; None leaves it."""
        if trials is None:
            return self
        return self.model_copy(update={"budget": self.budget.model_copy(update={"trials": trials})})

    def with_liberty(self, liberty: Path | None) -> ExploreConfig:
        """Return the search with synthesis into the cells of a library; None leaves it.

        Raises
        ------
        ConfigError
            When there is no such file.
        """
        if liberty is None:
            return self
        if not liberty.is_file():
            raise ConfigError(f"cell library {liberty} does not exist; expected a file (.lib, .lib.gz)")
        own = (self.synthesis or SynthesisSection()).model_copy(update={"liberty": str(liberty.resolve())})
        return self.model_copy(update={"synthesis": own})

    def with_data(self, source: str | None) -> ExploreConfig:
        """Return the search on another file; None leaves it."""
        base = changed(self.space.base, "options", data={"source": source})
        return self.model_copy(update={"space": self.space.model_copy(update={"base": base})})


def load(path: Path) -> ExploreConfig:
    """Return the search that a TOML file describes.

    Raises
    ------
    ConfigError
        When it is wrong: an unknown key or value, an empty space, contradictory constraints, rungs beyond the training.
    """
    raw = read(path)
    if "space" not in raw:
        raise ConfigError(f"{path} holds no search: the search space is empty; give keys in a table [space]")
    file = parse_as(ExploreFile, raw, str(path))
    for text in file.constraints:
        try:
            limit(text)
        except ValueError as problem:
            raise ConfigError(f"{path}: constraints: {problem}") from None
    base = changed(member(file.base, path), f"{path}, settings", **file.settings)
    space = Space(base=base, variables=file.space, when=file.when)
    check(space, str(path))
    given = file.model_dump(mode="json", include={"name", "constraints", "objectives", "budget", "synthesis"})
    start = [space.whole_point(one, f"{path}: point {i} of start") for i, one in enumerate(file.start)]
    own_space = {"space": space.model_dump(mode="json"), "start": start}
    found = parse_as(ExploreConfig, given | own_space, str(path))
    _check_rungs(found, path)
    own = found.synthesis
    return found.with_liberty(None if own is None or own.liberty is None else path.parent / own.liberty)


def _check_rungs(found: ExploreConfig, path: Path) -> None:
    training, rungs = found.space.base.training, found.rungs
    chosen = found.space.keys()
    if len(rungs) > 1 and "training.epochs" in chosen:
        raise ConfigError(f"{path}: training.epochs is searched and budget.rungs compares by epochs; give one")
    if "training.epochs" not in chosen and rungs[-1] != training.epochs:
        raise ConfigError(
            f"{path}: budget.rungs ends with {rungs[-1]} epochs and training.epochs is {training.epochs}; "
            "the last rung is the whole training: give the same"
        )
    several = training.seeds > 1 or training.distill is not None or training.prune is not None
    unpaused = tuple(f"training.{name}" for name in ("seeds", "distill", "prune"))
    if len(rungs) > 1 and (several or any(key.startswith(unpaused) for key in chosen)):
        raise ConfigError(
            f"{path}: budget.rungs stops trainings in between, which training.seeds, distill and prune do not allow; "
            "leave one of them out"
        )


def named_or_file(given: str) -> ExploreConfig:
    """Return a search by its file, or by the name of one that comes with the package."""
    if given.endswith((".toml", ".json")):
        return load(Path(given))
    if given not in searches():
        raise ConfigError(
            f"search {given!r} is unknown; expected a TOML file, or one of {', '.join(searches())}"
            f"{did_you_mean(given, searches())}"
        )
    with resources.as_file(resources.files("econ_ae.config") / "searches" / f"{given}.toml") as path:
        return load(path)


def searches() -> list[str]:
    """Return the names of the searches that come with the package."""
    folder = resources.files("econ_ae.config") / "searches"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))
