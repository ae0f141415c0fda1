"""Products of many numbers with a common one: two bits of a number pick 0, 1, 2 or 3 times the common one."""

from __future__ import annotations

from dataclasses import dataclass

from rtl_gen.verilog.cells.text import Text, extended, repeated


@dataclass(frozen=True)
class Common:
    """The multiples of a common factor in a module: its nets ``one``, ``two`` and ``three`` behind a stem.

    Parameters
    ----------
    text : of the module
    bits : of the common factor
    """

    text: Text
    bits: int
    stem: str = ""

    def rows(
        self, factor: str, factor_bits: int, product_bits: int, *, stem: str, most: int | None = None
    ) -> list[str]:
        """Add the rows of one product; return what has to be added up, each ``product_bits`` wide.

        Parameters
        ----------
        factor : net of the other factor
        stem : of the names of the rows
        most : bits of the common factor that count here; by default all
        """
        wide = (self.bits if most is None else most) + 2
        found = []
        for digit in range(0, factor_bits, 2):
            name = self.text.wire(f"{stem}_{digit}", wide, self._picked(factor, factor_bits, digit, wide))
            room = product_bits - digit
            row = extended(extended(name, wide, min(wide, room)), min(wide, room), room)
            found.append(f"{{{row}, {digit}'d0}}" if digit else row)
        return found

    def _picked(self, factor: str, factor_bits: int, digit: int, wide: int) -> str:
        low, cut = f"{factor}[{digit}]", f"[{wide - 1}:0]"
        if digit + 1 == factor_bits:
            return f"{repeated(low, wide)} & {self.stem}one{cut}"
        high = f"{factor}[{digit + 1}]"
        picks = ((f"({low} & ~{high})", "one"), (f"({high} & ~{low})", "two"), (f"({low} & {high})", "three"))
        return " | ".join(f"({repeated(pick, wide)} & {self.stem}{multiple}{cut})" for pick, multiple in picks)


def common(text: Text, value: str, bits: int, stem: str = "") -> Common:
    """Add the multiples of a net of ``bits``; the names of the nets begin with ``stem``."""
    text.wire(f"{stem}one", bits + 2, f"{{2'd0, {value}}}")
    text.wire(f"{stem}two", bits + 2, f"{{1'd0, {value}, 1'd0}}")
    text.wire(f"{stem}three", bits + 2, f"{stem}one + {stem}two")
    return Common(text, bits, stem)
