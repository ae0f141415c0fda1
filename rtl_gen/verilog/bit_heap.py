"""Sums of bits as full and half adders: column compression down to one bit per column, written as Verilog.

Bits are added column by column, the earliest first (three-greedy approach: Stelling, Martel, Oklobdzija and Ravi,
IEEE Trans. Comput. 47 (1998) 273), so that the tree is as shallow as a Wallace tree while the carry-propagate adder at
its end needs no cells of its own: n bits in w columns take n - w full adders, and no half adder where three bits meet.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

_SUM_DELAY, _CARRY_DELAY = 2, 1  # of a full adder, in units of its carry: what decides which bits are early

Bit = tuple[int, int, str]  # arrival, serial number (so that ties are taken in order of birth), expression


@dataclass
class BitHeap:
    """Bits of weights 2**0 to 2**(width-1), and a constant that is added to them.

    Parameters
    ----------
    width : columns
    prefix : before the names of all nets

    Attributes
    ----------
    constant : added to the bits
    used : every net or bit select that something reads
    cells : Verilog of the compressed heap, line by line
    """

    width: int
    prefix: str = ""
    constant: int = 0
    used: set[str] = field(default_factory=set)
    cells: list[str] = field(default_factory=list)
    _columns: list[list[Bit]] = field(init=False)
    _serial: int = 0

    def __post_init__(self) -> None:
        self._columns = [[] for _ in range(self.width + 1)]

    def add(self, bit: str, column: int, *, negative: bool = False, arrival: int = 0) -> None:
        """Add ``bit * 2**column``, or subtract it: -b = ~b - 1. Columns from ``width`` on do not count.

        Parameters
        ----------
        bit : expression of one bit: a name or a bit select, with or without ``~`` in front
        arrival : when it is stable, in units of a full adder's carry
        """
        if column >= self.width:
            return
        if negative:
            self.constant -= 1 << column
            bit = inverted(bit)
        self._push(column, arrival, bit)

    def total(self) -> list[str]:
        """Write the cells; return the bits of the sum modulo 2**width, least significant first."""
        for column in range(self.width):
            while self._step(column, keep_sum=True, keep_carry=column < self.width - 1):
                pass
        bits = [self._remainder(column) for column in range(self.width)]
        self._read(bits)
        return bits

    def carries(self) -> list[tuple[int, str]]:
        """Write the cells that floor(sum / 2**width) takes; return the (arrival, bit) that add up to it.

        The constant counts modulo 2**width.
        """
        for column in range(self.width):
            while self._step(column, keep_sum=False, keep_carry=True):
                pass
        return [(arrival, bit) for arrival, _, bit in sorted(self._columns[self.width])]

    def _push(self, column: int, arrival: int, bit: str) -> None:
        self._serial += 1
        heapq.heappush(self._columns[column], (arrival, self._serial, bit))

    def _one(self, column: int) -> bool:
        return bool(self.constant >> column & 1)

    def _remainder(self, column: int) -> str:
        bits = self._columns[column]
        return bits[0][2] if bits else f"1'b{int(self._one(column))}"

    def _step(self, column: int, *, keep_sum: bool, keep_carry: bool) -> bool:
        """Add up to three bits of a column, the constant's among them; False when no two are left.

        Without ``keep_sum`` the column's last sum is not built.
        """
        bits, one = self._columns[column], self._one(column)
        if len(bits) + one < 2:
            return False
        taken = [heapq.heappop(bits) for _ in range(min(len(bits), 2 if one else 3))]
        arrival = taken[-1][0]
        total, carry = self._adder([bit for _, _, bit in taken], one, keep_sum or bool(bits), keep_carry)
        self.constant &= ~(int(one) << column)
        if keep_sum or bits:
            self._push(column, arrival + _SUM_DELAY, total)
        if keep_carry:
            self._push(column + 1, arrival + _CARRY_DELAY, carry)
        return True

    def _adder(self, bits: list[str], one: bool, needs_sum: bool, needs_carry: bool) -> tuple[str, str]:
        """Add one to three bits, and 1; return sum and carry."""
        if one and len(bits) == 1:
            return inverted(bits[0]), bits[0]
        self._read(bits)
        n = self._serial
        total, carry = f"{self.prefix}s{n}", f"{self.prefix}c{n}"
        if needs_sum and needs_carry and not one:
            module, ports = ("full_adder", "abc") if len(bits) == 3 else ("half_adder", "ab")
            pins = ", ".join(f".{port}({bit})" for port, bit in zip(ports, bits, strict=True))
            self.cells.append(f"wire {total}, {carry};")
            self.cells.append(f"econ_ae_{module} {self.prefix}a{n} ({pins}, .sum({total}), .carry({carry}));")
            return total, carry
        if needs_sum:
            exclusive = " ^ ".join(bits)
            self.cells.append(f"wire {total} = {f'~({exclusive})' if one else exclusive};")
        if needs_carry:
            self.cells.append(f"wire {carry} = {_carry(bits, one)};")
        return total, carry

    def _read(self, bits: list[str]) -> None:
        self.used |= {bit.lstrip("~") for bit in bits}


def inverted(bit: str) -> str:
    """Return the complement of an expression of one bit."""
    return bit[1:] if bit.startswith("~") else f"~{bit}"


def _carry(bits: list[str], one: bool) -> str:
    if len(bits) == 2:
        return f"{bits[0]} {'|' if one else '&'} {bits[1]}"
    a, b, c = bits
    return f"({a} & {b}) | ({c} & ({a} | {b}))"
