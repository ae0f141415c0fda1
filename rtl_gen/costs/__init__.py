"""What the generated hardware costs in silicon: synthesis, timing and area with open tools."""

from econ_ae.process import OPENSTA, YOSYS, has
from rtl_gen.costs.hierarchy import Module, ModuleArea, base_name, module_areas, part_areas
from rtl_gen.costs.liberty import Cell, Library
from rtl_gen.costs.summary import summary
from rtl_gen.costs.synth import Synthesis, synthesise
from rtl_gen.costs.timing import TimedPath, Timing, analyse
from rtl_gen.costs.treemap import treemap
from rtl_gen.costs.words import Operands

__all__ = [
    "OPENSTA",
    "YOSYS",
    "Cell",
    "Library",
    "Module",
    "ModuleArea",
    "Operands",
    "Synthesis",
    "TimedPath",
    "Timing",
    "analyse",
    "base_name",
    "has",
    "module_areas",
    "part_areas",
    "summary",
    "synthesise",
    "treemap",
]
