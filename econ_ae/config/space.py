"""What a search may choose: variables over the keys of a run's settings, and when each is in use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from econ_ae.config.load import parse
from econ_ae.config.run import RunConfig
from econ_ae.config.sections import Section
from econ_ae.errors import ConfigError, did_you_mean

FREE = "$"
"""Variables that begin with it are no keys: conditions read them, and ``sets`` writes them into keys."""


def _listed(value: Any) -> Any:
    return {"choices": value} if isinstance(value, list | tuple) else value


class VariableSection(Section):
    """What one key may be: a range of numbers, or one of a list; a plain list is that of ``choices``."""

    low: int | float | None = Field(None, description="smallest number of a range, of integers where both ends are")
    high: int | float | None = Field(None, description="largest number of a range")
    step: Annotated[int | float, Field(gt=0)] | None = Field(
        None, description="of a range; default: 1 between integers"
    )
    log: bool = Field(False, description="even in the logarithm")
    choices: tuple[Any, ...] | None = Field(None, description="all values, instead of a range")
    sets: tuple[str, ...] | None = Field(None, description="keys that get the value; default: the one that is named")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        ranged = self.low is not None and self.high is not None
        if ranged == (self.choices is not None) or (self.low is None) != (self.high is None):
            raise ValueError("expected low and high, or a list of choices")
        if self.choices is not None and not self.choices:
            raise ValueError("there is nothing to choose from; give one choice at least")
        if self.choices is not None and not all(map(_plain, self.choices)):
            raise ValueError("expected numbers, texts, true, false, lists or tables, not dates or times")
        if self.choices is not None and len({label(one) for one in self.choices}) < len(self.choices):
            raise ValueError("a choice is given twice")
        if ranged:
            low, high = self.ends
            if low > high:
                raise ValueError("low is above high, so that the range is empty")
            if self.log and (low <= 0 or self.step is not None):
                raise ValueError("log needs low above 0 and no step")
        return self

    @property
    def ends(self) -> tuple[int | float, int | float]:
        """Both ends of a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high

    @property
    def whole(self) -> bool:
        """Tell whether a range is of integers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and not isinstance(self.step, float)

    @property
    def size(self) -> float:
        """How many values there are; infinite between numbers without a step."""
        if self.choices is not None:
            return len(self.choices)
        low, high = self.ends
        if low == high:
            return 1
        step = 1 if self.whole and self.step is None else self.step
        return math.inf if step is None else math.floor((high - low) / step + 1e-9) + 1

    def takes(self, value: Any) -> bool:
        """Tell whether a value may be drawn."""
        if self.choices is not None:
            return _plain(value) and label(value) in map(label, self.choices)
        low, high = self.ends
        kind = int if self.whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            return False
        step = 1 if self.whole and self.step is None else self.step
        return step is None or math.isclose((value - low) / step, round((value - low) / step), abs_tol=1e-9)

    def extremes(self) -> tuple[Any, ...]:
        """Return the values that say whether all are allowed: both ends of a range and one between, or every choice."""
        if self.choices is not None:
            return self.choices
        low, high = self.ends
        if math.isinf(self.size):  # one between tells a key of integers
            return low, low + (high - low) / math.e, high
        return low, low + (int(self.size) - 1) * (self.step or 1)  # a step may not lead to the end


Variable = Annotated[VariableSection, BeforeValidator(_listed)]


class WhenSection(Section):
    """A condition: variables that are used, and settings that hold, only where other variables have some values."""

    where: Annotated[dict[str, tuple[Any, ...]], Field(min_length=1)] = Field(
        description="variables, and the values of each with which the condition holds"
    )
    use: tuple[str, ...] = Field((), description="variables that are used only then")
    settings: dict[str, Any] = Field({}, description="tables of settings that hold then")


class Space(Section):
    """All variables and their conditions over a base of settings."""

    base: RunConfig
    variables: dict[str, VariableSection]
    when: tuple[WhenSection, ...] = ()

    @property
    def size(self) -> float:
        """How many points there are at most, conditions aside."""
        return math.prod(one.size for one in self.variables.values())

    def active(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables that are in use, with their values, in the order of the space."""
        used: dict[str, Any] = {}
        for name in self.order():
            if all(holds(one, used) for one in self.when if name in one.use):
                used[name] = values[name]
        return {name: used[name] for name in self.variables if name in used}

    def config(self, values: Mapping[str, Any], where: str) -> RunConfig:
        """Return the settings of a point.

        Parameters
        ----------
        values : of all variables; those that are not in use do not count

        Raises
        ------
        ConfigError
            When they are no settings of a run.
        """
        used = self.active(values)
        tree = self.base.model_dump(mode="json")
        for one in self.when:
            if holds(one, used):
                merge(tree, one.settings)
        for name, value in used.items():
            for key in self.keys_of(name):
                put(tree, key, value)
        return parse(tree, where)

    def whole_point(self, given: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the values of all variables of a point of which some are given; the others are those of the base.

        Raises
        ------
        ConfigError
            When a value is none that may be drawn, or the base has none that may for a variable in use.
        """
        for name in given:
            if name not in self.variables:
                raise ConfigError(f"{where}: {name!r} is no variable of [space]{did_you_mean(name, self.variables)}")
        tree, found = self.base.model_dump(mode="json"), dict(given)
        for name in (one for one in self.variables if one not in given):
            keys = self.keys_of(name)
            found[name] = get(tree, keys[0]) if keys else None
        wrong = [name for name, variable in self.variables.items() if not variable.takes(found[name])]
        legal = {name: self.variables[name].extremes()[0] if name in wrong else found[name] for name in self.variables}
        used = self.active(legal)
        for name in (one for one in wrong if one in given or one in used):
            whose = "" if name in given else ", which is the base's"
            raise ConfigError(f"{where}: {name} is {found[name]!r}{whose}; expected a value that [space] has")
        return legal

    def keys_of(self, name: str) -> tuple[str, ...]:
        """Return the keys that a variable sets."""
        own = () if name.startswith(FREE) else (name,)
        return self.variables[name].sets or own

    def keys(self) -> set[str]:
        """Return all keys that variables or conditions set."""
        own = {key for name in self.variables for key in self.keys_of(name)}
        return own.union(*(_dotted(one.settings) for one in self.when))

    def order(self) -> list[str]:
        """Return the variables, every one behind those that its conditions read."""
        left, done = dict.fromkeys(self.variables), list[str]()
        while left:
            ready = [n for n in left if not any(set(one.where) & set(left) for one in self.when if n in one.use)]
            if not ready:
                raise ConfigError(f"conditions of {', '.join(left)} depend on each other; expected no circle")
            done += ready
            left = dict.fromkeys(n for n in left if n not in ready)
        return done


def label(value: Any) -> str:
    """Return a value as text that tells it from others."""
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> bool:
    """Tell whether a value of a TOML file is one that settings may hold."""
    if isinstance(value, list | tuple | dict):
        return all(map(_plain, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, str | int | float)


def put(tree: dict[str, Any], key: str, value: Any, *, grow: bool = False) -> None:
    """Set a dotted key in settings; numbers in it count tables of a list, of which the next after the last is made.

    Parameters
    ----------
    grow : make all tables before, too

    Raises
    ------
    ConfigError
        When it goes through something that is no table, or a table of a list is not there.
    """
    at: Any = tree
    *path, last = key.split(".")
    for part in path:
        at = _below(at, part, key, grow=grow)
    if not isinstance(at, dict):
        raise ConfigError(f"{key}: {path[-1]} is no table of settings")
    at[last] = value


def get(tree: Mapping[str, Any], key: str) -> Any:
    """Return what a dotted key is in settings; None where it goes through something that is not there."""
    at: Any = tree
    for part in key.split("."):
        if isinstance(at, list) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        elif isinstance(at, Mapping):
            at = at.get(part)
        else:
            return None
    return at


def _below(at: Any, part: str, key: str, *, grow: bool) -> Any:
    if isinstance(at, list):
        if not part.isdecimal():
            raise ConfigError(f"{key}: {part!r} is no number of a table in a list; expected for example 0")
        number = int(part)
        while len(at) <= number and (grow or len(at) == number):
            at.append({})
        if number >= len(at):
            raise ConfigError(f"{key}: there is no table {number}, the list has {len(at)}")
        return at[number]
    if not isinstance(at, dict):
        raise ConfigError(f"{key}: {part!r} is below something that is no table of settings")
    if at.get(part) is None:
        at[part] = {}
    return at[part]


def holds(one: WhenSection, used: Mapping[str, Any]) -> bool:
    """Tell whether a condition holds with the variables in use."""
    return all(n in used and label(used[n]) in map(label, wanted) for n, wanted in one.where.items())


def _dotted(tree: Mapping[str, Any], before: str = "") -> set[str]:
    found = set[str]()
    for name, value in tree.items():
        found |= _dotted(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name}
    return found


def merge(tree: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Put tables of settings over others."""
    for name, value in changes.items():
        if isinstance(value, Mapping):
            below = tree.get(name)
            tree[name] = dict(below) if isinstance(below, dict) else {}
            merge(tree[name], value)
        else:
            tree[name] = value
