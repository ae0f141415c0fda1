"""The two forms of `HGCalConcentratorAutoEncoderImpl`: what it gives to graphs, and what it reads of its parameters.

``cms-sw`` is the class in the release; ``fork`` is the collaboration's, which normalises as the chip does and tells the
decoder where the module is. Facts of the public sources (cms-sw/cmssw, ssrothman/cmssw, erdemyigit/cmssw).
"""

from __future__ import annotations

from dataclasses import dataclass

from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.geometry import LOW_DENSITY, Arrangement

LATENTS = 16
"""Values that the class takes of the encoder (nEncodedLayerNodes_); it has no room for more."""
LINKS = 15
"""Entries of bitsPerLink and linkToGraphMap: 0 to 14 links (the class asks for more than 13)."""
INPUT_BITS, OUTPUT_BITS = 8, 9
"""nBitsPerInput and maxBitsPerOutput."""
ZERO_SUPPRESSION = 0.1
"""zeroSuppresionThreshold of the release: MIP_T there, counts in the fork."""


@dataclass(frozen=True)
class Target:
    """One form of the class.

    Parameters
    ----------
    name : in ``--target``
    what : for texts
    image : the only image that it can fill, or None where ``cellRemap`` says how
    columns : first column of the decoder's input for every condition that it tells; empty when it tells none
    width : of the decoder's input with conditions
    input_bits_type : C++ and Python type of nBitsPerInput
    """

    name: str
    what: str
    image: Arrangement | None
    columns: dict[str, int]
    width: int
    input_bits_type: str


CMS_SW = Target("cms-sw", "the release (cms-sw/cmssw)", None, {}, LATENTS, "int32")
FORK = Target(
    "fork",
    "the collaboration's fork (ssrothman/cmssw, erdemyigit/cmssw)",
    LOW_DENSITY.arrangement("8x8x1"),
    {"eta": 16, "v": 17, "u": 18, "thickness": 19, "log_sum": 22, "layer": 23},
    24,
    "uint32",
)
TARGETS = {target.name: target for target in (CMS_SW, FORK)}
"""By name."""


def target_of(name: str) -> Target:
    """Return a target; ConfigError with a suggestion when there is none of that name."""
    if name not in TARGETS:
        raise ConfigError(f"target {name!r} is unknown; expected {' or '.join(TARGETS)}{did_you_mean(name, TARGETS)}")
    return TARGETS[name]
