"""Verify: the Verilog of the run against the integer model, event by event, as it is simulated and as it is costed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.run.context import VERIFY, Context
from econ_ae.app.run.texts import STRUCTURAL, texts
from econ_ae.app.stages.generate import verilog_options
from econ_ae.emulator import input_images
from econ_ae.errors import VerificationError
from econ_ae.fixedpoint import IntArray
from econ_ae.process import YOSYS, has


@dataclass(frozen=True)
class Verified:
    """Outcome of the stage.

    Parameters
    ----------
    bench : ``sim.result.VerificationResult`` of ``rtl/`` in Icarus
    leaf : ``sim.leaves.LeafResult`` of the text that is costed; None without yosys, as nothing is costed then
    """

    bench: Any
    leaf: Any

    @property
    def results(self) -> list[Any]:
        """All that there are."""
        return [self.bench] if self.leaf is None else [self.bench, self.leaf]

    @property
    def passed(self) -> bool:
        """Whether every one did."""
        return all(result.passed for result in self.results)

    def files(self) -> list[Path]:
        """Return the files that say so."""
        written = [p for p in self.bench.report.parent.iterdir() if p.suffix in {".json", ".xml"}]
        return written if self.leaf is None else [*written, self.leaf.report]


def run(context: Context) -> list[Path]:
    """Verify the Verilog of the run; VerificationError on any difference."""
    found = verify(context, context.config.verify.real_events)
    if not (bench := found.bench).passed:
        raise VerificationError(
            f"{bench.mismatches} of {bench.events} events differ between Verilog and emulator; "
            f"first: {bench.first_mismatch}; see {context.path(VERIFY)}"
        )
    if not found.passed:
        leaf = found.leaf
        raise VerificationError(
            f"{leaf.mismatches} sums differ between the {leaf.leaf} Verilog and the emulator; "
            f"first: {leaf.first_mismatch}; see {leaf.report}"
        )
    return found.files()


def verify(context: Context, real_events: int) -> Verified:
    """Verify the encoder in ``rtl/`` in Icarus, and beside it compute every sum from the text that is costed."""
    if context.model().sends_cells:
        return Verified(verify_cells(context, real_events), None)
    with ThreadPoolExecutor(max_workers=1) as pool:
        costed = pool.submit(verify_costed, context, real_events) if has(YOSYS) else None
        bench = verify_simulated(context, real_events)
    return Verified(bench, None if costed is None else costed.result())


def verify_simulated(context: Context, real_events: int) -> Any:
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


def verify_cells(context: Context, real_events: int) -> Any:
    """Simulate the path from codes to frames in ``rtl/`` against the emulator, as ``verify_simulated``."""
    from sim.bench.verify import verify_datapath

    model, config = context.model(), context.config
    return verify_datapath(
        model,
        verilog_options(config, model),
        context.codes(real_events),
        context.path(VERIFY),
        random_events=config.verify.random_events,
        seed=config.seed,
        progress=context.progress,
        files=texts(context),
    )


def verify_costed(context: Context, real_events: int) -> Any:
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
    campaign = images.campaign(model, _images(context, real_events), config.verify.random_events, config.seed)
    return verify_leaf(model, options, campaign, costed, context.path(VERIFY, STRUCTURAL))


def _images(context: Context, real_events: int) -> IntArray:
    model = context.model()
    charges = np.concatenate([context.rows(name).charges for name in ("report", "validation", "train")])
    return input_images(model.input, model.normalise, charges[:real_events])
