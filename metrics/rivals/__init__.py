"""What a user would try before a neural network: simple codes with real frames and tables, no network anywhere."""

from metrics.rivals.adaptive import AdaptivePrecision
from metrics.rivals.companded import LEAST_ELINKS, CompandedCells
from metrics.rivals.layout import Form, Layout, forms
from metrics.rivals.pools import Pools

__all__ = ["LEAST_ELINKS", "AdaptivePrecision", "CompandedCells", "Form", "Layout", "Pools", "forms"]
