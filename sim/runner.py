"""Verifies generated Verilog against econ_ae's models in Icarus Verilog, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_BITS
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress
from rtl_gen.verilog import VerilogOptions, generate, latency, ports, top_module
from sim import coverage, datapath_stimulus, stimulus, vectors
from sim.golden import LINK_BITS, Settings, images_of
from sim.icarus import Workspace, require_simulator, verify
from sim.result import VerificationResult
from sim.vectors import VectorPhase

ENCODER_BENCH = "sim.benches.encoder_bench"
DATAPATH_BENCH = "sim.benches.datapath_bench"

__all__ = ["require_simulator", "verify_datapath", "verify_encoder", "verify_vectors"]


def verify_encoder(
    model: EncoderModel,
    options: VerilogOptions,
    images: NDArray[np.integer],
    work_dir: Path,
    *,
    random_events: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> VerificationResult:
    """Simulate the encoder's Verilog and compare every latent of every event with the emulator.

    Parameters
    ----------
    model : the encoder; its weights are one of the weight sets that are applied
    options : as for ``rtl_gen.verilog.generate``, block ``encoder``
    images : real images, integers (n, rows, cols, channels) in the format of the model's Normalise; may be empty
    work_dir : where everything goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml`` (JUnit),
        ``verification.json``
    random_events : number of random images besides the corners and the real ones
    seed : of the random images, the random weights and the gaps
    progress : shown one step per event; nothing is printed without it
    files : Verilog by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference between Verilog and emulator is in it (``passed`` is False), not an exception.

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, or the simulation did not compare everything that it had to.
    """
    campaign = stimulus.campaign(check(model), images, random_events, seed)
    files = generate(model, options) if files is None else files
    space = Workspace.prepare(work_dir)
    encoder, images_path = space.build / "encoder.json", space.build / "stimulus.npz"
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    stimulus.save(campaign, images_path)
    job = {
        "model": str(encoder),
        "campaign": str(images_path),
        "latency": latency(model, options),
        "seed": seed,
    }
    return verify(
        space,
        files,
        top_module(model, options),
        ENCODER_BENCH,
        job,
        events=campaign.events(),
        not_reached=coverage.measure((campaign.models[p.weights], p.images) for p in campaign.phases).not_reached,
        progress=progress,
    )


def verify_datapath(
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    work_dir: Path,
    *,
    settings: Sequence[Settings] = (),
    random_events: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> VerificationResult:
    """Simulate a normaliser or a datapath and compare every output of every event with econ_ae's models.

    Corners and random events run under many settings (``datapath_stimulus.settings_list``), the given events under
    the given settings.

    Parameters
    ----------
    options : as for ``rtl_gen.verilog.generate``, block ``normaliser`` or ``datapath``
    events : real events, integers (n, cells): trigger-cell codes in front of the mux for a datapath with front end,
        else calibrated charges; may be empty
    settings : configuration inputs for the real events; the model's own without them
    model, work_dir, random_events, seed, progress, files : as for ``verify_encoder``

    Returns
    -------
    The result; its weight sets are the names of the settings.

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, an assertion in it failed though every output is right, or the simulation
        did not compare everything that it had to.
    """
    campaign = datapath_stimulus.campaign(
        check(model), options, events, random_count=random_events, seed=seed, chosen=settings
    )
    phases = list(vectors.vectors(model, options, campaign.phases))
    covered = coverage.measure(
        (phase.settings.model, images_of(phase.events, phase.settings, options)) for phase in campaign.phases
    )
    return verify_vectors(
        model,
        options,
        phases,
        work_dir,
        seed=seed,
        not_reached=covered.not_reached,
        progress=progress,
        files=files,
    )


def verify_vectors(
    model: EncoderModel,
    options: VerilogOptions,
    phases: Sequence[VectorPhase],
    work_dir: Path,
    *,
    seed: int = 1,
    not_reached: tuple[str, ...] = (),
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> VerificationResult:
    """Simulate a block and compare it with vectors of any origin; every output that they hold is compared.

    Parameters
    ----------
    phases : at least one; the first is repeated after a reset
    not_reached : corners of the arithmetic that the phases do not reach, for the result
    model, options, work_dir, seed, progress, files : as for ``verify_datapath``

    Raises
    ------
    ToolMissingError, VerificationError
        As for ``verify_datapath``.
    """
    files = generate(model, options) if files is None else files
    space = Workspace.prepare(work_dir)
    path = space.build / "vectors.npz"
    vectors.save(phases, path)
    block = ports(model, options)
    job = {
        "vectors": str(path),
        "widths": {port.name: port.width for port in block},
        "fields": {"latents": model.latent.width, "sum_code": SUM_BITS, "frame": LINK_BITS},
        "latency": latency(model, options),
        "seed": seed,
    }
    events = sum(phase.events for phase in phases)
    top = top_module(model, options)
    return verify(space, files, top, DATAPATH_BENCH, job, events=events, not_reached=not_reached, progress=progress)
