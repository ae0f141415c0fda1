"""Write docs/ports.md, the page of the ports of every block of Verilog, from what the generator declares."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from econ_ae.econt.autoencoder import template
from rtl_gen.verilog.block import block_ports
from rtl_gen.verilog.options import DATAPATH, ENCODER, NORMALISER, default_options
from rtl_gen.verilog.ports import Port, ports

PAGE = Path(__file__).resolve().parents[1] / "docs" / "ports.md"

HEAD = """\
# Ports of the Verilog

Ports of the four blocks for the chip's encoder with default options: 48 cells, 16 latents of 9 bits, 5 eLinks.
Another model changes the widths; `manifest.json` beside the Verilog has those of every model. Control ports are
clock, reset and valid; event ports change at every clock; configuration ports have to be still while events pass.
What the blocks do is in [The Verilog](rtl.md); encoders that send cells have [fewer
ports](rtl.md#encoders-that-send-cells). This page is made of the generator by `python scripts/ports.py`.
"""


def page() -> str:
    """Return the page."""
    model = template()
    sections = [
        _section("The encoder", "`--block encoder`", ports(model, default_options(model, ENCODER))),
        _section(
            "With the normaliser", "`--block normaliser`: charges in", ports(model, default_options(model, NORMALISER))
        ),
        _section("The datapath", "`--block datapath`: codes to frames", ports(model, default_options(model, DATAPATH))),
        _section(
            "The complete block",
            "`--block block`: the datapath and its registers behind I2C",
            block_ports(model, default_options(model, DATAPATH)),
        ),
    ]
    return "\n".join([HEAD, *sections]).rstrip() + "\n"


def _section(title: str, what: str, found: Iterable[Port]) -> str:
    rows = [f"| `{p.name}` | {p.direction} | {p.width} | {p.role} | {_cell(p.meaning)} |" for p in found]
    head = ["| port | direction | bits | role | meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"## {title}", f"{what}.", "", *head, *rows, ""])


def _cell(text: str) -> str:
    """Return a text for a cell of a table: no bar, and no two brackets that look like a link."""
    return text.replace("|", "&#124;").replace("][", "]\\[")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
