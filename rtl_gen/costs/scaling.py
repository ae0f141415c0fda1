"""From gate equivalents to the area in another node, and what is published of the chip.

The rule: area = gate equivalents x area of the smallest two-input NAND of the node. It holds as far as all cells shrink
together with that NAND; between libraries of one node the NAND itself differs, which is the uncertainty given here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A technology that areas are scaled to.

    Parameters
    ----------
    name : in words
    gate_equivalent : um2 of the smallest two-input NAND
    low, high : range of that area among libraries, um2
    """

    name: str
    gate_equivalent: float
    low: float
    high: float

    def area(self, gate_equivalents: float) -> tuple[float, float, float]:
        """Return the cell area in mm2, and its range."""
        low, middle, high = (gate_equivalents * um2 * 1e-6 for um2 in (self.low, self.gate_equivalent, self.high))
        return middle, low, high


LP65 = Node("65 nm LP", 1.44, 0.94, 1.81)
"""1.44 um2: NAND2 of drive 1 of TSMC's 65 nm LP library (ND2D1 of tcbn65lp), as public design reports state it.

The range is what three open libraries give when their NAND2 is scaled by the square of the drawn length: SkyWater
130 nm 3.754 / 4 = 0.94, NanGate 45 nm 0.798 x (65/45)**2 = 1.66, IHP 130 nm 7.258 / 4 = 1.81. Within one foundry the
rule is better: ND2D1 of TSMC's 90 nm LP library has 2.8224 um2, x (65/90)**2 = 1.47.
"""


@dataclass(frozen=True)
class Published:
    """The ECON-T autoencoder after layout, arXiv:2105.01683.

    Parameters
    ----------
    area : mm2
    power : mW
    energy : nJ per inference
    latency : ns
    """

    area: float = 3.6
    power: float = 95.0
    energy: float = 2.4
    latency: float = 50.0


CHIP = Published()
