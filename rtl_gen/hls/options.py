"""What a designer chooses about the generated C++."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from econ_ae.errors import ConfigError, did_you_mean

Flavour = Literal["catapult", "vitis"]
Weights = Literal["image", "struct"]
HalfEven = Literal["type", "increment"]

CATAPULT: Flavour = "catapult"
VITIS: Flavour = "vitis"
IMAGE: Weights = "image"
STRUCT: Weights = "struct"
TYPE: HalfEven = "type"
INCREMENT: HalfEven = "increment"


@dataclass(frozen=True)
class HlsOptions:
    """Options of the C++ generator.

    Parameters
    ----------
    flavour : ``catapult`` (ac_types, ``#pragma hls_*``) or ``vitis`` (ap_types, ``#pragma HLS``)
    weights : ``image``, one array port of bytes packed as the weight registers, or ``struct``, one port per layer
    reuse_factor : clocks between two images, and how many products share a multiplier; 1 builds every multiplier
    clock_ns : clock period in ns; 25 is the LHC's
    half_even : who rounds to nearest, ties to even: the ``type`` (AC_RND_CONV), or an ``increment`` written out before
        bits are dropped (AC_TRN), which simulates without a branch per value

    Raises
    ------
    ConfigError
        When a value is none of these.
    """

    flavour: Flavour = CATAPULT
    weights: Weights = IMAGE
    reuse_factor: int = 1
    clock_ns: float = 25.0
    half_even: HalfEven = TYPE

    def __post_init__(self) -> None:
        _one_of("flavour", self.flavour, (CATAPULT, VITIS))
        _one_of("weights", self.weights, (IMAGE, STRUCT))
        _one_of("rounding to even by", self.half_even, (TYPE, INCREMENT))
        if self.reuse_factor < 1:
            raise ConfigError(f"HLS reuse factor must be 1 or more clocks, not {self.reuse_factor}")
        if not (math.isfinite(self.clock_ns) and self.clock_ns > 0):
            raise ConfigError(f"HLS clock period must be a positive number of ns, not {self.clock_ns}")


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(
            f"HLS {what} {value!r} is unknown; expected one of {', '.join(known)}{did_you_mean(value, known)}"
        )


def compiler_flags(flavour: Flavour) -> tuple[str, ...]:
    """Return the g++ flags that the generated C++ compiles under without a warning."""
    # Loop labels and vendor pragmas are for the synthesiser; g++ knows neither.
    flags = ("-std=c++14", "-O2", "-Wall", "-Werror", "-Wno-unused-label", "-Wno-unknown-pragmas")
    # Default constructors of ap_types mask a value that nobody has set yet, which g++ reports where they are inlined.
    return (*flags, "-Wno-uninitialized", "-Wno-maybe-uninitialized") if flavour == VITIS else flags


def types_header(flavour: Flavour) -> str:
    """Return the header of the vendor's fixed-point types."""
    return "ac_fixed.h" if flavour == CATAPULT else "ap_fixed.h"


def types_directory(flavour: Flavour) -> str:
    """Return where the hls4ml package (1.3) keeps that header, relative to the package's directory."""
    return "templates/catapult/ac_types/include" if flavour == CATAPULT else "templates/vivado/ap_types"
