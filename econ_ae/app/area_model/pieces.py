"""The pieces that a block's area is the sum of: one for every module that synthesis maps, counted from the IR.

Synthesis keeps the hierarchy and maps every module by itself, so the area of a block is the sum over its modules.
"""

from __future__ import annotations

from dataclasses import dataclass

FEATURES: dict[str, tuple[tuple[str, float], ...]] = {
    "front_end": (("multiplexed bits", 2.1), ("cells", 600.0)),
    "normaliser": (
        ("added bits", 5.33),
        ("multiplexed bits", 2.0),
        ("gated bits", 1.2),
        ("limited bits", 1.0),
        ("one", 300.0),
    ),
    "pipeline": (("bits", 5.67), ("one", 12.0)),
    "squeeze": (("moved bits", 2.2), ("parities", 2.0), ("masked bits", 1.1)),
    "frame": (("one", 680.0),),
    "control": (("stages", 6.0), ("one", 480.0)),
    "configuration": (
        ("bits", 34.5),
        ("bytes", 12.0),
        ("rows", 20.0),
        ("segments", 20.0),
        ("index bits", 60.0),
        ("one", 5000.0),
    ),
    "multiples": (("full adders", 5.33), ("half adders", 3.33), ("gates", 1.5)),
    "sum": (
        ("full adders", 5.33),
        ("half adders", 3.33),
        ("gates", 1.5),
        ("picked bits", 3.0),
        ("gated bits", 1.0),
        ("rows", 4.0),
    ),
    "requantise": (
        ("rounded bits", 3.5),
        ("compared bits", 1.0),
        ("rectified bits", 1.0),
        ("output bits", 1.5),
        ("one", 3.0),
    ),
    "exact": (("charge bits", 0.7), ("chosen bits", 2.0), ("counted bits", 5.33), ("table bits", 0.5), ("one", 50.0)),
    "order": (
        ("compared bits", 2.5),
        ("counted bits", 5.33),
        ("neighbours", 1.5),
        ("added bits", 5.33),
        ("copied bits", 1.0),
    ),
    "dropped": (("decoded", 1.5), ("gated bits", 1.4), ("added bits", 5.33), ("late bits", 1.2)),
    "group": (("compared bits", 2.0), ("copies", 2.0), ("modes", 3.0), ("one", 10.0)),
    "lost": (("added bits", 5.33), ("one", 10.0)),
    "choose": (
        ("bias bits", 1.4),
        ("picked bits", 3.0),
        ("added bits", 5.33),
        ("final bits", 5.33),
        ("compared bits", 2.7),
        ("chosen bits", 1.4),
        ("common bits", 5.33),
    ),
    "send": (("compared bits", 2.0), ("value bits", 0.7), ("one", 40.0)),
    "merge": (("given bits", 1.3), ("added bits", 5.33), ("own bits", 2.0), ("summed bits", 5.33), ("one", 20.0)),
    "count": (("added bits", 5.33), ("one", 10.0)),
    "compact": (("moved bits", 2.2), ("gated bits", 1.1), ("subtracted bits", 4.0), ("one", 10.0)),
    "position": (("table bits", 0.3), ("added bits", 5.33), ("final bits", 5.33), ("one", 10.0)),
    "scale": (("moved bits", 2.0), ("table bits", 0.5), ("multiplied bits", 6.0), ("copied bits", 0.7), ("one", 500.0)),
    "multiply": (
        ("picked bits", 3.0),
        ("added bits", 5.33),
        ("final bits", 5.33),
        ("moved bits", 2.0),
        ("common bits", 5.33),
        ("raw bits", 3.0),
    ),
    "missing": (("compared", 1.5), ("counted bits", 5.33), ("added bits", 5.33), ("one", 100.0)),
    "give": (("levels", 20.0), ("tie bits", 4.0), ("pulse bits", 6.0), ("own bits", 1.3), ("one", 200.0)),
    "parts": (("part bits", 1.3), ("high bits", 1.3), ("added bits", 5.33), ("table bits", 1.0), ("one", 50.0)),
    "enumerate": (
        ("added bits", 5.33),
        ("rank table bits", 0.5),
        ("ranked bits", 5.33),
        ("low bits", 1.4),
        ("moved bits", 2.2),
        ("table bits", 0.5),
        ("one", 50.0),
    ),
}
"""What is counted of every kind of module, and about how many gate equivalents one takes: where the fit begins."""


@dataclass(frozen=True)
class Piece:
    """Equal modules of a block.

    Parameters
    ----------
    kind : of ``FEATURES``
    count : how many
    features : of one of them, in the order of ``FEATURES``
    module : name of the module without the name of the encoder in front
    part : of the design, as the table of ``econ-ae costs`` calls it
    """

    kind: str
    count: int
    features: tuple[float, ...]
    module: str
    part: str
