"""Write docs/configuration.md, the page of all configuration keys, from the classes."""

from __future__ import annotations

from pathlib import Path

from econ_ae.config.keys import Table, tables

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

HEAD = """\
# Configuration

Every key that a TOML file for `econ-ae run --config FILE` may have. All are optional; one without a default is not set
when it is left out. Unknown keys are refused. Formats are written `uI.F` (unsigned) or `sI.F` (a sign bit besides I
integer and F fractional bits). This page is made of the configuration classes by `python scripts/configuration.py`.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *map(_section, tables())]).rstrip() + "\n"


def _section(table: Table) -> str:
    title = f"## `{table.header}`" if table.header else "## Before all tables"
    note = f" {table.note[:1].upper()}{table.note[1:]}." if table.note else ""
    lines = [title, table.description + note, ""]
    if table.same_as:
        return "\n".join([*lines, f"The keys of `{table.same_as}`.", ""])
    if not table.keys:
        return "\n".join(lines)
    lines += ["| key | holds | default | meaning |", "|---|---|---|---|"]
    for key in table.keys:
        cells = (f"`{key.name}`", key.allowed, f"`{key.default}`" if key.default else "-", key.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
