"""Verify: the Verilog of the run in Icarus against the integer model, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.run.context import RTL, VERIFY, Context
from econ_ae.app.stages.generate import verilog_options
from econ_ae.emulator import input_images
from econ_ae.errors import VerificationError


def run(context: Context) -> list[Path]:
    """Verify the Verilog in ``rtl/``; VerificationError on any difference."""
    result = verify(context, context.config.verify.real_events)
    if not result.passed:
        raise VerificationError(
            f"{result.mismatches} of {result.events} events differ between Verilog and emulator; "
            f"first: {result.first_mismatch}; see {context.path(VERIFY)}"
        )
    return [p for p in context.path(VERIFY).iterdir() if p.suffix in {".json", ".xml"}]


def verify(context: Context, real_events: int) -> Any:
    """Simulate the Verilog in ``rtl/`` against the emulator on report rows, random images and all corners."""
    from sim.bench.verify import verify_encoder

    model = context.model()
    config = context.config
    folder = context.path(RTL)
    charges = np.concatenate([context.rows(name).charges for name in ("report", "validation", "train")])
    images = input_images(model.input, model.normalise, charges[:real_events])
    return verify_encoder(
        model,
        verilog_options(config, model),
        images,
        context.path(VERIFY),
        random_events=config.verify.random_events,
        seed=config.seed,
        progress=context.progress,
        files={str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.v"))},
    )
