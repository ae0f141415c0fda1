"""Areas of a hierarchy of modules: own cells, instances, and which part of the design they belong to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_PARAMETERS = re.compile(r"\\([^\\]+)")
_NUMBER = re.compile(r"__\d+$")

FRONT_END, NORMALISER, REQUANTISE = "front end", "normaliser", "requantise"
PIPELINE, FORMATTER = "pipeline registers", "formatter"
REGISTERS, VOTERS, I2C = "configuration registers", "voters and read-out of the registers", "I2C, status, CRC"
OTHER = "other"
ORDER, CHOICE, SLOTS = "order of the cells", "choice of the mode", "merge, cells side by side"
PULSES, ENUMERATION = "pulses of the cells", "enumeration"

_PARTS = (
    (r"_front_end$|^econ_ae_calibrated_charge$", FRONT_END),
    (r"_normalise$", NORMALISER),
    (r"_requantise_\w+$", REQUANTISE),
    (r"^econ_ae_pipeline_register$", PIPELINE),
    (r"^econ_ae_(frame|squeeze|bx_header)$", FORMATTER),
    (r"^econ_ae_tmr_copy$", REGISTERS),
    (r"^econ_ae_tmr_bank$", VOTERS),
    (r"_config$|_config_decode$|^econ_ae_(i2c_\w+|config_status|crc32)$", I2C),
)
_LAYER = re.compile(r"_layer_(\w+)$")
_CELL_PARTS = (
    (r"_order$", ORDER),
    (r"_(exact|dropped|group|lost|choose|send)$", CHOICE),
    (r"_(merge|count|compact)$", SLOTS),
    (r"_(scale|multiply|missing|give)$", PULSES),
    (r"_(position|parts|enumerate)$", ENUMERATION),
)
_MAC = re.compile(r"_mac\d+_")
"""Modules of a layer, whose name may be anything."""


@dataclass(frozen=True)
class Module:
    """What stands directly in a module.

    Parameters
    ----------
    cells : number of instances by type: library cells and other modules
    """

    cells: Mapping[str, int]


@dataclass(frozen=True)
class ModuleArea:
    """Area of a module in the whole design.

    Parameters
    ----------
    module : its name in the Verilog
    instances : how often it is in the design
    own : gate equivalents of one instance without the modules in it
    total : gate equivalents of one instance with everything in it
    """

    module: str
    instances: int
    own: float
    total: float


def base_name(name: str) -> str:
    """Return the name of a module in the Verilog: without parameters (yosys) and without a number at its end."""
    if name.startswith("$paramod"):
        return _PARAMETERS.findall(name)[-1 if name.startswith("$paramod$") else 0]
    return _NUMBER.sub("", name.removeprefix("\\"))


def part_of(module: str, parent: str) -> str:
    """Return the part of the design that a module belongs to: by its name, else that of its parent."""
    name = base_name(module)
    for pattern, part in _PARTS:
        if re.search(pattern, name):
            return part
    layer = _LAYER.search(name)
    if layer or _MAC.search(name):
        return f"layer {layer.group(1)}" if layer else parent
    return next((part for pattern, part in _CELL_PARTS if re.search(pattern, name)), parent)


def parts_of(places: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Return the part of the design that each module instance of a flat netlist belongs to.

    Parameters
    ----------
    places : hierarchical paths, ``datapath.layer_conv.mac_3``, parents before their children; the top is empty
    modules : module name of each place
    """
    found: dict[str, str] = {}
    for place, module in zip(places, modules, strict=True):
        parent = place
        while parent and parent not in found:  # the name of an instance may hold dots itself
            parent = parent.rpartition(".")[0]
        found[place] = part_of(module, found.get(parent, OTHER))
    return list(found.values())


def module_areas(modules: Mapping[str, Module], top: str, cells: Mapping[str, float]) -> list[ModuleArea]:
    """Return the areas of all modules below ``top``, largest total first.

    Parameters
    ----------
    cells : gate equivalents of every library cell
    """
    own = {
        name: sum(n * cells[kind] for kind, n in m.cells.items() if kind not in modules) for name, m in modules.items()
    }
    totals: dict[str, float] = {}

    def total(name: str) -> float:
        if name not in totals:
            inner = modules[name].cells.items()
            totals[name] = own[name] + sum(n * total(kind) for kind, n in inner if kind in modules)
        return totals[name]

    counts: Counter[str] = Counter()

    def count(name: str, times: int) -> None:
        counts[name] += times
        for kind, n in modules[name].cells.items():
            if kind in modules:
                count(kind, times * n)

    count(top, 1)
    found = [ModuleArea(name, n, own[name], total(name)) for name, n in counts.items()]
    return sorted(found, key=lambda area: -area.total)


def part_areas(modules: Mapping[str, Module], top: str, cells: Mapping[str, float]) -> dict[str, float]:
    """Return the gate equivalents of every part of the design, largest first; they add up to the whole."""
    areas: dict[str, float] = {}
    for part, kind, n in _cells_below(modules, top):
        areas[part] = areas.get(part, 0.0) + n * cells[kind]
    return dict(sorted(areas.items(), key=lambda item: -item[1]))


def count_cells(modules: Mapping[str, Module], top: str) -> dict[str, int]:
    """Return the number of cells of every type in the whole design."""
    found: Counter[str] = Counter()
    for _, kind, n in _cells_below(modules, top):
        found[kind] += n
    return found


def _cells_below(
    modules: Mapping[str, Module], name: str, parent: str = OTHER, times: int = 1
) -> Iterator[tuple[str, str, int]]:
    """Yield the part, the type and the number of the cells of every instance of a module and of those in it."""
    part = part_of(name, parent)
    for kind, n in modules[name].cells.items():
        if kind in modules:
            yield from _cells_below(modules, kind, part, times * n)
        else:
            yield part, kind, times * n
