"""The estimated area of a run, without synthesis: for `econ-ae costs RUN --estimate`."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.area_model import AreaEstimate, estimate
from econ_ae.app.costed import BLOCK
from econ_ae.app.run.context import Context
from econ_ae.errors import ConfigError


def estimated(context: Context, block: str, liberty: Path | None) -> AreaEstimate:
    """Return the estimate of a run's complete block.

    Raises
    ------
    ConfigError
        When another block, or a library, is asked for.
    """
    if block != BLOCK:
        raise ConfigError(f"--estimate knows the complete block alone, not {block!r}; leave out --block or --estimate")
    if liberty is not None:
        raise ConfigError(
            f"--estimate is of NanGate 45 alone; --liberty {liberty} needs synthesis: leave out one of them"
        )
    return estimate(context.model(), context.config.hardware.registers)


def rows(found: AreaEstimate) -> list[dict[str, str]]:
    """Return a row per part and the whole."""
    parts = [(part.part, part.kge) for part in found.parts]
    return [
        {"part": part, "kGE": f"{kge:.1f}", "share": f"{100 * kge / found.kge:.1f} %"}
        for part, kge in (*parts, ("all", found.kge))
    ]


def line(found: AreaEstimate) -> str:
    """Return the estimate as one sentence, with what it is worth."""
    return (
        f"estimated: {found.kge:.0f} kGE in NanGate 45 before layout, within {100 * found.error:.0f} % for 95 % of the "
        f"random encoders that were synthesised to test it; exact: {found.registers} configuration bits, "
        f"{found.flip_flops} flip-flops. econ-ae costs RUN --liberty FILE measures it."
    )
