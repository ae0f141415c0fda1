"""A Liberty file as the tree of groups that it is."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from econ_ae.errors import LibertyError

_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|\\\s*\n|\s+|"(?P<string>[^"]*)"|(?P<mark>[(){}:;,])|(?P<word>[^\s"(){}:;,]+)', re.S
)
_NUMBERS = re.compile(r"[^\s,\\]+")
_GZIP = b"\x1f\x8b"
_EXPECTED = "expected library (NAME) { cell ... }"


@dataclass
class Group:
    """One group ``kind (names) { ... }``.

    Parameters
    ----------
    kind : ``library``, ``cell``, ``pin``, ``internal_power``, ...
    names : what stands in the parentheses
    simple : values of ``name : value ;`` without quotes; the last one where a name is repeated
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

    def number(self, name: str, default: str = "") -> float:
        """Return the number of ``name : value ;``; LibertyError when it is none."""
        return self._number(name, self.simple.get(name, default))

    def numbers(self, name: str) -> list[float]:
        """Return those of ``name ("1, 2", "3, 4") ;``, none without it; LibertyError when one is no number."""
        values = self.complex.get(name, [])[-1:]
        return [self._number(name, x) for texts in values for text in texts for x in _NUMBERS.findall(text)]

    def _number(self, name: str, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise LibertyError(f"{self.kind} {self.name!r}: {name} is {text!r}; expected a number") from None

    @property
    def name(self) -> str:
        """What stands first in the parentheses, or nothing."""
        return self.names[0] if self.names else ""


def cells(library: Group, used: Iterable[str]) -> dict[str, Group]:
    """Return the cells that a netlist uses, by name, sorted.

    Raises
    ------
    LibertyError
        When one is not in the library.
    """
    groups = {group.name: group for group in library.of("cell")}
    wanted = sorted(set(used))
    unknown = [name for name in wanted if name not in groups]
    if unknown:
        raise LibertyError(
            f"cell {unknown[0]!r} of the netlist is not in the library {library.name!r}; "
            "give the Liberty file that the netlist was mapped to"
        )
    return {name: groups[name] for name in wanted}


def unpacked(path: Path, folder: Path) -> Path:
    """Return a Liberty file that is plain text: the file itself, or one in the folder when it is compressed.

    Raises
    ------
    LibertyError
        When it does not exist or cannot be unpacked.
    """
    raw, content = _contents(path)
    if content is raw:
        return path
    plain = folder / path.name.removesuffix(".gz")
    folder.mkdir(parents=True, exist_ok=True)
    plain.write_bytes(content)
    return plain


def read(path: Path) -> Group:
    """Return the ``library`` group of a Liberty file, plain or gzip.

    Raises
    ------
    LibertyError
        When the file does not exist, cannot be unpacked, or is no Liberty file.
    """
    return parse(_contents(path)[1].decode("utf-8", errors="replace"), str(path))


def parse(text: str, where: str) -> Group:
    """Return the ``library`` group of a text; LibertyError with ``where`` and the line when it is malformed."""
    reader = _Reader(text, where)
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() != end:
            raise reader.broken(end, f"{text[end : match.start()][:20]!r}")
        end = match.end()
        if match.lastgroup is None:
            reader.blank(match.group(), text[end : end + 1])
        elif match.lastgroup == "mark":
            reader.mark(match.group(), match.start())
        else:
            reader.word(match.group(match.lastgroup))
    if end != len(text):
        raise reader.broken(end, f"{text[end : end + 20]!r}")
    return reader.library()


def _contents(path: Path) -> tuple[bytes, bytes]:
    """Return a file as it is and unpacked; the same object when it is not compressed."""
    if not path.is_file():
        raise LibertyError(f"{path} does not exist; expected a Liberty file (.lib or .lib.gz)")
    try:
        raw = path.read_bytes()
        return raw, gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except PermissionError as problem:
        raise LibertyError(f"{path} cannot be read: {problem.strerror}; expected a file that may be read") from problem
    except (OSError, EOFError, zlib.error) as problem:
        raise LibertyError(f"{path} cannot be unpacked: {problem}; is the download complete?") from problem


class _Reader:
    """What has been read: the groups that are open, and the words of the attribute that has not ended."""

    def __init__(self, text: str, where: str) -> None:
        self._text, self._where = text, where
        self._stack = [Group("", ())]
        self._words: list[str] = []
        self._inside: list[str] | None = None  # words in open parentheses
        self._after: tuple[str, ...] | None = None  # what the closed parentheses held

    def broken(self, position: int, what: str) -> LibertyError:
        """Return the error for a place in the text."""
        line = self._text.count("\n", 0, position) + 1
        return LibertyError(f"{self._where} is no Liberty file: line {line}: {what}; {_EXPECTED}")

    def library(self) -> Group:
        """Return the library when the text is whole."""
        outermost = self._stack[0]
        if len(self._stack) > 1 or self._inside is not None or not outermost.groups:
            raise self.broken(len(self._text), "the end is missing" if len(self._stack) > 1 else "it holds no library")
        if len(outermost.groups) > 1 or outermost.groups[0].kind != "library":
            found = ", ".join(repr(group.kind) for group in outermost.groups)
            raise LibertyError(f"{self._where} holds {found}; {_EXPECTED}")
        return outermost.groups[0]

    def word(self, word: str) -> None:
        """Take a name, a value or a string."""
        (self._words if self._inside is None else self._inside).append(word)

    def blank(self, blank: str, following: str) -> None:
        """End an attribute whose semicolon was forgotten at the end of its line, as every reader does."""
        ended = self._after is not None or len(self._words) > 1
        if "\n" in blank and self._inside is None and self._words and ended and following not in "{;":
            self._finish()

    def mark(self, mark: str, position: int) -> None:
        """Take a punctuation mark."""
        if mark == "(":
            if self._inside is not None or not self._words:
                raise self.broken(position, "'(' at the wrong place")
            self._inside = []
        elif mark == ")":
            if self._inside is None:
                raise self.broken(position, "')' without '('")
            self._after, self._inside = tuple(self._inside), None
        elif mark == "{":
            self._open(position)
        elif mark == "}":
            self._finish()
            if len(self._stack) == 1:
                raise self.broken(position, "'}' without '{'")
            self._stack.pop()
        elif mark == ";":
            self._finish()

    def _open(self, position: int) -> None:
        if self._after is None or len(self._words) != 1:
            raise self.broken(position, "'{' without a group's name")
        group = Group(self._words[0], self._after)
        self._stack[-1].groups.append(group)
        self._stack.append(group)
        self._words, self._after = [], None

    def _finish(self) -> None:
        """Keep the attribute that has been read."""
        if self._after is not None and self._words:
            self._stack[-1].complex.setdefault(self._words[0], []).append(self._after)
        elif len(self._words) > 1:
            self._stack[-1].simple[self._words[0]] = " ".join(self._words[1:])
        self._words, self._after = [], None
