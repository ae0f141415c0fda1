"""Verifies the complete block in Icarus Verilog: settings over I2C, frames against econ_ae's models, both at once."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress, Silent
from rtl_gen.verilog import DATAPATH, VerilogOptions, block_ports, default_options, generate_block, latency
from rtl_gen.verilog.options import FRAME_REGISTER
from rtl_gen.writer import write_files
from sim import vectors
from sim.datapath_stimulus import EventPhase, random_events
from sim.golden import FRAME_WORDS, Settings
from sim.i2c.block_harness import HARNESS, block_harness
from sim.i2c.result import BlockResult
from sim.i2c.verify import ASSERTION
from sim.icarus import Workspace, require_simulator, simulate
from sim.result import read_junit, read_records
from sim.stimulus import RANDOM, weight_sets

BENCH = "sim.i2c.block_bench"
TESTS = (
    "disabled_after_reset", "load_and_stream", "reconfigure_while_streaming", "upsets_while_streaming",
    "reset_while_streaming",
)  # fmt: skip
"""Tests of the bench; every one has to run."""

_BX0_EVERY = 97
_UNIT = 2048


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
    upsets: int = 20,
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
    upsets : single upsets while events stream, of weight bits or, without their triplication, of others that have it;
        0 for a netlist, whose bits nothing outside can flip
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
    simulator = require_simulator()
    options = options or default_options(check(model), DATAPATH)
    space = Workspace.prepare(work_dir)
    job, encoder, vectors_path = (space.build / name for name in ("job.json", "encoder.json", "vectors.npz"))
    rng = np.random.default_rng(seed)
    rows = np.concatenate([events.astype(np.int64), random_events(model, options, random_count, rng)])
    flags = np.arange(len(rows)) % _BX0_EVERY == 0
    flags[: len(events)] = np.arange(len(events)) == 0 if bx0 is None else bx0
    old = settings or _drawn(model, rng)
    chosen = (old, _other(old, rewritten, seed), _after_reset(model))
    phases = [EventPhase(RANDOM, each, rows, flags) for each in chosen]
    vectors.save(vectors.vectors(model, options, phases), vectors_path)
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    verilog = generate_block(model, options) if files is None else files
    texts = {f"{HARNESS}.v": block_harness(model, options, flips=upsets > 0)} | dict(verilog)
    sources = [path for path in write_files(texts, space.directory / "rtl", overwrite=True) if path.suffix == ".v"]
    content = {
        "sources": [str(path) for path in sources],
        "top": HARNESS,
        "bench": BENCH,
        "build_dir": str(space.build),
        "junit": str(space.junit),
        "model": str(encoder),
        "records": str(space.records),
        "vectors": str(vectors_path),
        "widths": {port.name: port.width for port in block_ports(model, options)},
        "latency": latency(model, options),
        "registered": FRAME_REGISTER in options.registers,
        "short": rewritten is not None,
        "seed": seed,
        "upsets": upsets,
        "tmr": sorted(options.tmr),
    }
    job.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    started = time.perf_counter()
    simulate(job, space.log, space.records, 0, progress or Silent())
    seconds = round(time.perf_counter() - started, 2)
    records = read_records(space.records, space.log)
    tests = _complete(space, records)
    problems = [r["first_mismatch"] for r in records if r["mismatches"]]
    lines = space.log.read_text(encoding="utf-8", errors="replace").splitlines()
    problems += [line for line in lines if ASSERTION in line]
    facts = {name: value for record in records for name, value in record.items()}
    result = BlockResult(
        tests=tests,
        compared=sum(r["compared"] for r in records),
        mismatches=len(problems),
        first_mismatch=problems[0] if problems else None,
        latency=latency(model, options),
        exact=sum(r.get("exact", 0) for r in records),
        flagged=facts.get("flagged"),
        mixtures=facts.get("mixtures"),
        upsets=facts.get("upsets"),
        load_bytes=facts.get("load_bytes"),
        load_seconds=facts.get("load_seconds"),
        load_cpu_seconds=facts.get("load_cpu_seconds"),
        streamed=facts.get("streamed"),
        stream_seconds=facts.get("stream_seconds"),
        simulator=simulator,
        seconds=seconds,
        junit=space.junit,
        report=space.report,
        log=space.log,
    )
    space.report.write_text(result.to_json(), encoding="utf-8")
    return result


def _complete(space: Workspace, records: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the names of the tests; every one ran, and what failed is explained by a mismatch."""
    tests = read_junit(space.junit, space.log)
    missing = sorted(set(TESTS) - set(tests))
    if missing:
        raise VerificationError(f"the simulation did not run test {missing[0]!r}; see {space.log}")
    wrong = any(record["mismatches"] for record in records)
    for test, failure in tests.items():
        if (failure and not wrong) or not (failure or any(record["test"] == test for record in records)):
            raise VerificationError(f"test {test!r} of the bench broke: {failure}; see {space.log}")
    return tuple(tests)


def _drawn(model: EncoderModel, rng: np.random.Generator) -> Settings:
    """Return random settings around the model's own; factors between a half and one and a half."""
    cells = model.input.cells
    mux = tuple(int(c) for c in rng.permutation(cells))
    factors = tuple(int(f) for f in rng.integers(_UNIT // 2, 3 * _UNIT // 2, cells))
    return Settings("old", model, mux, factors, model.pack.keep, min(model.pack.elinks, FRAME_WORDS))


def _other(old: Settings, rewritten: int | None, seed: int) -> Settings:
    """Return settings with other weights, and another factor of cell 0."""
    model = weight_sets(old.model, seed)["random_0"]
    image = weights.pack(model)
    if rewritten is not None:
        model = weights.unpack(model, image[:rewritten] + weights.pack(old.model)[rewritten:])
    return replace(old, name="new", model=model, calibration=(old.calibration[0] ^ 0x7FF, *old.calibration[1:]))


def _after_reset(model: EncoderModel) -> Settings:
    """Return what the registers hold after a reset: all weights 0, everything kept."""
    empty = weights.unpack(model, bytes(len(weights.pack(model))))
    return replace(Settings.plain(empty, "reset"), keep=((1 << model.latent.width) - 1,) * model.latents)
