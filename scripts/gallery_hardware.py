"""Pictures of the hardware: areas of a block, its register map."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from econ_ae.app.area_model import estimate
from econ_ae.config.load import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY as MODULE
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
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
    """Draw every byte behind I2C, coloured by what it holds; weights by their layer."""
    model = skeleton(load_preset(_PRESET), MODULE)
    owner = list(_owners(model))
    names = sorted(dict.fromkeys(owner), key=lambda name: -owner.count(name))
    shown = names[: len(_COLOURS) - 1]
    place = {name: shown.index(name) if name in shown else len(shown) for name in names}
    rows = -(-len(owner) // _ROW)
    grid = np.full(rows * _ROW, np.nan)
    grid[: len(owner)] = [place[name] for name in owner]
    with figure_of(8.4, 2.2 + 0.12 * rows) as figure:
        axes = figure.add_subplot()
        axes.pcolormesh(
            grid.reshape(rows, _ROW), cmap=ListedColormap(_COLOURS), vmin=-0.5, vmax=len(_COLOURS) - 0.5,
            edgecolors="white", linewidth=0.4,
        )  # fmt: skip
        axes.invert_yaxis()
        axes.minorticks_off()
        axes.set(xlabel="Byte in the row", ylabel=f"Row of {_ROW} bytes", xticks=range(0, _ROW + 1, 8))
        axes.set_title(f"{len(owner)} bytes behind I2C of the encoder {_PRESET}", fontsize=11, loc="left")
        labels = [*shown, *(["others"] if len(names) > len(shown) else [])]
        handles = [
            Patch(color=_COLOURS[i], label=f"{name}: {int((grid == i).sum())} bytes") for i, name in enumerate(labels)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8)
        told = [{"byte": i, "holds": name} for i, name in enumerate(owner)]
        sheet.finish(figure, "bytes of the register map", "gallery_registers", told)


def _owners(model: EncoderModel) -> Iterator[str]:
    """Yield what every byte of the map holds, in the order of the addresses."""
    mapped, at = address_map(model), 0
    ends = [(field.offset + field.bits, f"{field.layer}, {field.kind}") for field in weights.fields(model)]
    for byte in mapped.mapped:
        if byte.register.name in mapped.weight_blocks:
            yield next((name for end, name in ends if at < end), "padding of the weights")
            at += 8
        else:
            yield re.sub(r"[_0-9]+$", "", byte.register.name).replace("_", " ")
