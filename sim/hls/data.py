"""Stimulus and golden outputs of the C++ testbench, as text files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae import emulator
from econ_ae.econt import cell_frame
from econ_ae.emulator import input_images
from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.hls import outputs
from rtl_gen.verilog import default_options
from sim.stimulus import events, images
from sim.stimulus.golden import crossings, expected_latents
from sim.stimulus.phases import Campaign, Phase

WEIGHTS, IMAGES, GOLDEN = "weights.txt", "images.txt", "golden.txt"


def inputs(model: EncoderModel, charges: NDArray[np.integer]) -> IntArray:
    """Return what the C++ takes of charges (n, cells): input images, or the charges of a model that sends cells."""
    if model.sends_cells:
        return charges.astype(np.int64)
    return input_images(model.input, model.normalise, charges)


def campaign(model: EncoderModel, real: NDArray[np.integer], random_events: int, seed: int) -> Campaign:
    """Return the campaign of a model's C++: of images, or of charges for a model that sends cells.

    Parameters
    ----------
    real : real events as ``inputs`` returns them; may be empty

    Raises
    ------
    DataError
        When the real events have another shape or do not fit.
    """
    if model.sends_cells:
        options = replace(default_options(model), front_end=False)
        return events.campaign(model, options, real, random_count=random_events, seed=seed)
    return images.campaign(model, real, random_events, seed)


def golden(campaign: Campaign) -> IntArray:
    """Return what the emulator gives for every event, int64 (events, outputs), in sending order.

    Latents; of a model that sends cells the words of the frame.
    """
    crossing = _crossings(campaign)
    parts = []
    start = 0
    for phase in campaign.phases:
        parts.append(_golden(phase, crossing[start : start + len(phase.events)]))
        start += len(phase.events)
    return np.concatenate(parts)


def _golden(phase: Phase, crossing: IntArray) -> IntArray:
    model = phase.settings.model
    if not model.sends_cells:
        return expected_latents(model, phase.events)
    words = cell_frame.frames(model, emulator.encode_pulses(model, phase.events), phase.events, crossing)
    sent = outputs(model)
    if words[:, sent:].any():
        raise VerificationError(f"{model.name}: a frame of the emulator has more than {sent} words")
    return words[:, :sent].astype(np.int64)


def _crossings(campaign: Campaign) -> IntArray:
    """Return the bunch crossing of every event, int64 (events,)."""
    return crossings(np.concatenate([phase.bx0 for phase in campaign.phases]))


def data_files(campaign: Campaign, expected: IntArray | None = None) -> dict[str, str]:
    """Return ``weights.txt``, ``images.txt`` and ``golden.txt`` of a campaign; ``testbench.cpp`` describes them.

    Parameters
    ----------
    expected : ``golden(campaign)``, when it is known already
    """
    models = campaign.models()
    numbers = {name: number for number, name in enumerate(models)}
    sets = (f"{name} {weights.pack(model).hex()}\n" for name, model in models.items())
    crossing = _crossings(campaign)
    sent, start = [], 0
    for phase in campaign.phases:
        rows = phase.events.reshape(len(phase.events), -1)
        if phase.settings.model.sends_cells:
            rows = np.insert(rows, 0, crossing[start : start + len(rows)], axis=1)
        sent.append(_lines(np.insert(rows, 0, numbers[phase.settings.name], axis=1)))
        start += len(rows)
    expected = golden(campaign) if expected is None else expected
    return {WEIGHTS: "".join(sets), IMAGES: "".join(sent), GOLDEN: _lines(expected)}


def read_outputs(path: Path, events: int, numbers: int) -> IntArray:
    """Return what the testbench wrote, int64 (events, numbers).

    Raises
    ------
    VerificationError
        When the file is missing or holds another number of values.
    """
    if not path.is_file():
        raise VerificationError(f"the C++ testbench wrote no {path.name}")
    values = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
    if not events or values.size != events * numbers:
        raise VerificationError(
            f"the C++ testbench wrote {values.size} numbers, expected {events} events of {numbers}; see {path}"
        )
    return values.reshape(events, numbers)


def _lines(rows: IntArray) -> str:
    return "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist())
