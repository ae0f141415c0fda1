"""Verifies generated Verilog against econ_ae's models in Icarus Verilog, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_BITS
from econ_ae.errors import VerificationError
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress
from rtl_gen.verilog import VerilogOptions, generate, latency, ports, top_module
from sim.bench import vectors
from sim.bench.runner import Simulated, Simulation, Workspace, run
from sim.bench.vectors import Vectors
from sim.result import first
from sim.stimulus import coverage, events, images
from sim.stimulus.golden import LINK_BITS, charges_of, images_of
from sim.stimulus.phases import CORNER, RANDOM, REAL, Phase
from sim.stimulus.settings import Settings

BENCH = f"{__package__}.bench"
CAMPAIGN = "campaign"
"""Name of the bench test whose events are counted."""
TESTS = ("reset", CAMPAIGN)


@dataclass(frozen=True, kw_only=True)
class VerificationResult(Simulated):
    """Outcome of a comparison of the Verilog with the emulator; every output of every event was compared.

    Parameters
    ----------
    events : events sent
    mismatches : events that were wrong in any way (value, unknown bit, order, number, latency, reset), and assertions
        of the Verilog that fired
    corner_events, random_events, real_events : events by kind
    latency : clocks from in_valid to out_valid, measured on every event; None when it was not the same everywhere
    stated_latency : clocks that the generator states
    weight_sets : names of the weight sets or settings that were applied
    events_per_second : of the simulation alone, with everything compared
    not_reached : corners of the arithmetic that no event reached (``sim.stimulus.coverage``)
    """

    corner_events: int
    random_events: int
    real_events: int
    latency: int | None
    stated_latency: int
    weight_sets: tuple[str, ...]
    events_per_second: float
    not_reached: tuple[str, ...]


def verify_encoder(
    model: EncoderModel,
    options: VerilogOptions,
    real: NDArray[np.integer],
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
    real : real images, integers (n, rows, cols, channels) in the format of the model's Normalise; may be empty
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
    campaign = images.campaign(check(model), real, random_events, seed)
    sent, unseen = _expected(model, options, campaign.phases)
    return verify_vectors(model, options, sent, work_dir, seed=seed, not_reached=unseen, progress=progress, files=files)


def verify_datapath(
    model: EncoderModel,
    options: VerilogOptions,
    real: NDArray[np.integer],
    work_dir: Path,
    *,
    settings: Sequence[Settings] = (),
    random_events: int = 500,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> VerificationResult:
    """Simulate a normaliser or a datapath and compare every output of every event with econ_ae's models.

    Corners and random events run under many settings (``sim.stimulus.settings.settings_list``), the given events under
    the given settings.

    Parameters
    ----------
    options : as for ``rtl_gen.verilog.generate``, block ``normaliser`` or ``datapath``
    real : real events, integers (n, cells): trigger-cell codes in front of the mux for a datapath with front end,
        else calibrated charges; may be empty
    settings : configuration inputs for the real events; the model's own without them
    model, work_dir, random_events, seed, progress, files : as for ``verify_encoder``

    Returns
    -------
    The result; its weight sets are the names of the settings.

    Raises
    ------
    ToolMissingError, VerificationError
        As for ``verify_encoder``.
    """
    campaign = events.campaign(check(model), options, real, random_count=random_events, seed=seed, chosen=settings)
    sent, unseen = _expected(model, options, campaign.phases)
    return verify_vectors(model, options, sent, work_dir, seed=seed, not_reached=unseen, progress=progress, files=files)


def _expected(
    model: EncoderModel, options: VerilogOptions, phases: tuple[Phase, ...]
) -> tuple[list[Vectors], tuple[str, ...]]:
    """Return the vectors of phases, and which corners of the arithmetic they do not reach."""
    if model.sends_cells:
        charges = ((p.settings.model, charges_of(p.events, p.settings, options)) for p in phases if len(p.events))
        covered = coverage.measure_cells(charges)
    else:
        covered = coverage.measure((p.settings.model, images_of(p.events, p.settings, options)) for p in phases)
    return list(vectors.vectors(model, options, phases)), covered.not_reached


def verify_vectors(
    model: EncoderModel,
    options: VerilogOptions,
    phases: Sequence[Vectors],
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
        As for ``verify_encoder``.
    """
    space = Workspace.prepare(work_dir)
    path = space.build / "vectors.npz"
    vectors.save(phases, path)
    fields = {"sum_code": ("sum_code", SUM_BITS, False), "frame": ("frame", LINK_BITS, False)}
    if not model.sends_cells:
        fields["latents"] = ("latent", model.latent.width, model.latent.signed)
    job = {
        "vectors": str(path),
        "widths": {port.name: port.width for port in ports(model, options)},
        "fields": fields,  # name, bits and sign of the numbers on a bus
        "latency": latency(model, options),
        "seed": seed,
    }
    sent = sum(phase.events for phase in phases)
    found = run(
        space,
        generate(model, options) if files is None else files,
        top_module(model, options),
        [BENCH],
        job,
        tests=TESTS,
        steps=sent,
        progress=progress,
    )
    return summarise(found, sent, latency(model, options), not_reached).saved(space.report)


def summarise(
    found: Simulation, sent: int, stated_latency: int, not_reached: tuple[str, ...] = ()
) -> VerificationResult:
    """Return the result of a simulation that had to send so many events.

    Raises
    ------
    VerificationError
        When it did not send them all, or there were none.
    """
    counted = [record for record in found.records if record["test"] == CAMPAIGN]

    def count(*kinds: str) -> int:
        return sum(record["events"] for record in counted if record["kind"] in kinds)

    total = count(CORNER, RANDOM, REAL)
    if not total or total != sent:
        raise VerificationError(f"the simulation sent {total} events, expected {sent}; see {found.space.log}")
    latencies = {value for record in found.records for value in record["latencies"]}
    return VerificationResult(
        events=total,
        mismatches=sum(record["mismatches"] for record in found.records) + len(found.assertions),
        first_mismatch=first(found.problems()),
        corner_events=count(CORNER),
        random_events=count(RANDOM),
        real_events=count(REAL),
        latency=latencies.pop() if len(latencies) == 1 else None,
        stated_latency=stated_latency,
        weight_sets=tuple(dict.fromkeys(record["weights"] for record in counted)),
        events_per_second=round(total / max(sum(record["seconds"] for record in counted), 1e-9), 1),
        not_reached=not_reached,
        **found.common(),
    )
