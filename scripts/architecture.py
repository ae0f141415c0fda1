"""The import graph of the sources, the floors drawn in docs/architecture.md, and the page's table of arrows."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("econ_ae", "rtl_gen", "sim", "metrics")
PAGE = ROOT / "docs" / "architecture.md"
GROUND = "ground"
Graph = dict[str, set[str]]
_BEGIN, _END = "<!-- arrows -->\n", "<!-- end of arrows -->\n"
_ENTRIES = {"econ_ae", "econ_ae.__main__"}
"""The package itself (its version) and `python -m econ_ae`."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return every module of the four packages by its name."""
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    return {".".join(p.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): p for p in files}


def targets(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports, anywhere in it; a name of a package is that module when there is one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & set(known)
            if not inner <= set(known):
                found.add(node.module)
    return found & set(known)


def imports() -> Graph:
    """Return which modules every module imports."""
    known = modules()
    return {name: targets(path, known) for name, path in known.items()}


def floors(page: str) -> list[list[str]]:
    """Return the rooms of every line of the picture, from the top down to the ground."""
    picture = page.split("## The floors", 1)[1].split("```text", 1)[1].split("```", 1)[0]
    lines = [re.findall(r"[a-z][a-z_.]*", line) for line in picture.splitlines()]
    return [line for line in lines if line]


def room_of(module: str, lines: list[list[str]]) -> str | None:
    """Return the room that a module is in, ``ground`` for those of the last line; None when the picture has none."""
    inner = module.removeprefix("econ_ae.")
    for line in lines:
        for room in line:
            if inner == room or inner.startswith(room + "."):
                return GROUND if line is lines[-1] else room
    return None


def homeless(graph: Graph, lines: list[list[str]]) -> list[str]:
    """Return the modules that are in no room; packages that only hold rooms are none themselves."""
    parents = {name.rpartition(".")[0] for name in graph}
    return sorted(m for m in graph if room_of(m, lines) is None and m not in parents | _ENTRIES)


def arrows(graph: Graph, lines: list[list[str]]) -> Graph:
    """Return which rooms every room imports."""
    found: Graph = defaultdict(set)
    for module, others in graph.items():
        here = room_of(module, lines)
        there = {room_of(other, lines) for other in others} - {here, None}
        if here is not None:
            found[here] |= {room for room in there if room is not None}
    return dict(found)


def upward(found: Graph, lines: list[list[str]]) -> list[str]:
    """Return the arrows that do not go to a lower line."""
    level = {room: number for number, line in enumerate(lines) for room in line} | {GROUND: len(lines)}
    return [f"{a} -> {b}" for a, others in found.items() for b in sorted(others) if level[b] <= level[a]]


def table(found: Graph, lines: list[list[str]]) -> str:
    """Return the arrows as a table, rooms in the order of the picture."""
    order = [room for line in lines[:-1] for room in line] + [GROUND]
    rows = ["| room | imports |", "|---|---|"]
    for room in order:
        others = sorted(found.get(room, set()), key=order.index)
        rows.append(f"| {room} | {', '.join(others) or '-'} |")
    return "\n".join(rows) + "\n"


def with_arrows(page: str) -> str:
    """Return the page with its table made anew."""
    before, rest = page.split(_BEGIN)
    lines = floors(page)
    return f"{before}{_BEGIN}\n{table(arrows(imports(), lines), lines)}\n{_END}{rest.split(_END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_arrows(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
