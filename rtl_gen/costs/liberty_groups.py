"""A Liberty file as the tree of groups that it is: fast, and complete where power needs it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from econ_ae.errors import ConfigError

_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|\\\s*\n|\s+|"(?P<string>[^"]*)"|(?P<mark>[(){}:;,])|(?P<word>[^\s"(){}:;,]+)', re.S
)
_NUMBERS = re.compile(r"[^\s,\\]+")
_GZIP = b"\x1f\x8b"


@dataclass
class Group:
    """One group ``kind (names) { ... }``.

    Parameters
    ----------
    kind : ``library``, ``cell``, ``pin``, ``internal_power``, ...
    names : what stands in the parentheses
    simple : values of ``name : value ;``; the last one where a name is repeated
    complex : values of every ``name (value, value, ...) ;`` by name
    groups : the groups inside, in order
    """

    kind: str
    names: tuple[str, ...]
    simple: dict[str, str] = field(default_factory=dict)
    complex: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def of(self, *kinds: str) -> Iterator[Group]:
        """Return the groups inside of these kinds."""
        return (group for group in self.groups if group.kind in kinds)

    def numbers(self, name: str) -> list[float]:
        """Return the numbers of an attribute ``name ("1, 2", "3, 4") ;``, none without it."""
        return [
            float(x) for values in self.complex.get(name, [])[-1:] for text in values for x in _NUMBERS.findall(text)
        ]

    @property
    def name(self) -> str:
        """What stands first in the parentheses, or nothing."""
        return self.names[0] if self.names else ""


def read_text(path: Path) -> str:
    """Return the text of a Liberty file, also a gzipped one.

    Raises
    ------
    ConfigError
        When it cannot be read.
    """
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).decode("utf-8", errors="replace")
    except (OSError, EOFError, zlib.error) as problem:
        raise ConfigError(f"cannot read the Liberty file {path}: {problem}") from problem


def read(path: Path) -> Group:
    """Return the ``library`` group of a Liberty file.

    Raises
    ------
    ConfigError
        When the file cannot be read or is no Liberty file.
    """
    return parse(read_text(path), str(path))


def parse(text: str, where: str) -> Group:
    """Return the ``library`` group of a text; ConfigError with ``where`` and the line when it is malformed."""
    root = Group("", ())
    stack, words = [root], list[str]()
    arguments: list[str] | None = None  # inside parentheses
    after: tuple[str, ...] | None = None  # what the closed parentheses held
    value = ""

    def broken(position: int, what: str) -> ConfigError:
        line = text.count("\n", 0, position) + 1
        return ConfigError(f"{where}, line {line}: {what}; expected Liberty, `name (...) {{ ... }}` or `name : value;`")

    def finish() -> None:
        """Keep the attribute that has been read."""
        nonlocal after, value
        if after is not None and words:
            stack[-1].complex.setdefault(words[0], []).append(after)
        elif len(words) > 1:
            stack[-1].simple[words[0]] = value or " ".join(words[1:])
        words.clear()
        after, value = None, ""

    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() != end:
            raise broken(end, f"{text[end : match.start()][:20]!r}")
        end = match.end()
        kind = match.lastgroup
        if kind is None:
            # A line's end ends an attribute whose semicolon was forgotten, as it does in every reader.
            if words and arguments is None and "\n" in match.group() and (after is not None or len(words) > 1):
                rest = text[end : end + 1]
                if rest not in "{;":
                    finish()
            continue
        token = match.group(kind)
        if kind != "mark":
            (words if arguments is None else arguments).append(token)
        elif token == "(":
            if arguments is not None or not words:
                raise broken(match.start(), "'(' at the wrong place")
            arguments = []
        elif token == ")":
            if arguments is None:
                raise broken(match.start(), "')' without '('")
            after, arguments = tuple(arguments), None
        elif token == "{":
            if after is None or len(words) != 1:
                raise broken(match.start(), "'{' without a group's name")
            group = Group(words[0], after)
            stack[-1].groups.append(group)
            stack.append(group)
            words.clear()
            after = None
        elif token == "}":
            finish()
            if len(stack) == 1:
                raise broken(match.start(), "'}' without '{'")
            stack.pop()
        elif token == ";":
            finish()
    if end != len(text):
        raise broken(end, f"{text[end : end + 20]!r}")
    libraries = list(root.of("library"))
    if len(stack) != 1 or not libraries:
        raise ConfigError(
            f"{where} is no whole Liberty file: {'the end is missing' if len(stack) > 1 else 'it holds no library'}"
        )
    return libraries[0]
