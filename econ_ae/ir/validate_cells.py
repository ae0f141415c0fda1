"""Structural checks of the operations on cells.

Why a normaliser needs 6 fractional bits: every event with charge must have a cell that can be sent. Of at most 63
cells with sum S the largest has c >= S / 63, and with e = floor(log2 S) it becomes ``floor(c 2**f / 2**e)``, at least
``floor(2**f / 63)`` as S >= 2**e: that is 1 for f = 6, and a format of any width holds 1. (With f = 5, 48 cells of
charge 3 sum to 144, e = 7, and ``floor(3 * 32 / 128)`` is 0.)
"""

from __future__ import annotations

from collections.abc import Iterator

from econ_ae.ir.cells import RANKED, Apportion, CellCode, Choose, Fields, Merge, Mode
from econ_ae.ir.model import EncoderModel, Normalise

LEAST_FRACTION = 6
_MOST_BITS = 60
_MOST_FRACTION = 30
_MOST_SUM = 52  # bits; the emulator's logarithm is exact below 2**53
_RECIPROCAL = 18  # bits of the dividend of the reciprocal
_SCALED = 4  # bits by which a reciprocal of 10 bits, cut by 6, widens the pulses


def cell_errors(model: EncoderModel, capacity: int) -> list[str]:
    """Return every structural error of the operations on cells.

    Parameters
    ----------
    capacity : bits of a frame that are left for mode, loss, positions and pulses; 0 when the eLinks are wrong
    """
    code, cells = model.cell_code, model.input.cells
    if not 1 <= cells <= RANKED:
        return [f"{model.name}: operations on cells take 1..{RANKED} cells, not {cells}"]
    found = _choose_errors(code.choose, cells)
    found += _merge_errors(code.merge, cells) if code.merge else []
    found += _apportion_errors(code.apportion)
    if found:
        return found
    for number, mode in enumerate(code.choose.modes):
        found += [f"{code.choose.name}: mode {number} {problem}" for problem in _mode_errors(mode)]
    return found or [*_room_errors(code, cells, capacity), *_width_errors(model)]


def rule_errors(op: Choose, cells: int) -> list[str]:
    """Return what is wrong with the numbers that ``Choose`` has in registers, one sentence each."""
    found = []
    if list(op.limits) != sorted(set(op.limits)) or any(not 1 <= limit <= cells for limit in op.limits):
        found.append(f"{op.name}: limits must rise within 1..{cells}, not {_listed(op.limits)}")
    if len(op.bias) != len(op.limits) + 1:
        found.append(
            f"{op.name}: {len(op.limits)} limits make {len(op.limits) + 1} classes, but bias has {len(op.bias)}"
        )
    most = (1 << op.bias_fraction) - 1
    for number, row in enumerate(op.bias):
        if len(row) != len(op.modes):
            found.append(f"{op.name}: class {number} has {len(row)} biases for {len(op.modes)} modes")
        wrong = [value for value in row if not 0 <= value <= most]
        if wrong:
            found.append(f"{op.name}: class {number} has bias {wrong[0]}; expected 0..{most}")
    return found


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _choose_errors(op: Choose, cells: int) -> list[str]:
    sizes = tuple(mode.cells for mode in op.modes)
    if not sizes:
        return [f"{op.name}: at least one mode is needed"]
    found = []
    if sizes[0] != 1:
        found.append(f"{op.name}: the first mode must send 1 cell, not {sizes[0]}")
    if list(sizes) != sorted(set(sizes)):
        found.append(f"{op.name}: modes must rise in their number of cells, not {_listed(sizes)}")
    if max(sizes) > cells:
        found.append(f"{op.name}: a mode sends {max(sizes)} cells of {cells}")
    if not 1 <= op.bias_fraction <= _MOST_FRACTION:
        return [*found, f"{op.name}: a bias has 1..{_MOST_FRACTION} bits, not {op.bias_fraction}"]
    return found + rule_errors(op, cells)


def _merge_errors(op: Merge, cells: int) -> list[str]:
    if len(op.neighbours) != cells:
        return [f"{op.name}: {len(op.neighbours)} lists of neighbours for {cells} cells"]
    found = []
    for cell, near in enumerate(op.neighbours):
        wrong = [other for other in near if not 0 <= other < cells]
        if wrong:
            found.append(f"{op.name}: cell {cell} has neighbour {wrong[0]}; expected 0..{cells - 1}")
            continue
        if cell in near:
            found.append(f"{op.name}: cell {cell} is its own neighbour")
        if len(set(near)) != len(near):
            found.append(f"{op.name}: cell {cell} lists a neighbour twice")
        alone = [other for other in near if cell not in op.neighbours[other]]
        if alone:
            found.append(f"{op.name}: cell {cell} has neighbour {alone[0]}, which has not cell {cell}")
    return found


def _apportion_errors(op: Apportion) -> list[str]:
    if not 1 <= op.fraction <= _MOST_FRACTION:
        return [f"{op.name}: a pulse has 1..{_MOST_FRACTION} fractional bits, not {op.fraction}"]
    if not 0 <= op.offset <= 1 << op.fraction:
        return [f"{op.name}: offset must be 0..{1 << op.fraction} (one pulse), not {op.offset}"]
    return []


def _mode_errors(mode: Mode) -> Iterator[str]:
    if mode.pulses < mode.cells:
        yield f"shares {mode.pulses} pulses among {mode.cells} cells; every cell needs one"
        return
    if mode.exact_sum and mode.exact_sum < mode.cells:
        yield f"has exact_sum {mode.exact_sum} for {mode.cells} cells; expected 0 (none) or at least {mode.cells}"
        return
    for what, fields, limit in (
        ("pulses", mode.shared, mode.pulses),
        ("sums without loss", mode.exact, mode.exact_sum),
    ):
        most = max(limit - mode.cells, 0).bit_length()
        if not 0 <= fields.low_bits <= most:
            yield f"has {fields.low_bits} low bits for {what} of {limit}; expected 0..{most}"
        elif fields.places > RANKED:
            yield f"ranks {fields.places} places for {what} of {limit}; at most {RANKED}, with more low bits"


def _bits(fields: Fields, cells: int, choose: Choose) -> int:
    return choose.mode_bits + 1 + fields.bits(cells)


def _room_errors(code: CellCode, cells: int, capacity: int) -> list[str]:
    if not capacity:
        return []
    found = []
    for number, mode in enumerate(code.choose.modes):
        for what, fields in (("", mode.shared), (" without loss", mode.exact)):
            bits = _bits(fields, cells, code.choose)
            if bits > capacity:
                found.append(
                    f"{code.choose.name}: mode {number} takes {bits} bits{what}, a frame of {code.enumerate.elinks} "
                    f"eLinks has {capacity}"
                )
    return found


def _width_errors(model: EncoderModel) -> list[str]:
    """Find what no int64 holds: the sum of the charges, the estimate, the scale, a cell's share."""
    code, cells, out = model.cell_code, model.input.cells, model.normalise.out
    found = _normalise_errors(model.normalise)
    if found:
        return found
    charge = model.input.charge.width + cells.bit_length()
    total = min((2 << out.fraction) - 1, cells * out.max).bit_length()
    pulses = max(mode.pulses for mode in code.choose.modes).bit_length() + code.apportion.fraction
    for name, what, bits, most in (
        (model.normalise.name, "sums of charges", charge, _MOST_SUM),
        (code.choose.name, "estimates", total + code.choose.bias_fraction + 1, _MOST_BITS),
        (code.apportion.name, "scales", pulses + _RECIPROCAL, _MOST_BITS),
        (code.apportion.name, "shares", total + pulses + _SCALED, _MOST_BITS),
    ):
        if bits > most:
            found.append(f"{name}: {what} of {bits} bits; at most {most}")
    return found


def _normalise_errors(op: Normalise) -> list[str]:
    if op.out.fraction < LEAST_FRACTION:
        return [
            f"{op.name}: cells need at least {LEAST_FRACTION} fractional bits, so that the largest is never 0; "
            f"not {op.out}"
        ]
    return []
