"""Text of one module: ports, wires whose widths follow from the largest value, sums, prefix sums, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from econ_ae.ir.cell_widths import width
from rtl_gen.verilog.chain import wire_range
from rtl_gen.verilog.render import bit_range, render

_READ = re.compile(r"\b([A-Za-z_]\w*)\b(?:\[(\d+)(?::(\d+))?\])?")
"""A name, and the bits that are selected of it, if they are constant."""

GROUP = 4
"""Numbers that are added up at once in sums of the first 1, 2, ... of many."""


@dataclass(frozen=True)
class Net:
    """A net or an expression that can stand in a concatenation.

    Parameters
    ----------
    text : of the expression
    largest : value that it can have
    """

    text: str
    largest: int

    @property
    def width(self) -> int:
        """Its bits."""
        return width(self.largest)

    def to(self, bits: int) -> str:
        """Return it with zeros in front, ``bits`` wide; it must not be wider."""
        if bits < self.width:
            raise AssertionError(f"{self.text} has {self.width} bits, not {bits}")
        return extended(self.text, self.width, bits)


def extended(text: str, bits: int, wanted: int) -> str:
    """Return an expression of ``bits`` with zeros in front, or its least significant bits where fewer are wanted."""
    if wanted > bits:
        return f"{{{wanted - bits}'d0, {text}}}"
    return text if wanted == bits else f"{text}{bit_range(wanted)}"


def repeated(bit: str, count: int) -> str:
    """Return one bit ``count`` times."""
    return bit if count == 1 else f"{{{count}{{{bit}}}}}"


def bus(name: str, index: int, bits: int) -> str:
    """Return one of the equally wide numbers of a bus."""
    return f"{name}[{index}]" if bits == 1 else f"{name}[{bits * index + bits - 1}:{bits * index}]"


def joined(parts: Sequence[str]) -> str:
    """Return a concatenation, first part at the least significant end."""
    if len(parts) == 1:
        return parts[0]
    lines = [", ".join(reversed(parts[first : first + 12])) for first in range(0, len(parts), 12)]
    return "{\n        " + ",\n        ".join(reversed(lines)) + "\n    }"


SHARED = 4
"""Lanes that read the same copy of what all of them need: a register drives no more."""


def copies(lanes: int) -> int:
    """Return the copies of a number that so many lanes read."""
    return -(-lanes // SHARED)


@dataclass
class Text:
    """Collects a module.

    Parameters
    ----------
    module : its name
    title : comment in front of it, line by line
    """

    module: str
    title: tuple[str, ...]
    ports: list[tuple[str, int, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    _widths: dict[str, int] = field(default_factory=dict)
    _read: list[str] = field(default_factory=list)

    def input(self, name: str, bits: int) -> str:
        """Add an input; return its name."""
        self.ports.append(("input", bits, name))
        self._widths[name] = bits
        return name

    def output(self, name: str, bits: int, expression: str) -> None:
        """Add an output and what drives it."""
        self.ports.append(("output", bits, name))
        self._read.append(expression)
        self.body.append(f"    assign {name} = {expression};")

    def comment(self, text: str) -> None:
        """Add a comment behind an empty line."""
        self.body += ["", f"    // {text}"] if self.body else [f"    // {text}"]

    def wire(self, name: str, bits: int, expression: str) -> str:
        """Add a wire; return its name."""
        self._widths[name] = bits
        self._read.append(expression)
        self.body.append(f"    wire {wire_range(bits)}{name} = {expression};")
        return name

    def net(self, name: str, largest: int, expression: str) -> Net:
        """Add a wire that holds values up to ``largest``; the expression must be as wide."""
        return Net(self.wire(name, width(largest), expression), largest)

    def total(self, name: str, terms: Sequence[Net], largest: int) -> Net:
        """Add the sum of some numbers, which is at most ``largest``: modulo its width, as one sum."""
        bits = width(largest)
        if not terms:
            return self.net(name, largest, f"{bits}'d0")
        parts = [extended(term.text, term.width, bits) for term in terms]
        lines = [" + ".join(parts[first : first + 8]) for first in range(0, len(parts), 8)]
        return self.net(name, largest, "\n        + ".join(lines))

    def prefix(self, stem: str, terms: Sequence[Net], largest: Sequence[int]) -> list[Net]:
        """Add the sums of the first 1, 2, ... numbers, each at most its ``largest``.

        Within groups of four, then over the groups in the same way: few adders follow each other.

        Parameters
        ----------
        stem : of the names of the sums
        """
        return self.over_groups(stem, self.in_groups(stem, terms, largest), largest)

    def in_groups(self, stem: str, terms: Sequence[Net], largest: Sequence[int]) -> list[Net]:
        """Add the first half of ``prefix``: the sums within groups of four."""
        found: list[Net] = []
        for i, term in enumerate(terms):
            group = terms[i - i % GROUP : i + 1]
            bound = min(sum(one.largest for one in group), largest[i])
            found.append(term if len(group) == 1 else self.total(f"{stem}g{i}", group, bound))
        return found

    def over_groups(self, stem: str, inner: Sequence[Net], largest: Sequence[int]) -> list[Net]:
        """Add the second half of ``prefix``, from the sums within groups."""
        found = list(inner[:GROUP])
        if len(inner) <= GROUP:
            return found
        outer = self.prefix(f"{stem}o", inner[GROUP - 1 :: GROUP], largest[GROUP - 1 :: GROUP])
        for i in range(GROUP, len(inner)):
            both = [outer[i // GROUP - 1], inner[i]]
            bound = min(both[0].largest + both[1].largest, largest[i])
            done = i % GROUP == GROUP - 1
            found.append(outer[i // GROUP] if done else self.total(f"{stem}s{i}", both, bound))
        return found

    def table(self, name: str, bits: int, key: str, key_bits: int, values: Mapping[int, int]) -> str:
        """Add a table: the value of every key, 0 of all others; return its name."""
        self._widths[name] = bits
        self._read.append(key)
        self.body += [f"    reg {wire_range(bits)}{name};", "    always @*", f"        case ({key})"]
        by_value: dict[int, list[int]] = {}
        for at, value in values.items():
            if value:
                by_value.setdefault(value, []).append(at)
        for value, keys in by_value.items():
            labels = ", ".join(f"{key_bits}'d{at}" for at in keys)
            self.body.append(f"            {labels}: {name} = {bits}'d{value};")
        self.body += [f"            default: {name} = {bits}'d0;", "        endcase"]
        return name

    def process(self, name: str, bits: int, statements: Sequence[str]) -> str:
        """Add a register that some statements set, in a process of its own; return its name."""
        self._widths[name] = bits
        self._read += [statement.partition("if")[2].partition(")")[0] for statement in statements]
        lines = (f"        {statement}" for statement in statements)
        self.body += [f"    reg {wire_range(bits)}{name};", "    always @* begin", *lines, "    end"]
        return name

    def _unread(self) -> list[str]:
        """Return the nets of which nothing reads some bits."""
        missing = {name: set(range(bits)) for name, bits in self._widths.items()}
        for name, high, low in _READ.findall("\n".join(self._read)):
            if name in missing:
                first = int(low or high or 0)
                missing[name] -= set(range(first, int(high) + 1) if high else range(self._widths[name]))
        return [name for name, bits in missing.items() if bits]

    def render(self) -> str:
        """Return the Verilog; what nothing reads is said to be so."""
        unread = self._unread()
        unused = ["", f"    wire unused = &{{1'b0, {', '.join(unread)}}};"] if unread else []
        body = [_READ.sub(self._selected, line) for line in (*self.body, *unused)]
        return render("cells", module=self.module, title=self.title, ports=self.ports, body=body)

    def _selected(self, match: re.Match[str]) -> str:
        """Return a selection as it is, but of a net of one bit, of which nothing can be selected, the net."""
        return match[1] if self._widths.get(match[1]) == 1 else match[0]


def any_of(parts: Iterable[str]) -> str:
    """Return the OR of some expressions."""
    return "\n        | ".join(parts)
