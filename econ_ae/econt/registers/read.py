"""Reads the three published YAML forms of the chip's registers (spec 12)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from econ_ae.econt.config import Algorithm, EcontConfig, Numbering
from econ_ae.econt.registers import facts, flat_form, nested_form
from econ_ae.econt.registers.tree import Tree
from econ_ae.errors import RegisterError
from econ_ae.files import read_text

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_MERGE = "tag:yaml.org,2002:merge"


class _NoDuplicates(_Loader):  # type: ignore[misc, valid-type]  # the C loader where PyYAML has it
    """A safe YAML loader that refuses a key given twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int):
                raise RegisterError(f"line {key_node.start_mark.line + 1}: {key!r} is no register name")
            line = key_node.start_mark.line + 1
            if key in seen:
                raise RegisterError(f"register {key!r} is given twice, in lines {seen[key]} and {line}")
            seen[key] = line
        return super().construct_mapping(node, deep=deep)


def read_config(path: Path) -> EcontConfig:
    """Return the configuration in a register file of any of the three forms.

    Missing registers take the chip's reset values, a missing idle pattern of the flat forms the public emulator's;
    ``EcontConfig.given`` names the fields that the file sets.

    Raises
    ------
    RegisterError
        One line that names the file and the register: unknown, duplicate, out of range, incomplete, or no YAML at all.
    """
    return parse_config(read_text(path, RegisterError, "register YAML"), str(path))


def load_tree(text: str, source: str) -> Tree:
    """Return the mapping in a YAML ``text``, in which no key is given twice; errors name ``source``."""
    try:
        raw = yaml.load(text, Loader=_NoDuplicates)
    except yaml.MarkedYAMLError as problem:
        line = f" in line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise RegisterError(f"{source}: no valid YAML{line} ({problem.problem}); is the file truncated?") from problem
    except yaml.YAMLError as problem:
        raise RegisterError(f"{source}: no valid YAML ({' '.join(str(problem).split())})") from problem
    except ValueError as problem:  # a date that does not exist, an integer of thousands of digits
        raise RegisterError(f"{source}: no valid YAML ({problem})") from problem
    except RegisterError as problem:
        raise RegisterError(f"{source}: {problem}") from problem
    if not isinstance(raw, dict):
        raise RegisterError(f"{source}: expected a mapping of register blocks, got {type(raw).__name__}")
    return Tree(source, raw)


def parse_config(text: str, source: str) -> EcontConfig:
    """Return the configuration in a register file's ``text``; errors name ``source``."""
    tree = load_tree(text, source)
    if nested_form.KEY in tree.raw:
        return _build(source, {}, *nested_form.parse(tree))
    return _build(source, flat_form.DEFAULTS, *flat_form.parse(tree))


def _build(source: str, defaults: dict[str, Any], numbering: Numbering, values: dict[str, Any]) -> EcontConfig:
    for name in ("high_density", "use_sum"):
        if name in values:
            values[name] = bool(values[name])
    if "algorithm" in values:
        values["algorithm"] = Algorithm(values["algorithm"])
    if numbering is Numbering.PROTOTYPE and values.get("stc_type", 0) > facts.PROTOTYPE_STC_TYPE_MAX:
        raise RegisterError(
            f"{source}: register stc_type is {values['stc_type']}; expected 0..{facts.PROTOTYPE_STC_TYPE_MAX} "
            "in prototype numbering (2 bits)"
        )
    try:
        return EcontConfig(numbering=numbering, given=frozenset(values), **(defaults | values))
    except RegisterError as problem:
        raise RegisterError(f"{source}: {problem}") from problem
