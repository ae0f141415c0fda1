"""The operations on cells one event at a time, in Python integers, written from the docstrings of ``ir.cells``.

Nothing of the emulator is used, and of the model only the numbers that describe it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from econ_ae.ir.model import EncoderModel


@dataclass(frozen=True)
class Event:
    """What is sent of one event, and what came before it."""

    normalised: list[int]
    rank: list[int]
    mode: int
    exact: bool
    charge: list[int]
    pulses: list[int]


def log2(value: int) -> int:
    return len(bin(value)) - 3


def encode(model: EncoderModel, charges: list[int]) -> Event:
    code, out = model.cell_code, model.normalise.out
    cells, total = range(len(charges)), sum(charges)
    if total == 0:
        nothing = [0 for _ in cells]
        return Event(nothing, list(cells), 0, True, nothing, nothing)
    x = [min((c << out.fraction) >> log2(total), 2**out.width - 1) for c in charges]
    rank = [sum(x[j] > x[i] or (x[j] == x[i] and j < i) for j in cells) for i in cells]
    mode = without_loss(model, charges)
    exact = mode is not None
    if mode is None:
        mode = cheapest(model, x, rank)
    sent = code.choose.modes[mode].cells
    charge = [x[i] if rank[i] < sent else 0 for i in cells]
    if code.merge is not None:
        for i in cells:
            near = sorted(code.merge.neighbours[i], key=lambda j: rank[j])
            if rank[i] >= sent and near and rank[near[0]] < sent:
                charge[near[0]] += x[i]
    pulses = charges if exact else share(model, charge, rank, mode)
    return Event(x, rank, mode, exact, charge, pulses)


def without_loss(model: EncoderModel, charges: list[int]) -> int | None:
    hits = len([c for c in charges if c])
    for number, mode in enumerate(model.cell_code.choose.modes):
        if mode.cells == hits and sum(charges) <= mode.exact_sum:
            return number
    return None


def cheapest(model: EncoderModel, x: list[int], rank: list[int]) -> int:
    choose = model.cell_code.choose
    hits = len([v for v in x if v])
    row = choose.bias[len([limit for limit in choose.limits if hits >= limit])]
    costs = []
    for number, mode in enumerate(choose.modes):
        if mode.cells <= hits:
            dropped = sum(v for v, r in zip(x, rank, strict=True) if r >= mode.cells)
            costs.append((dropped * 2**choose.bias_fraction + row[number] * sum(x), number))
    return min(costs)[1]


def share(model: EncoderModel, charge: list[int], rank: list[int], mode: int) -> list[int]:
    op, k, total = model.cell_code.apportion, *_sizes(model, mode)
    sent = [i for i in range(len(rank)) if rank[i] < k]
    (largest,) = (i for i in sent if rank[i] == 0)
    f, g_all = op.fraction, sum(charge)
    e = log2(g_all)
    r = 2**18 // ((g_all << 8) >> e)
    pulses, remainder = {}, {}
    for i in sent:
        t = op.offset + ((charge[i] * ((((total << f) - op.offset * k) * r) >> 6)) >> (e + 4))
        pulses[i] = max(t >> f, 1)
        remainder[i] = t % 2**f if t >> f >= 1 else 0
    for i in sorted(sent, key=lambda i: (-remainder[i], i)):
        if sum(pulses.values()) < total:
            pulses[i] += 1
    pulses[largest] += total - sum(pulses.values())
    if pulses[largest] < 1:
        pulses = dict.fromkeys(sent, 1)
        pulses[largest] = total - k + 1
    return [pulses.get(i, 0) for i in range(len(rank))]


def _sizes(model: EncoderModel, mode: int) -> tuple[int, int]:
    entry = model.cell_code.choose.modes[mode]
    return entry.cells, entry.pulses


def bits(value: int, width: int) -> str:
    assert 0 <= value < 2**width
    return bin(value)[2:].zfill(width) if width else ""


def length(choices: int) -> int:
    """Bits that number so many things."""
    n = 0
    while 2**n < choices:
        n += 1
    return n


def number_of(places: list[int]) -> int:
    return sum(comb(place, j + 1) for j, place in enumerate(places))


def stars_and_bars(parts: list[int]) -> list[int]:
    """Places of the bars: one behind the stars of each part."""
    drawing = "".join("*" * part + "|" for part in parts)
    return [n for n, mark in enumerate(drawing) if mark == "|"]


def sum_code(total: int) -> str:
    if total < 16:
        return bits(total, 9)
    return bits(log2(total) - 3, 5) + bin(total)[3:7]


def frame(model: EncoderModel, event: Event, charges: list[int], crossing: int) -> str:
    """Return the frame as a string of 0 and 1, without the links that are not used."""
    choose, cells = model.cell_code.choose, len(event.pulses)
    capacity = min(18 + 32 * (model.cell_code.enumerate.elinks - 1), 146)
    header = bits(31 if crossing == 0 else crossing % 16, 5)
    if sum(charges) == 0:
        return header + bits(0, 9 + capacity)
    mode = choose.modes[event.mode]
    places = [i for i, pulses in enumerate(event.pulses) if pulses]
    values = [event.pulses[i] - 1 for i in places]
    if event.exact:
        total, low = mode.exact_sum, mode.exact_low_bits
    else:
        total, low, values = mode.pulses, mode.low_bits, values[:-1]
    room = (max(total - mode.cells, 0)) // 2**low
    tail = bits(number_of(places), length(comb(cells, mode.cells)))
    tail += "".join(bits(value % 2**low, low) for value in values)
    ranked = room + len(values)
    tail += bits(number_of(stars_and_bars([value // 2**low for value in values])), length(comb(ranked, len(values))))
    head = bits(event.mode, max(length(len(choose.modes)), 1)) + bits(event.exact, 1)
    return header + sum_code(sum(charges)) + head + bits(0, capacity - len(head) - len(tail)) + tail


def words(model: EncoderModel, event: Event, charges: list[int], crossing: int) -> list[int]:
    """Return the 13 link words of an event."""
    text = frame(model, event, charges, crossing).ljust(13 * 32, "0")
    assert len(text) == 13 * 32
    return [int(text[n : n + 32], 2) for n in range(0, len(text), 32)]
