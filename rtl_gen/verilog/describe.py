"""The manifest in words: tables for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def port_table(manifest: Mapping[str, Any]) -> str:
    """Return the ports of a manifest as a Markdown table."""
    lines = ["| port | direction | bits | role | meaning |", "|---|---|---|---|---|"]
    lines += [
        f"| `{name}` | {port['direction']} | {port['width']} | {port['role']} | {port['meaning']} |"
        for name, port in manifest["ports"].items()
    ]
    return "\n".join(lines) + "\n"
