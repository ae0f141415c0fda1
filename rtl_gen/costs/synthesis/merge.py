"""Joins the netlists of several runs of yosys, line by line: they are too large to be held as objects.

Every assignment of the Verilog gets one net on its left: OpenSTA reads no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_DECLARATION = re.compile(r"^  (?:wire|input|output|inout) (?:\[(\d+):(\d+)\] )?(\\\S+ |[\w$]+)\s*;")
_JOINED = re.compile(r"^  assign \{ (.*) \} = (.*);$")
_CONSTANT = re.compile(r"^(\d+)'s?([bdh])([0-9a-fxz]+)$")
_SELECT = re.compile(r"^(\\\S+ |[\w$]+)\s*(?:\[(\d+)(?::(\d+))?\])?$")


def write_merged(parts: Sequence[Path], path: Path) -> None:
    """Write netlists as one file; of modules with the same name the first stays."""
    with path.open("w", encoding="utf-8") as stream:
        for line in plain(_without_copies(parts)):
            stream.write(line)


def _without_copies(parts: Sequence[Path]) -> Iterator[str]:
    known: set[str] = set()
    for part in parts:
        keep = True
        with part.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("module "):
                    name = line.split("(", maxsplit=1)[0].split()[1]
                    keep = name not in known
                    known.add(name)
                if keep:
                    yield line


def write_merged_json(parts: Sequence[Path], path: Path) -> None:
    """Write the modules of yosys's JSON netlists as one file; of modules with the same name the first stays."""
    known: set[str] = set()
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{\n  "modules": {\n')
        for part in parts:
            with part.open(encoding="utf-8") as lines:
                for block in _json_modules(lines):
                    if block[0] not in known:
                        stream.write(",\n" if known else "")
                        stream.writelines(block)
                        known.add(block[0])
        stream.write("\n  }\n}\n")


def _json_modules(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines of every module: they start and end at an indentation of four blanks."""
    block: list[str] = []
    for line in lines:
        if not block and re.match(r'    ".*": \{$', line):
            block = [line]
        elif block:
            block.append(line)
            if line.rstrip(",\n") == "    }":
                block[-1] = "    }"
                yield block
                block = []


def plain(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a netlist with one assignment per bit in place of ``assign { ... } = ...;``."""
    widths: dict[str, tuple[int, int]] = {}
    for line in lines:
        if line.startswith("module "):
            widths = {}
        elif declared := _DECLARATION.match(line):
            high, low, name = declared.groups()
            widths[name.strip()] = (int(high or 0), int(low or 0)) if high is not None else (-1, -1)
        elif joined := _JOINED.match(line):
            left = _bits(joined.group(1), widths)
            right = _bits(joined.group(2).strip("{ }"), widths)
            yield from (f"  assign {to} = {source};\n" for to, source in zip(left, right, strict=True))
            continue
        yield line


def _bits(items: str, widths: dict[str, tuple[int, int]]) -> list[str]:
    """Return the bits of a concatenation, most significant first."""
    found: list[str] = []
    for item in (part.strip() for part in items.split(", ")):
        if constant := _CONSTANT.match(item):
            width, base, digits = int(constant.group(1)), constant.group(2), constant.group(3)
            text = digits if base == "b" else f"{int(digits, 10 if base == 'd' else 16):b}"
            found += [f"1'b{bit}" for bit in text.zfill(width)[-width:]]
            continue
        name, high, low = _select(item, widths)
        step = -1 if high >= low else 1
        found += [name] if high < 0 else [f"{name}[{i}]" for i in range(high, low + step, step)]
    return found


def _select(item: str, widths: dict[str, tuple[int, int]]) -> tuple[str, int, int]:
    match = _SELECT.match(item if not item.startswith("\\") or " " in item else item + " ")
    if match is None:
        raise ValueError(f"netlist has the unknown net {item!r}")
    name, first, last = match.groups()
    if first is not None:
        return name, int(first), int(last if last is not None else first)
    high, low = widths[name.strip()]
    return name, high, low
