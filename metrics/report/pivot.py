"""The overview: one row per algorithm and variant, one column per eLink count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.report.data import HeadlineRow

_ORDER = ("ae", "abc", "ccc", "bc", "stc2x2", "ctc2x2", "stc4x4", "ts", "rpt", "flat")


@dataclass(frozen=True)
class PivotRow:
    """One algorithm in one variant.

    Parameters
    ----------
    row : any of its headline rows, for its name
    cells : one per column; None where the algorithm does not exist or was not evaluated
    elsewhere : its result at an eLink count without a column
    """

    row: HeadlineRow
    cells: tuple[HeadlineRow | None, ...]
    elsewhere: HeadlineRow | None


@dataclass(frozen=True)
class Pivot:
    """The overview table."""

    elinks: tuple[int, ...]
    rows: tuple[PivotRow, ...]

    @property
    def has_elsewhere(self) -> bool:
        """Whether any row has a result outside the columns."""
        return any(row.elsewhere for row in self.rows)

    @property
    def has_lost(self) -> bool:
        """Whether any cell lost events."""
        return any(cell is not None and cell.lost for row in self.rows for cell in row.cells)


def pivot(rows: Sequence[HeadlineRow]) -> Pivot:
    """Return the overview of headline rows: the autoencoders, then the chip's algorithms, then what sends nothing."""
    counts = sorted({r.elinks for r in rows if r.elinks is not None and r.algorithm != "rpt"})
    by_name: dict[tuple[str, str], list[HeadlineRow]] = {}
    for row in rows:
        by_name.setdefault((row.algorithm, row.variant), []).append(row)
    out = []
    for found in sorted(by_name.values(), key=_order):
        at = {row.elinks: row for row in found}
        outside = [row for row in found if row.elinks not in counts]
        out.append(PivotRow(found[0], tuple(at.get(n) for n in counts), outside[0] if outside else None))
    return Pivot(tuple(counts), tuple(out))


def _order(found: Sequence[HeadlineRow]) -> int:
    name = found[0].algorithm
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
