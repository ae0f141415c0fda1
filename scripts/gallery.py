"""Draw the pictures of docs/gallery.md from the reference data beside the checkout: python scripts/gallery.py."""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from econ_ae.data.readers.event_images import SECTIONS  # noqa: E402
from econ_ae.data.whole_events import WholeEvents, from_npz  # noqa: E402
from econ_ae.geometry import LOW_DENSITY as MODULE  # noqa: E402
from metrics.baselines import Reconstruction  # noqa: E402
from metrics.sheet import Sheet, Sign  # noqa: E402
from metrics.transmitted import transmitted  # noqa: E402
from scripts import gallery_detector, gallery_hardware, gallery_modules  # noqa: E402

EVENTS = ROOT.parent / "shared" / "reference" / "cms_events" / "electrons_pu200.npz"
IMAGES = ROOT / "docs" / "images"
SEED = 1
SHOWN = (0, 1, 2, 3)
"""Events of the pictures: of those that may be trained on, none of the report sample."""
_MANY, _FEW = 1000, 2000  # images that are compared, and that tables of the codes are made of
_COLOURS, _MOST_BYTES = 128, 250_000


@dataclass(frozen=True)
class Sample:
    """What pictures are made of, read and computed when the first one needs it.

    Parameters
    ----------
    path : file of whole events
    """

    path: Path

    @cached_property
    def whole(self) -> WholeEvents:
        """All modules of the shown events."""
        return from_npz(self.path, SHOWN)

    @cached_property
    def charges(self) -> NDArray[np.int64]:
        """Some CE-E images in decoded counts, in the order of a seeded draw, int64 (n, 48)."""
        layer = np.asarray(self.whole.batch.metadata["layer"], np.int64)
        rows = np.flatnonzero((layer < SECTIONS["CE-E"][1]) & (self.whole.batch.charges.sum(axis=1) > 0))
        rows = np.random.default_rng(SEED).permutation(rows)[: _MANY + _FEW]
        return np.asarray(self.whole.batch.charges, np.int64)[rows]

    @property
    def images(self) -> NDArray[np.int64]:
        """The images that are compared."""
        return self.charges[:_MANY]

    @cached_property
    def sent(self) -> Sequence[Reconstruction]:
        """What the codes make of the images at 2 to 5 eLinks; their tables are made of other images."""
        codes = ("bc", "stc", "abc", "ccc")
        return transmitted(self.images, MODULE, (2, 3, 4, 5), codes, tune=self.charges[_MANY:]).reconstructions


def shrink(png: Path, width: int = 1500) -> None:
    """Make a picture small: not wider than ``width``, few colours; exit when it is not small enough."""
    with Image.open(png) as found:
        picture = found.convert("RGB")
    if picture.width > width:
        picture.thumbnail((width, 10 * width), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    if buffer.tell() > _MOST_BYTES:
        sys.exit(f"{png.name} has {buffer.tell()} bytes; {_MOST_BYTES} at most belong into the repository")
    png.write_bytes(buffer.getvalue())


def pictures(sample: Sample, sheet: Sheet, physics: Path | None) -> dict[str, Callable[[], object]]:
    """Return what draws every picture, by the name of its file."""
    found: dict[str, Callable[[], object]] = {}
    if physics is not None:
        found["gallery_turn_on"] = lambda: gallery_detector.turn_on(physics, sheet)
    return found | {
        "gallery_treemap": lambda: gallery_hardware.areas(sheet),
        "gallery_registers": lambda: gallery_hardware.registers(sheet),
        "gallery_endcap": lambda: gallery_detector.endcap(sample.whole, sheet),
        "gallery_shower": lambda: gallery_detector.showers(sample.whole, sheet),
        "gallery_map": lambda: gallery_detector.occupancy(sample.whole, sheet),
        "gallery_event": lambda: gallery_modules.event(sample.images, sample.sent, sheet),
        "gallery_transport": lambda: gallery_modules.transport(sample.images, sample.sent, sheet),
        "gallery_rates": lambda: gallery_modules.rates(sample.images, sample.sent, sheet),
    }


def main() -> None:
    """Draw the pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of the pictures; default: all")
    parser.add_argument("--events", type=Path, default=EVENTS, help="file of whole events")
    parser.add_argument("--physics", type=Path, help="directory of `econ-ae physics`, for the turn-on")
    parser.add_argument("--out", type=Path, default=IMAGES)
    options = parser.parse_args()
    if not options.events.is_file():
        sys.exit(f"{options.events} is missing; give whole events with --events FILE")
    with tempfile.TemporaryDirectory() as folder:
        sheet = Sheet(Sign(origin="Simulation"), Path(folder))
        drawn = pictures(Sample(options.events), sheet, options.physics)
        unknown = sorted(set(options.names) - set(drawn))
        if unknown:
            sys.exit(f"no picture {', '.join(unknown)}; there are {', '.join(drawn)}")
        for name in options.names or drawn:
            drawn[name]()
            png = Path(folder) / f"{name}.png"
            shrink(png)
            shutil.copy(png, options.out / png.name)
            print(f"{png.name}: {png.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
