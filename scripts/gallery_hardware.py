"""Pictures of the hardware: areas of a block, its register map."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.colors import ListedColormap

from econ_ae.app.area_model import estimate
from econ_ae.config.load import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.figure import figure_of
from metrics.sheet import Sheet, Sign
from metrics.treemap import treemap_plot
from rtl_gen.registers import address_map

_PRESET, _ROW = "econ-t", 64
_COLOURS = (
    "#8fb4d8",
    "#f9bd7e",
    "#a9d3ce",
    "#f0a3a3",
    "#9ccf94",
    "#f2dd8a",
    "#d0aecb",
    "#cbb09f",
    "#ffc3c8",
    "#b8c4d6",
)


def areas(sheet: Sheet) -> None:
    """Draw the estimated area of the preset's complete block."""
    config = load_preset(_PRESET)
    found = estimate(skeleton(config, MODULE), config.hardware.registers)
    parts = {one.part: 1000 * one.kge for one in found.parts if one.kge > 0}
    title = f"Encoder {_PRESET} with its registers, NanGate 45, estimated"
    treemap_plot(parts, title, name="gallery_treemap", sheet=Sheet(Sign(), sheet.folder))


def registers(sheet: Sheet) -> None:
    """Draw every byte behind I2C, coloured by the block that it belongs to."""
    mapped = address_map(skeleton(load_preset(_PRESET), MODULE))
    owner: list[str] = []
    for register in mapped.registers:
        block = re.sub(r"[_0-9]+$", "", register.name)
        owner += [block] * register.size
    names = sorted(dict.fromkeys(owner), key=lambda name: -owner.count(name))
    shown, others = names[: len(_COLOURS) - 1], names[len(_COLOURS) - 1 :]
    place = {name: i for i, name in enumerate(shown)} | dict.fromkeys(others, len(shown))
    rows = -(-len(owner) // _ROW)
    grid = np.full(rows * _ROW, np.nan)
    grid[: len(owner)] = [place[name] for name in owner]
    with figure_of(8.4, 2.0 + 0.12 * rows) as figure:
        axes = figure.add_subplot()
        axes.pcolormesh(
            grid.reshape(rows, _ROW), cmap=ListedColormap(_COLOURS), vmin=-0.5, vmax=len(_COLOURS) - 0.5,
            edgecolors="white", linewidth=0.4,
        )  # fmt: skip
        axes.invert_yaxis()
        axes.set(xlabel="Byte in the row", ylabel=f"Row of {_ROW} bytes", xticks=range(0, _ROW + 1, 8))
        axes.set_title(f"{len(owner)} bytes behind I2C, {mapped.weight_bits} bits of weights", fontsize=11, loc="left")
        labels = [*shown, *(["others"] if others else [])]
        handles = [
            axes.scatter([], [], marker="s", s=60, color=_COLOURS[i], label=f"{name}, {int((grid == i).sum())} B")
            for i, name in enumerate(labels)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8)
        told = [{"byte": i, "register": name} for i, name in enumerate(owner)]
        sheet.finish(figure, "bytes of the register map", "gallery_registers", told)
