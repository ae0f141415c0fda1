"""Verifies the complete block in Icarus Verilog: settings over I2C, frames against econ_ae's models, both at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress
from rtl_gen.verilog import DATAPATH, VerilogOptions, block_ports, default_options, generate_block, latency
from rtl_gen.verilog.options import FRAME_REGISTER
from sim.bench import vectors
from sim.bench.runner import Simulated, Workspace, run
from sim.i2c.block_harness import HARNESS, block_harness
from sim.stimulus.events import random_events
from sim.stimulus.phases import RANDOM, Phase
from sim.stimulus.settings import FRAME_WORDS, UNIT, Settings, at_reset, rules, weight_sets

BENCH = f"{__package__}.block_bench"
TESTS = (
    "disabled_after_reset", "load_and_stream", "reconfigure_while_streaming", "upsets_while_streaming",
    "reset_while_streaming",
)  # fmt: skip
"""Tests of the bench; every one has to run."""

RELOAD_BENCH = f"{__package__}.reload_bench"
RELOAD_TESTS = ("reload_while_streaming",)
"""The same at a bus frequency of I2C."""

_BX0_EVERY = 97
_UPSETS = 20  # while events stream, of weight bits or, without their triplication, of others that have it


@dataclass(frozen=True, kw_only=True)
class BlockResult(Simulated):
    """Outcome of a verification of the complete block.

    Parameters
    ----------
    events : comparisons made
    mismatches : tests with a comparison that failed, assertions of the Verilog that fired
    tests : names of the tests that ran
    latency : clocks, checked on every event
    exact : unflagged events; every output of each was compared
    flagged : events flagged during the reconfigurations
    mixtures : flagged events that were in fact neither those of the old nor of the new settings
    upsets : single upsets of weight bits while events streamed
    load_bytes : bytes of settings and weights that were loaded over I2C
    load_seconds, load_cpu_seconds : wall time and processor time of that load, on a bus that is faster than I2C's
    streamed, stream_seconds : events sent one a clock after the load, and their wall time
    reloaded_flagged : events flagged while all weights were loaded anew at ``reload_hertz``, as many as
        ``rtl_gen.registers.flagged_events`` states

    What the bench did not reach because of a mismatch is None.
    """

    tests: tuple[str, ...]
    latency: int
    exact: int
    flagged: int | None
    mixtures: int | None
    upsets: int | None
    load_bytes: int | None
    load_seconds: float | None
    load_cpu_seconds: float | None
    streamed: int | None
    stream_seconds: float | None
    reloaded_flagged: int | None


def verify_block(
    model: EncoderModel,
    work_dir: Path,
    events: NDArray[np.integer],
    *,
    options: VerilogOptions | None = None,
    settings: Settings | None = None,
    bx0: NDArray[np.bool_] | None = None,
    rewritten: int | None = None,
    random_count: int = 200,
    reload_hertz: int | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> BlockResult:
    """Simulate the complete block and judge every event.

    Parameters
    ----------
    work_dir : where everything goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml``
        (JUnit), ``verification.json``
    events : integers (n, cells), codes or charges, whatever the block takes; sent first; may be empty
    options : of the datapath, default options without it
    settings : loaded over I2C; without them random mux and factors, and the model's weights, masks and eLinks
    bx0 : bool (n,), which of the events are bunch crossing 0; without it the first one
    rewritten : bytes of the weight image that the reconfiguration rewrites (from the first on); all without it
    random_count : random events besides the given ones
    reload_hertz : also load all weights anew at this bus frequency while an event comes at every clock, and compare
        the number of flagged events with the stated one; the datapath must have the register ``frame``
    seed : of everything that is random
    files : Verilog by relative path to verify in place of the generated one, behind the same ports

    Returns
    -------
    The result; a difference is in it (``passed`` is False), not an exception.

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, or a test did not run.
    """
    options = options or default_options(check(model), DATAPATH)
    space = Workspace.prepare(work_dir)
    encoder, vectors_path = space.build / "encoder.json", space.build / "vectors.npz"
    rng = np.random.default_rng(seed)
    rows = np.concatenate([events.astype(np.int64), random_events(model, options, random_count, rng)])
    flags = np.arange(len(rows)) % _BX0_EVERY == 0
    flags[: len(events)] = np.arange(len(events)) == 0 if bx0 is None else bx0
    old = settings or _drawn(model, rng)
    other = _other(old, rewritten, seed)
    chosen = (old, other, _after_reset(model), replace(old, name="reloaded", model=other.model))
    phases = [Phase(RANDOM, each, rows, flags) for each in chosen]
    vectors.save(vectors.vectors(model, options, phases), vectors_path)
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    verilog = generate_block(model, options) if files is None else files
    reload = reload_hertz is not None
    tests = TESTS + RELOAD_TESTS if reload else TESTS
    job = {
        "model": str(encoder),
        "vectors": str(vectors_path),
        "widths": {port.name: port.width for port in block_ports(model, options)},
        "latency": latency(model, options),
        "registered": FRAME_REGISTER in options.registers,
        "short": rewritten is not None,
        "seed": seed,
        "upsets": _UPSETS,
        "tmr": sorted(options.tmr),
        "reload_hertz": reload_hertz,
    }
    found = run(
        space,
        {f"{HARNESS}.v": block_harness(model, options)} | dict(verilog),
        HARNESS,
        [BENCH, RELOAD_BENCH] if reload else [BENCH],
        job,
        tests=tests,
        steps=len(tests),
        title="block",
        progress=progress,
    )
    facts = ("flagged", "mixtures", "upsets", "load_bytes", "load_seconds", "load_cpu_seconds")
    return BlockResult(
        latency=latency(model, options),
        exact=sum(r.get("exact", 0) for r in found.records),
        **found.facts(*facts, "streamed", "stream_seconds", "reloaded_flagged"),
        **found.counted(),
    ).saved(space.report)


def _drawn(model: EncoderModel, rng: np.random.Generator) -> Settings:
    """Return random settings around the model's own; factors between a half and one and a half.

    Of a model that sends cells they are below 1, see ``Settings.suppressed``.
    """
    cells = model.input.cells
    mux = tuple(int(c) for c in rng.permutation(cells))
    factors = tuple(int(f) for f in rng.integers(UNIT // 2, UNIT if model.sends_cells else 3 * UNIT // 2, cells))
    keep = () if model.sends_cells else model.pack.keep
    return Settings("old", model, mux, factors, keep, min(model.elinks, FRAME_WORDS))


def _other(old: Settings, rewritten: int | None, seed: int) -> Settings:
    """Return settings with other weights, and another factor of cell 0."""
    model = (rules if old.model.sends_cells else weight_sets)(old.model, seed)["random_0"]
    image = weights.pack(model)
    if rewritten is not None:
        model = weights.unpack(model, image[:rewritten] + weights.pack(old.model)[rewritten:])
    return replace(old, name="new", model=model, calibration=(old.calibration[0] ^ 0x7FF, *old.calibration[1:]))


def _after_reset(model: EncoderModel) -> Settings:
    """Return what the registers hold after a reset: all weights 0, everything kept."""
    plain = Settings.plain(at_reset(model), "reset")
    return plain if model.sends_cells else replace(plain, keep=((1 << model.latent.width) - 1,) * model.latents)
