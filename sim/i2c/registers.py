"""Verifies the generated configuration (I2C target and registers) in Icarus Verilog."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import check
from econ_ae.progress import Progress
from rtl_gen.registers import AddressMap, address_map
from rtl_gen.registers.model import CLASSES
from rtl_gen.verilog import regfile
from rtl_gen.verilog.regfile_bits import index_width, protected_bits
from rtl_gen.verilog.render import primitive
from sim.bench.runner import Simulated, Workspace, run
from sim.i2c import coverage
from sim.i2c.harness import COPIES, HARNESS, harness, upset_sites

Suite = Literal["fast", "sweep"]
_SIM = __package__.removesuffix(".i2c")  # in a wheel these packages are inside econ_ae
BENCHES = (f"{_SIM}.i2c.register_bench", f"{_SIM}.i2c.protocol_bench", f"{_SIM}.faults.upset_bench")
TESTS = (
    "reset_values", "weights_over_the_bus", "crc_is_ended_by_a_write", "settings", "reconfiguration_flag",
    "bus_frequencies", "addressing", "broken_transactions", "glitches", "stuck_lines", "reset_in_every_state",
    "single_upsets", "unprotected_upsets", "saturated_counter", "double_upsets", "accumulated_upsets",
    "upsets_of_the_protocol",
)  # fmt: skip
"""Tests of the benches; every one has to run."""
_UPSETS_PER_STEP = 500  # of the progress


@dataclass(frozen=True, kw_only=True)
class RegisterResult(Simulated):
    """Outcome of a verification of the configuration registers.

    Parameters
    ----------
    events : comparisons made
    mismatches : tests with a comparison that failed, assertions of the Verilog that fired, impossible state transitions
    tests : names of the tests that ran
    not_reached : states and transitions of the I2C target, and bytes written and read, that no test reached
    weight_bytes : bytes of the weight image that were loaded over the bus
    load_seconds : wall time of that load, at a bus clock that is faster than I2C's (``fast_hertz``)
    load_cpu_seconds : processor time of the same, which other programs do not lengthen
    fast_hertz : that bus clock, in simulated Hz
    upsets : single upsets of configuration bits in triplicate; each left the voted bits alone and was counted
    sweep : whether these were every such bit of every copy
    protocol_upsets : upsets of the target's other registers while bytes went over the bus
    unprotected_upsets : upsets of bits that exist once; each was seen at the outputs until the byte was written again
    tmr : classes of registers in triplicate
    stored_bits : configuration bits

    What the bench did not reach because of a mismatch is None.
    """

    tests: tuple[str, ...]
    not_reached: tuple[str, ...]
    weight_bytes: int | None
    load_seconds: float | None
    load_cpu_seconds: float | None
    fast_hertz: int | None
    upsets: int | None
    sweep: bool
    protocol_upsets: int | None
    unprotected_upsets: int | None
    tmr: tuple[str, ...]
    stored_bits: int


def verify_registers(
    model: EncoderModel,
    work_dir: Path,
    *,
    suite: Suite = "fast",
    upsets: int = 500,
    tmr: Collection[str] = CLASSES,
    seed: int = 1,
    progress: Progress | None = None,
    files: Mapping[str, str] | None = None,
) -> RegisterResult:
    """Simulate the configuration of an encoder: registers over I2C, broken buses, upsets.

    Parameters
    ----------
    model : its weights are the image that is loaded
    work_dir : where everything goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml`` (JUnit),
        ``registers.json``
    suite : ``fast`` flips ``upsets`` random configuration bits, ``sweep`` every bit of every copy
    upsets : random single upsets of configuration bits, and of the protocol's bits
    tmr : classes of registers that are in triplicate; upsets of the others must be seen at the outputs
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
    layout = address_map(check(model))
    sites = upset_sites(index_width(layout), layout.stored_bits)
    space = Workspace.prepare(work_dir, "registers.json")
    encoder = space.build / "encoder.json"
    encoder.write_text(codec.dumps(model), encoding="utf-8")
    verilog = regfile.generate(model, tmr) if files is None else files
    around = {f"{HARNESS}.v": harness(model, layout, sites), "econ_ae_reset_sync.v": primitive("econ_ae_reset_sync")}
    job = {
        "model": str(encoder),
        "seed": seed,
        "upsets": upsets,
        "sweep": suite == "sweep",
        "upsets_per_step": _UPSETS_PER_STEP,
        "sites": [bits for _, bits in sites],
        "tmr": sorted(tmr),
    }
    found = run(
        space,
        # The harness comes first: it switches the assertions of the other files on.
        around | dict(verilog),
        HARNESS,
        BENCHES,
        job,
        tests=TESTS,
        steps=len(TESTS) + _planned(layout, suite, upsets, tmr) // _UPSETS_PER_STEP,
        title="registers",
        progress=progress,
    )
    seen, written, fetched = (
        max(int(r["coverage"][name], 16) for r in found.records) for name in ("transitions", "written", "fetched")
    )
    walked = coverage.transitions(seen)
    return RegisterResult(
        not_reached=tuple(coverage.not_reached(layout, walked, written, fetched)),
        sweep=suite == "sweep",
        tmr=tuple(sorted(tmr)),
        stored_bits=layout.stored_bits,
        **found.facts("weight_bytes", "load_seconds", "load_cpu_seconds", "fast_hertz"),
        **found.facts("upsets", "protocol_upsets", "unprotected_upsets"),
        **found.counted(coverage.impossible(layout, walked, written)),
    ).saved(space.report)


def _planned(layout: AddressMap, suite: Suite, upsets: int, tmr: Collection[str]) -> int:
    """Return how many single upsets of configuration bits the bench will make."""
    bits = len(protected_bits(layout, tmr))
    return COPIES * bits if suite == "sweep" else upsets if bits else 0
