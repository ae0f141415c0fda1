"""All keys of a configuration, read from its classes: for error messages and for the page that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from econ_ae.config.run import FamilyFile
from econ_ae.config.sections import Section

Schema = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One setting.

    Parameters
    ----------
    name : of the key in its table
    allowed : what it may hold
    default : as TOML; empty when it may be left out and then is not set
    description : what it means, with its unit
    """

    name: str
    allowed: str
    default: str
    description: str


@dataclass(frozen=True)
class Table:
    """One table of settings.

    Parameters
    ----------
    header : as in TOML, ``[data.root]`` or ``[[encoder.conv]]``; empty for the keys before all tables
    description : what is set in it
    note : how many of it there are, where that is not one
    same_as : header of the table that has the same keys, when that is listed before
    keys : its settings without tables below it
    """

    header: str
    description: str
    note: str
    same_as: str | None
    keys: tuple[Key, ...]


def names_at(path: Sequence[Any], kind: type[Section] = FamilyFile) -> list[str]:
    """Return the names of the keys in the table at a path of keys; numbers in it count tables of a list.

    Parameters
    ----------
    kind : whose keys
    """
    whole = at = _schema(kind)
    for part in path:
        if isinstance(part, str) and part in at["properties"]:  # names of tables of one kind are no properties
            at = _table_in(at["properties"][part], whole) or at
    return list(at["properties"])


def tables() -> list[Table]:
    """Return all tables with their keys, in the order of the classes."""
    return list(_tables(_schema(FamilyFile), (), {}))


@cache
def _schema(kind: type[Section]) -> Schema:
    return kind.model_json_schema()


def _tables(
    schema: Schema, path: tuple[str, ...], seen: dict[str, str], field: Schema | None = None
) -> Iterator[Table]:
    dotted, field = ".".join(path), field or {}
    header = f"[[{dotted}]]" if field.get("type") == "array" else f"[{dotted}]" if path else ""
    same_as = seen.get(schema["title"])
    seen.setdefault(schema["title"], header)
    fields = schema["properties"]
    below = {name: found for name, value in fields.items() if (found := _table_in(value, _schema(FamilyFile)))}
    keys = tuple(
        Key(name, _allowed(value), _default(value), value["description"])
        for name, value in fields.items()
        if name not in below
    )
    yield Table(header, schema["description"], field.get("description", ""), same_as, keys)
    if same_as is None:
        for name, found in below.items():
            yield from _tables(found, (*path, name), seen, fields[name])


def _table_in(value: Schema, whole: Schema) -> Schema | None:
    """Return the schema of the table that a key holds: directly, in a list, or where it may be left out."""
    for option in value.get("anyOf", [value]):
        reference = option.get("$ref") or option.get("items", {}).get("$ref") or _values_of(option).get("$ref")
        if reference:
            found: Schema = whole["$defs"][reference.rpartition("/")[2]]
            return found
    return None


def _values_of(option: Schema) -> Schema:
    """Return what the tables of a key with names of the user's hold."""
    inner = option.get("additionalProperties", {})
    return inner if isinstance(inner, dict) else {}


def _allowed(value: Schema) -> str:
    """Return what a key may hold in words."""
    options = [option for option in value.get("anyOf", [value]) if option.get("type") != "null"]
    return " or ".join(_one_allowed(option) for option in options)


def _one_allowed(value: Schema) -> str:
    if "enum" in value or "const" in value:
        return ", ".join(json.dumps(choice) for choice in value.get("enum", [value.get("const")]))
    if value["type"] == "array":
        if "prefixItems" in value:
            return f"list of {len(value['prefixItems'])}: {', '.join(_one_allowed(v) for v in value['prefixItems'])}"
        return f"list of: {_one_allowed(value['items'])}"
    words = {"integer": "integer", "number": "number", "string": "text", "boolean": "true, false", "object": "tables"}[
        value["type"]
    ]
    limits = (
        ("minimum", "at least {}"),
        ("exclusiveMinimum", "above {}"),
        ("maximum", "at most {}"),
        ("exclusiveMaximum", "below {}"),
        ("pattern", "that matches `{}`"),
    )
    return " ".join([words, " and ".join(text.format(value[name]) for name, text in limits if name in value)]).strip()


def _default(value: Schema) -> str:
    return "" if value.get("default") is None else json.dumps(value["default"])
