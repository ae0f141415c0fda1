"""Functional coverage of the registers: which bytes were written and read, which states of the target were reached."""

from __future__ import annotations

from rtl_gen.registers import AddressMap

# By the falling clock. Besides these, START leads to ADDRESS from where the target does not hold SDA, and STOP or
# reset to IDLE.
_STEPS = {
    "IDLE": (),
    "ADDRESS": ("ADDRESS_ACK", "IGNORE"),
    "ADDRESS_ACK": ("POINTER_HIGH", "READ"),
    "POINTER_HIGH": ("POINTER_HIGH_ACK",),
    "POINTER_HIGH_ACK": ("POINTER_LOW",),
    "POINTER_LOW": ("POINTER_LOW_ACK", "IGNORE"),
    "POINTER_LOW_ACK": ("WRITE",),
    "WRITE": ("WRITE_ACK", "IGNORE"),
    "WRITE_ACK": ("WRITE",),
    "READ": ("READ_ACK",),
    "READ_ACK": ("READ", "IGNORE"),
    "IGNORE": (),
}
STATES = tuple(_STEPS)
"""States of the I2C target by number."""
_HOLDS_SDA = {"ADDRESS_ACK", "POINTER_HIGH_ACK", "POINTER_LOW_ACK", "WRITE_ACK"}


def legal_transitions() -> frozenset[tuple[str, str]]:
    """Return every (from, to) of different states that the target may make, reset included."""
    found = {(state, to) for state, steps in _STEPS.items() for to in steps}
    found |= {(state, "IDLE") for state in STATES if state != "IDLE"}
    found |= {(state, "ADDRESS") for state in STATES if state not in _HOLDS_SDA | {"ADDRESS"}}
    return frozenset(found)


def transitions(bits: int) -> frozenset[tuple[str, str]]:
    """Return the transitions of the harness's record (bit 16 from + to), without those from a state to itself."""

    def name(number: int) -> str:
        return STATES[number] if number < len(STATES) else f"state {number}"

    pairs = [divmod(n, 16) for n in range(256) if bits >> n & 1]
    return frozenset((name(a), name(b)) for a, b in pairs if a != b)


def not_reached(layout: AddressMap, seen: frozenset[tuple[str, str]], written: int, fetched: int) -> list[str]:
    """Return in words what was not reached: states, transitions, bytes written, bytes read."""
    visited = {state for pair in seen for state in pair}
    missing = [f"state {state}" for state in STATES if state not in visited]
    missing += [f"transition {a} -> {b}" for a, b in sorted(legal_transitions() - seen)]
    missing += [f"write of {b.address:#06x}" for b in layout.mapped if b.writable and not written >> b.address & 1]
    missing += [f"read of {b.address:#06x}" for b in layout.mapped if not fetched >> b.address & 1]
    return missing


def impossible(layout: AddressMap, seen: frozenset[tuple[str, str]], written: int) -> list[str]:
    """Return in words what must not happen and did."""
    may_write = sum(1 << b.address for b in layout.mapped if b.writable)
    wrong = [f"transition {a} -> {b}" for a, b in sorted(seen - legal_transitions())]
    wrong += [f"write of {a:#06x}" for a in _ones(written & ~may_write)]
    return wrong


def _ones(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]
