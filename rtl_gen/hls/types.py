"""Formats of the model as C++ types of either vendor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding, bits_for
from econ_ae.ir.model import Requantise, Stage
from rtl_gen.hls.options import CATAPULT, Flavour

_AC_ROUNDING = {Rounding.TRN: "AC_TRN", Rounding.RND_CONV: "AC_RND_CONV"}
_AC_OVERFLOW = {Overflow.SAT: "AC_SAT", Overflow.WRAP: "AC_WRAP"}
_INT_BITS, _LONG_BITS = 32, 64


@dataclass(frozen=True)
class Native:
    """A machine integer that holds every value of a layer's arithmetic.

    Parameters
    ----------
    name : C++ type
    bits : its width
    suffix : of its literals
    read : member function of an arbitrary-width integer that returns it
    """

    name: str
    bits: int
    suffix: str
    read: str


_INT = Native("int", _INT_BITS, "", "to_int()")
_LONG = Native("long long", _LONG_BITS, "LL", "to_int64()")


def integer(flavour: Flavour, fmt: FixedFormat) -> str:
    """Return the type of a format's integers; the binary point is not part of it."""
    return whole(flavour, fmt.width, signed=fmt.signed)


def whole(flavour: Flavour, bits: int, *, signed: bool = False) -> str:
    """Return the type of integers of any number of bits."""
    if flavour == CATAPULT:
        return f"ac_int<{bits}, {str(signed).lower()}>"
    return f"{'ap_int' if signed else 'ap_uint'}<{bits}>"


def fixed(flavour: Flavour, fmt: FixedFormat) -> str:
    """Return the fixed-point type of a format that nothing is rounded into."""
    return _fixed(flavour, fmt, ())


def rounded(flavour: Flavour, op: Requantise) -> str:
    """Return the fixed-point type of a requantisation, with its quantization and overflow modes."""
    modes = (_AC_ROUNDING[op.rounding], _AC_OVERFLOW[op.overflow])
    return _fixed(flavour, op.out, modes)


def _fixed(flavour: Flavour, fmt: FixedFormat, modes: tuple[str, ...]) -> str:
    above = fmt.width - fmt.fraction  # bits left of the binary point, sign included
    if flavour == CATAPULT:
        return f"ac_fixed<{', '.join((str(fmt.width), str(above), str(fmt.signed).lower(), *modes))}>"
    names = [mode.replace("AC_", "AP_") for mode in modes]
    return f"{'ap_fixed' if fmt.signed else 'ap_ufixed'}<{', '.join((str(fmt.width), str(above), *names))}>"


def product_format(stage: Stage) -> FixedFormat:
    """Return the narrowest signed format that holds every product after its bits are dropped."""
    x, w = stage.in_format, stage.layer.weight
    corners = np.multiply.outer([x.min, x.max], [w.min, w.max]) >> min(stage.product_shift, _LONG_BITS - 1)
    _, width = bits_for(min(int(corners.min()), -1), int(corners.max()))
    return FixedFormat(True, width, stage.accumulator_fraction)


def native(stage: Stage, accumulator: FixedFormat) -> Native:
    """Return the machine integer in which a layer multiplies, adds and rounds."""
    product = stage.in_format.width + stage.layer.weight.width
    dropped = stage.accumulator_fraction - stage.requantise.out.fraction
    return _INT if max(product, accumulator.width, dropped) < _INT_BITS - 1 else _LONG
