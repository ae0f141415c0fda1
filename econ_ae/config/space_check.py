"""What is wrong with a search space, found before anything is drawn."""

from __future__ import annotations

from econ_ae.config.load import parse
from econ_ae.config.space import FREE, Space, WhenSection, merge, put
from econ_ae.errors import ConfigError, did_you_mean


def check(space: Space, where: str) -> None:
    """Raise ConfigError when a space is empty, a key is unknown, a value is refused, or a condition cannot be."""
    if not space.variables:
        raise ConfigError(f"{where}: the search space is empty; give one key at least in [space]")
    for one in space.when:
        _check_condition(space, one, where)
    space.order()
    for name in space.variables:
        _check_variable(space, name, where)
    _check_apart(space, where)
    for one in space.when:
        tree = space.base.model_dump(mode="json")
        merge(tree, one.settings)
        parse(tree, f"{where}: settings of a condition")


def _check_condition(space: Space, one: WhenSection, where: str) -> None:
    for name in (*one.where, *one.use):
        if name not in space.variables:
            raise ConfigError(
                f"{where}: condition on {name!r}, which is no variable of [space]{did_you_mean(name, space.variables)}"
            )
    for name, wanted in one.where.items():
        never = [value for value in wanted if not space.variables[name].takes(value)]
        if never:
            raise ConfigError(f"{where}: condition on {name} = {never[0]!r}, which it never is")


def _check_variable(space: Space, name: str, where: str) -> None:
    """Raise ConfigError when a key is unknown, or a value is none of its."""
    variable = space.variables[name]
    if name.startswith(FREE) and not variable.sets and not any(name in one.where for one in space.when):
        raise ConfigError(f"{where}: {name} sets no key and no condition reads it; leave it out")
    for value in variable.extremes():
        tree = space.base.model_dump(mode="json")
        for one in space.when:
            if name in one.use:
                merge(tree, one.settings)
        for key in space.keys_of(name):
            put(tree, key, value, grow=True)
        parse(tree, f"{where}: {name}")


def _check_apart(space: Space, where: str) -> None:
    """Raise ConfigError when two variables set one key and one of them is always in use: the other had no effect."""
    own: dict[str, str] = {}
    conditional = {name for one in space.when for name in one.use}
    for name in space.variables:
        for key in space.keys_of(name):
            other = own.setdefault(key, name)
            if other != name and not {name, other} <= conditional:
                raise ConfigError(f"{where}: {other} and {name} both set {key}; leave one out, or give both conditions")
