"""What the generated hardware costs in silicon: synthesis, timing and area with open tools."""

from rtl_gen.costs.hierarchy import Module, base_name
from rtl_gen.costs.liberty import Cell, Library
from rtl_gen.costs.synth import Synthesis, synthesise

__all__ = ["Cell", "Library", "Module", "Synthesis", "base_name", "synthesise"]
