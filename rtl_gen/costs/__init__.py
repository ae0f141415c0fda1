"""What the generated hardware costs in silicon: synthesis, timing, area and power with open tools."""

from rtl_gen.costs.netlist.hierarchy import part_areas
from rtl_gen.costs.power.report import PowerCosts
from rtl_gen.costs.result import Costs, Origin, costs_of, verilog_sha256
from rtl_gen.costs.synthesis.synth import Synthesis, recipe, synthesise
from rtl_gen.costs.timing import Timing, analyse
from rtl_gen.costs.treemap import treemap
from rtl_gen.costs.words import Operands

__all__ = [
    "Costs",
    "Operands",
    "Origin",
    "PowerCosts",
    "Synthesis",
    "Timing",
    "analyse",
    "costs_of",
    "part_areas",
    "recipe",
    "synthesise",
    "treemap",
    "verilog_sha256",
]
