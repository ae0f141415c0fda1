"""What a netlist is simulated with: words of 64 runs, gates that compute them, flip-flops that hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtl_gen.costs.library.cells import Flop
from rtl_gen.costs.netlist.flat import ONE, ZERO, Nets

Words = NDArray[np.uint64]
"""uint64 (nets, words): bit l of word w is lane 64 * w + l."""

ALL = ~np.uint64(0)
"""A word whose lanes are all 1."""


@dataclass(frozen=True, eq=False)
class Gate:
    """Equal functions that are computed at once: ``nets[out] = function(nets[pins])``."""

    function: Callable[[dict[str, Any]], Any]
    pins: tuple[tuple[str, Nets], ...]
    out: Nets

    def compute(self, values: Words) -> Words:
        """Return the outputs, uint64 (instances, words)."""
        words: dict[str, Any] = {name: values[nets] for name, nets in self.pins}
        words["ZERO"], words["ONE"] = values[ZERO], values[ONE]
        found = np.asarray(self.function(words))
        return found if found.ndim == 2 else np.broadcast_to(found, (len(self.out), values.shape[1]))


@dataclass(eq=False)
class FlopBank:
    """All flip-flops of one library cell and their states, uint64 (instances, words).

    ``enables`` are nets of which one at least must be 1 for the clock to pass; none where all have the clock itself.
    """

    cell: str
    flop: Flop
    pins: dict[str, Nets]
    outputs: tuple[tuple[Callable[[dict[str, Any]], Any], Nets], ...]
    enables: tuple[Nets, ...]
    state: Words

    def enabled(self, values: Words) -> Words | None:
        """Return where the clock reaches the flip-flops, uint64 (instances, words); None for everywhere."""
        found = None
        for nets in self.enables:
            found = values[nets] if found is None else found | values[nets]
        return found

    def words(self, values: Words, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the words that an expression reads."""
        known = {"ZERO": values[ZERO], "ONE": values[ONE], self.flop.state: self.state, self.flop.inverse: ~self.state}
        return known | {name: values[self.pins[name]] for name in names if name not in known}


def changes(values: Words, before: Words) -> NDArray[np.uint64]:
    """Return the number of lanes in which each net differs, uint64 (nets,)."""
    return np.bitwise_count(values ^ before).sum(axis=1, dtype=np.uint64)


def to_words(bits: NDArray[np.uint8]) -> Words:
    """Return lanes (lanes, width) as words (width, lanes / 64); lanes are a multiple of 64."""
    packed = np.packbits(np.ascontiguousarray(bits.T), axis=1, bitorder="little")
    return packed.view(np.uint64)


def from_words(words: Words) -> NDArray[np.uint8]:
    """Return words (width, words) as lanes, uint8 (64 * words, width)."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little").T
