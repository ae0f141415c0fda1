"""Pictures compared with kept ones: small and blurred, so that another font is no difference and a lost plot is one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FOLDER = Path(__file__).parent / "metrics" / "pictures"
WRITE = "ECON_AE_WRITE_PICTURES"
"""Set this variable to write the kept pictures anew; look at them before they are committed."""
_WIDTH = 96  # pixels of a kept picture
_BLUR = 1.5  # pixels of it
_STRETCH = 0.25  # that fonts may make a part higher or lower
_MOST = 0.30  # part of the ink of a kept picture that may differ


class UnlikeError(AssertionError):
    """A picture that is not like the kept one."""


def check(parts: Mapping[str, Image.Image], name: str) -> None:
    """Compare pictures with the kept ones of a name, part by part.

    Parameters
    ----------
    parts : pictures by name, in order
    name : of the kept picture, which holds all parts one below the other

    Raises
    ------
    UnlikeError
        When there are other parts, or in another order, or one of another shape or with other things in it.
    """
    path = FOLDER / f"{name}.png"
    if os.environ.get(WRITE):
        _write(parts, path)
        return
    if not path.is_file():
        pytest.fail(f"{path} is missing; write it with {WRITE}=1, look at it and commit it")
    heights = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    if list(parts) != list(heights):
        raise UnlikeError(f"{name} has the parts {', '.join(parts)}; kept are {', '.join(heights)}")
    with Image.open(path) as whole:
        kept = whole.convert("L")
    top = 0
    for part, height in heights.items():
        found = parts[part]
        wanted = round(found.height * _WIDTH / found.width)
        if abs(wanted - height) > max(3.0, _STRETCH * height):
            raise UnlikeError(f"{name}: {part} is {wanted / height:.2f} times as high as the kept one")
        differs = difference(found, kept.crop((0, top, _WIDTH, top + height)))
        if differs > _MOST:
            raise UnlikeError(
                f"{name}: {100 * differs:.0f} % of the ink of {part} differs, at most {100 * _MOST:.0f} % may"
            )
        top += height


def difference(found: Image.Image, kept: Image.Image) -> float:
    """Return how much of the ink of a kept grey picture, what is not its background, another one has elsewhere."""
    mine, theirs = _values(found.resize(kept.size, Image.Resampling.BOX)), _values(kept)
    ink = np.abs(theirs - np.median(theirs)).mean() + 0.5  # half a grey level: an empty picture has no ink
    return float(np.abs(mine - theirs).mean() / ink)


def _values(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(_BLUR)), np.float64)


def _write(parts: Mapping[str, Image.Image], path: Path) -> None:
    small = {
        name: part.convert("L").resize((_WIDTH, max(1, round(part.height * _WIDTH / part.width))), Image.Resampling.BOX)
        for name, part in parts.items()
    }
    whole = Image.new("L", (_WIDTH, sum(one.height for one in small.values())))
    top = 0
    for one in small.values():
        whole.paste(one, (0, top))
        top += one.height
    path.parent.mkdir(exist_ok=True)
    whole.save(path, optimize=True)
    path.with_suffix(".json").write_text(json.dumps({n: one.height for n, one in small.items()}) + "\n", "utf-8")
