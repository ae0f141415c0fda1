"""Generated whole events as a file that every command reads with ``--data``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from econ_ae.data.events_writer import write
from econ_ae.data.readers.cms_events import SUFFIX
from econ_ae.data.synthetic.endcaps import BLOCK, PILEUP_200, EndcapParameters, Gun, chunks
from econ_ae.data.synthetic.endcaps.layers import depths
from econ_ae.data.whole_events import WholeEvents
from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress


def settings(
    particles: str, pt: tuple[float, float], eta: tuple[float, float], pileup: float, *, pairs: bool
) -> EndcapParameters:
    """Return what to generate: kinds with commas or ``none``, ranges of pT and abs(eta), mean interactions.

    Raises
    ------
    ConfigError
        When one of them is out of range.
    """
    kinds = () if particles.strip() == "none" else tuple(kind.strip() for kind in particles.split(","))
    return EndcapParameters(Gun(kinds, *pt, *eta, pairs=pairs), replace(PILEUP_200, mu=pileup))


def generated_events(
    out: Path, events: int, seed: int, parameters: EndcapParameters, *, geometry: WaferGeometry, progress: Progress
) -> int:
    """Write generated whole events; return the number of module images.

    Raises
    ------
    ConfigError
        When the number of events, the seed or a parameter is out of range.
    DataError
        When ``out`` has no name of a file of whole events, or no module has charge.
    """
    if out.suffix != SUFFIX:
        raise DataError(f"--out {out} is no name of a file of whole events; expected one that ends in {SUFFIX}")
    with progress.bar("generating events", events) as bar:

        def parts() -> Iterator[WholeEvents]:
            images = 0
            for number, part in enumerate(chunks(events, seed, parameters, geometry)):
                yield part
                images += len(part)
                bar.advance(min(BLOCK, events - number * BLOCK), f"{images} images")

        return write(out, parts(), depths())
