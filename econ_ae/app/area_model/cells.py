"""The pieces of an encoder that sends cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb

from econ_ae.app.area_model import common
from econ_ae.app.area_model.pieces import Piece
from econ_ae.ir.cell_widths import CellWidths, width
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs.netlist.hierarchy import part_of
from rtl_gen.verilog.cells import modules as names
from rtl_gen.verilog.cells.apportion import beyond_bits, most_steps
from rtl_gen.verilog.cells.enumeration import high_bits
from rtl_gen.verilog.cells.give import missing_bits
from rtl_gen.verilog.cells.merge import charge_bits
from rtl_gen.verilog.cells.order import group_bounds
from rtl_gen.verilog.cells.text import GROUP, copies
from rtl_gen.verilog.options import CELL_STAGES, FRAME_REGISTER, FRONT_END_REGISTER, INPUT_REGISTER
from rtl_gen.verilog.ports import CODE_BITS, FRAME_BITS, SUM_CODE_BITS


def pieces(model: EncoderModel) -> Iterator[Piece]:
    """Yield the pieces of the datapath behind the front end, without its pipeline registers."""
    yield common.normaliser(model, model.input.cells)
    counted = _Counted(CellWidths(model))
    for name, features in counted.features().items():
        yield Piece(name, 1, features, name, part_of(f"_{name}", ""))


def register_widths(model: EncoderModel) -> dict[str, int]:
    """Return the bits of a pipeline register at every place where the datapath can have one."""
    w, n = CellWidths(model), model.input.cells
    crossing, mode, slots = 1, w.choose.mode_bits, w.slots
    always = crossing + SUM_CODE_BITS
    values, best = n * w.value + 1, len(_pairs(w))  # with the bit that says exact
    chosen = always + mode + w.count + 1
    many, up = copies(slots), width(most_steps(w))
    order = values + w.count + mode + n * w.rank + best + (w.sum + len(w.choose.bias)) * copies(len(w.modes))
    levels = (1 << w.apportion.fraction) - 1
    return {
        INPUT_REGISTER: crossing + n * CODE_BITS,
        FRONT_END_REGISTER: crossing + n * model.input.charge.width,
        CELL_STAGES[0]: always + values + w.count + mode,
        CELL_STAGES[1]: always + order + sum(map(width, group_bounds(w))) + len(w.modes),
        CELL_STAGES[2]: chosen + n * w.value + best + 2 * n,
        CELL_STAGES[3]: chosen
        + n * (1 + w.count)
        + slots * (charge_bits(w) + 1)
        + many * (width(w.scale(w.modes)) + up),
        CELL_STAGES[4]: chosen
        + slots * (1 + beyond_bits(w) + w.apportion.fraction)
        + w.position
        + missing_bits(w)
        + w.count * (1 + levels),
        CELL_STAGES[5]: chosen + w.position + w.parts * (beyond_bits(w) + high_bits(w)),
        FRAME_REGISTER: SUM_CODE_BITS + FRAME_BITS,
    }


def _pairs(w: CellWidths) -> list[int]:
    """Return the number of neighbours of a cell for every pair of neighbours."""
    merge = w.model.cell_code.merge
    return [len(near) for near in merge.neighbours for _ in near] if merge else []


def _in_groups(terms: int) -> int:
    """Return the additions in the sums of the first 1, 2, ... terms within groups."""
    return sum(i % GROUP for i in range(terms))


def _over_groups(terms: int) -> int:
    """Return the additions that make of these the sums of all terms before."""
    if terms <= GROUP:
        return 0
    outer = terms // GROUP
    return _in_groups(outer) + _over_groups(outer) + sum(i % GROUP != GROUP - 1 for i in range(GROUP, terms))


@dataclass(frozen=True)
class _Counted:
    """Counts what every module is made of.

    Parameters
    ----------
    w : widths of the model
    """

    w: CellWidths

    def features(self) -> dict[str, tuple[float, ...]]:
        """Return the features of every module by its kind, in the order of the data flow."""
        return {
            names.EXACT: self._exact(),
            names.ORDER: self._order(),
            names.DROPPED: self._dropped(),
            names.GROUP: self._group(),
            names.LOST: (_over_groups(len(group_bounds(self.w))) * self.w.sum, 1),
            names.CHOOSE: self._choose(),
            names.SEND: (self.n * self.w.count, self.n * self.w.value, 1),
            names.MERGE: self._merge(),
            names.COUNT: (_in_groups(self.n) * 2 + _over_groups(self.n) * self.w.count, 1),
            names.COMPACT: self._compact(),
            names.POSITION: self._position(),
            names.SCALE: self._scale(),
            names.MULTIPLY: self._multiply(),
            names.MISSING: self._missing(),
            names.GIVE: self._give(),
            names.PARTS: self._parts(),
            names.ENUMERATE: self._enumerate(),
        }

    @property
    def n(self) -> int:
        return self.w.cells

    @property
    def modes(self) -> int:
        return len(self.w.modes)

    @cached_property
    def sent(self) -> list[int]:
        """Bits of the pulses of every slot."""
        return [width(self.w.sent(p)) for p in range(self.w.slots)]

    @cached_property
    def beyond(self) -> list[int]:
        """Bits of the shares of every slot."""
        return [width(self.w.beyond_one(p)) for p in range(self.w.slots)]

    @cached_property
    def rooms(self) -> list[int]:
        """Largest sum of the high parts up to every part."""
        return [self.w.room(p) for p in range(self.w.parts)]

    def _exact(self) -> tuple[float, ...]:
        w, n = self.w, self.n
        lossless = [mode for mode in w.modes if mode.exact_sum]
        table = sum(width(mode.exact_sum) + w.choose.mode_bits for mode in lossless)
        return n * w.model.input.charge.width, n * w.value, n - w.count, table, 1

    def _order(self) -> tuple[float, ...]:
        w, n = self.w, self.n
        best = sum(max(k - 1, 0) for k in _pairs(w))
        return n * (n - 1) / 2 * w.x, (n + 1) * max(n - w.count, 0), best, (n - 1) * w.sum, copies(self.modes) * w.sum

    def _dropped(self) -> tuple[float, ...]:
        w, n = self.w, self.n
        ranks = range(1, min(w.slots, n))
        gated = n * sum(width(w.sorted_value(r)) for r in ranks)
        return n * len(ranks), gated, sum(map(width, group_bounds(w))), n * w.x * (w.slots < n)

    def _group(self) -> tuple[float, ...]:
        w, classes = self.w, len(self.w.choose.bias)
        return len(w.choose.limits) * w.count, classes * copies(self.modes), self.modes, 1

    def _choose(self) -> tuple[float, ...]:
        w, modes, fraction = self.w, self.modes, self.w.choose.bias_fraction
        digits = -(-fraction // 2)
        picked = modes * digits * (w.sum + 2)
        pairs = chosen = 0
        left = modes
        while left > 1:
            groups = [min(4, left - at) for at in range(0, left, 4)]
            pairs += sum(k * (k - 1) // 2 for k in groups)
            chosen += sum(k for k in groups if k > 1)
            left = len(groups)
        return (
            modes * len(w.choose.bias) * fraction,
            picked,
            picked + modes * (w.sum - w.estimate),
            modes * w.estimate,
            pairs * (w.estimate + 1),
            chosen * (w.estimate + 1 + w.choose.mode_bits),
            copies(modes) * (w.sum + 2),
        )

    def _merge(self) -> tuple[float, ...]:
        w, n, given = self.w, self.n, len(_pairs(self.w))
        return given * w.x, given * w.sum, n * w.x * (2 if given else 1), (n - 1) * w.sum, 1

    def _compact(self) -> tuple[float, ...]:
        w, n, stages = self.w, self.n, width(self.n - 1)
        moved = stayed = 0
        needed = w.slots  # places that are read behind a stage
        for stage in reversed(range(stages)):
            step, bits = 1 << stage, charge_bits(w) + 1 + stages - stage - 1
            both = min(needed, max(n - step, 0))
            moved += both * bits
            stayed += (needed - both) * bits
            needed = min(needed + step, n)
        return moved, stayed, n * stages, 1

    def _position(self) -> tuple[float, ...]:
        w, n = self.w, self.n
        table = added = 0
        for i in range(1, n):
            found = [comb(i, j) for j in range(1, i + 1) if any(0 <= mode.cells - j <= n - 1 - i for mode in w.modes)]
            if found:
                bits = width(max(found))
                table += len(found) * bits
                added += bits
        return table, max(added - w.position, 0), w.position, 1

    def _scale(self) -> tuple[float, ...]:
        w, steps = self.w, most_steps(self.w)
        most = width(max(w.steps(mode) for mode in w.modes))
        scale = width(w.scale(w.modes))
        return w.sum * width(steps), self.modes * most, 11 * most, copies(w.slots) * (scale + width(steps)), 1

    def _multiply(self) -> tuple[float, ...]:
        w, op = self.w, self.w.apportion
        shift = w.fraction + 4
        picked = final = 0
        for p in range(w.slots):
            acc = width(w.beyond_one(p) + 2 << op.fraction) + 1 + shift
            wide = width(w.scale(w.above(p))) + 2
            rows = sum(max(min(wide, acc - digit), 0) for digit in range(0, w.sum, 2))
            picked += rows
            final += acc
        raw = sum(width(max(mode.exact_sum for mode in w.above(p))) for p in range(w.slots))
        common_bits = copies(w.slots) * (width(w.scale(w.modes)) + 2)
        return picked, picked - final, final, w.slots * w.sum * width(most_steps(w)), common_bits, raw

    def _missing(self) -> tuple[float, ...]:
        w, levels = self.w, (1 << self.w.apportion.fraction) - 1
        return w.slots * levels, max(w.slots - width(w.slots), 0) * levels, sum(self.beyond), 1

    def _give(self) -> tuple[float, ...]:
        w = self.w
        levels = 1 << w.apportion.fraction
        return levels * w.count, w.slots * (w.count + w.apportion.fraction), sum(self.sent), sum(self.beyond), 1

    def _parts(self) -> tuple[float, ...]:
        w = self.w
        reach = self._reach()
        picked = added = 0
        for p in range(w.parts):
            bits = width(self.rooms[p])
            picked += bits * sum(p < parts for parts in reach.values())
            added += bits
        return sum(self.sent[: w.parts]), picked, added, self.modes * len(reach), 1

    def _reach(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for _, _, fields in self.w.fields:
            found[fields.low_bits] = max(found.get(fields.low_bits, 0), fields.parts)
        return found

    def _enumerate(self) -> tuple[float, ...]:
        w = self.w
        reach = self._reach()
        table = ranked = 0
        for p, room in enumerate(self.rooms):
            bits = width(comb(room + p, p + 1)) if room else 0
            table += room * bits
            ranked += bits
        behind = [w.behind(fields) for _, _, fields in w.fields]
        span = max(1, *behind)
        low = sum(bits * parts for bits, parts in reach.items())
        moved = (w.position + span) * width(span - min(behind))
        return w.parts * high_bits(w), table, ranked, low, moved, len(behind) * width(span), 1
