"""The encoder's Verilog in a run, as the stage ``generate`` recorded it."""

from __future__ import annotations

from econ_ae.app.run.context import RTL, Context

SUM, STRUCTURAL = "sum", "structural"
FOLDERS = {SUM: RTL, STRUCTURAL: f"{RTL}_encoder_{STRUCTURAL}"}
"""Where the encoder's Verilog is, by its leaf: written-out sums to read and to simulate, trees of adders to synthesise.

Leaf and hash of each are in its ``manifest.json`` (``leaf``, ``verilog_sha256``).
"""


def texts(context: Context, leaf: str = SUM) -> dict[str, str]:
    """Return the Verilog with a leaf, text by relative path; RunDirectoryError when it is not what the stage left."""
    context.run.check("generate")
    start = f"{FOLDERS[leaf]}/"
    names = (name for name in context.run.manifest().stages["generate"].outputs if name.endswith(".v"))
    return {
        name.removeprefix(start): context.path(name).read_text(encoding="utf-8")
        for name in sorted(names)
        if name.startswith(start)
    }
