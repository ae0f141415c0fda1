"""Verify: the Verilog of the run against the integer model, event by event, as it is simulated and as it is costed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.run.context import VERIFY, Context
from econ_ae.app.stages.generate import STRUCTURAL, texts, verilog_options
from econ_ae.emulator import input_images
from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.process import YOSYS, has


def run(context: Context) -> list[Path]:
    """Verify the Verilog of the run; VerificationError on any difference.

    The encoder runs in Icarus with written-out sums, beside it every sum is computed from the text that is costed.
    Without yosys nothing is costed, and that text is not verified.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        costed = pool.submit(verify_costed, context) if has(YOSYS) else None
        result = verify(context, context.config.verify.real_events)
    if not result.passed:
        raise VerificationError(
            f"{result.mismatches} of {result.events} events differ between Verilog and emulator; "
            f"first: {result.first_mismatch}; see {context.path(VERIFY)}"
        )
    written = [p for p in context.path(VERIFY).iterdir() if p.suffix in {".json", ".xml"}]
    if costed is None:
        return written
    leaf = costed.result()
    if not leaf.passed:
        raise VerificationError(
            f"{leaf.mismatches} sums differ between the {leaf.leaf} Verilog and the emulator; "
            f"first: {leaf.first_mismatch}; see {leaf.report}"
        )
    return [*written, leaf.report]


def verify(context: Context, real_events: int) -> Any:
    """Simulate the Verilog in ``rtl/`` against the emulator on report rows, random images and all corners."""
    from sim.bench.verify import verify_encoder

    model = context.model()
    config = context.config
    return verify_encoder(
        model,
        verilog_options(config, model),
        _images(context, real_events),
        context.path(VERIFY),
        random_events=config.verify.random_events,
        seed=config.seed,
        progress=context.progress,
        files=texts(context),
    )


def verify_costed(context: Context) -> Any:
    """Compute every sum of the same campaign from the structural Verilog; all else in it must equal ``rtl/``.

    Raises
    ------
    VerificationError
        When another file differs, so that the simulation of ``rtl/`` says nothing about it.
    """
    from rtl_gen.verilog import leaf_files
    from sim.leaves import verify_leaf
    from sim.stimulus import images

    model, config = context.model(), context.config
    simulated, costed = texts(context), texts(context, STRUCTURAL)
    options = verilog_options(config, model, STRUCTURAL)
    own = {*leaf_files(model, options), *leaf_files(model, verilog_options(config, model))}
    other = sorted(name for name in {*simulated, *costed} - own if simulated.get(name) != costed.get(name))
    if other:
        raise VerificationError(f"{other[0]} is not the same for synthesis and simulation; run econ-ae generate")
    campaign = images.campaign(
        model, _images(context, config.verify.real_events), config.verify.random_events, config.seed
    )
    return verify_leaf(model, options, campaign, costed, context.path(VERIFY, STRUCTURAL))


def _images(context: Context, real_events: int) -> IntArray:
    model = context.model()
    charges = np.concatenate([context.rows(name).charges for name in ("report", "validation", "train")])
    return input_images(model.input, model.normalise, charges[:real_events])
