"""Stimulus and golden outputs of the C++ testbench, as text files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from sim.stimulus.golden import expected_latents
from sim.stimulus.phases import Campaign

WEIGHTS, IMAGES, GOLDEN = "weights.txt", "images.txt", "golden.txt"


def golden(campaign: Campaign) -> IntArray:
    """Return the latents that the emulator gives for every event, int64 (events, latents), in sending order."""
    return np.concatenate([expected_latents(p.settings.model, p.events) for p in campaign.phases])


def data_files(campaign: Campaign, expected: IntArray | None = None) -> dict[str, str]:
    """Return ``weights.txt``, ``images.txt`` and ``golden.txt`` of a campaign; ``testbench.cpp`` describes them.

    Parameters
    ----------
    expected : ``golden(campaign)``, when it is known already
    """
    models = campaign.models()
    numbers = {name: number for number, name in enumerate(models)}
    sets = (f"{name} {weights.pack(model).hex()}\n" for name, model in models.items())
    images = (
        _lines(np.insert(p.events.reshape(len(p.events), -1), 0, numbers[p.settings.name], axis=1))
        for p in campaign.phases
    )
    expected = golden(campaign) if expected is None else expected
    return {WEIGHTS: "".join(sets), IMAGES: "".join(images), GOLDEN: _lines(expected)}


def read_latents(path: Path, events: int, latents: int) -> IntArray:
    """Return what the testbench wrote, int64 (events, latents).

    Raises
    ------
    VerificationError
        When the file is missing or holds another number of values.
    """
    if not path.is_file():
        raise VerificationError(f"the C++ testbench wrote no {path.name}")
    values = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    if not events or values.size != events * latents:
        raise VerificationError(
            f"the C++ testbench wrote {values.size} latents, expected {events} events of {latents}; see {path}"
        )
    return values.reshape(events, latents)


def _lines(rows: IntArray) -> str:
    return "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist())
