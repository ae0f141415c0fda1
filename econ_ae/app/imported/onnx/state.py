"""Where the reading of a graph is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from econ_ae.app.imported.exact.builder import Builder
from econ_ae.app.imported.exact.cut import Cut
from econ_ae.app.imported.onnx.constants import Constant
from econ_ae.app.imported.onnx.graph import Graph, Node, Numbers
from econ_ae.errors import ModelError


@dataclass
class Integers:
    """What ``QuantizeLinear`` gave, until ``DequantizeLinear`` makes numbers of it again."""

    node: Node
    cut: Cut
    scale: Numbers
    zero: Numbers


@dataclass
class State:
    """A graph that is read; the builder's view has all axes of the tensor, the batch of 1 among them.

    Parameters
    ----------
    ceiling : node that cuts off what is above a number, and the number, until the quantizer that follows
    """

    graph: Graph
    builder: Builder
    known: Mapping[str, Constant]
    integers: Integers | None = None
    ceiling: tuple[Node, float] | None = None

    def nothing_held(self, follower: str) -> None:
        """Raise ModelError when a cut is open that the follower cannot close."""
        if self.integers is not None:
            raise ModelError(f"{self.integers.node.where} is followed by {follower}; expected DequantizeLinear")
        if self.ceiling is not None:
            node, value = self.ceiling
            raise ModelError(f"{node.where} cuts off at {value:g} and is followed by {follower}; expected a quantizer")

    def cut(self, node: Node, one: Cut) -> None:
        """Put a quantizer behind what there is, with what was cut off before it."""
        if self.ceiling is not None:
            before, value = self.ceiling
            top = value * 2.0 ** np.asarray(one.fraction, np.float64)
            if np.any(top != np.rint(top)) and np.any(top < one.high):
                raise ModelError(f"{before.where} cuts off at {value:g}, which is no step of {node.where}")
            high = np.minimum(one.high, np.floor(np.minimum(top, 2.0**60)).astype(np.int64))
            one = Cut(one.name, one.low, high, one.fraction, one.mode, one.wrap)
            self.ceiling = None
        self.builder.cut(one)
