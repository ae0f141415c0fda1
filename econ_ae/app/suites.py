"""The verification suites of a run: each simulates one part of the generated hardware against the integer model."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.app.netlist import mapped_netlist
from econ_ae.app.run.context import VERIFY, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.stages import verify
from econ_ae.errors import ConfigError, did_you_mean

ALL = "all"
NETLIST = "netlist"
"""Suite that synthesises first, which takes minutes; not part of ``all``."""
CMSSW = "cmssw"
"""Suite of the package for CMSSW, which simulates nothing; not part of ``all``."""
BENCH_EVENTS = 2
"""Real events of the suite ``netlist`` in Icarus, which is slow on gates; all others run bit-parallel."""
WAVES = "ECON_AE_WAVES"
"""Environment variable that makes ``sim.bench.simulate`` write waveforms."""


@dataclass(frozen=True)
class Request:
    """What a suite is asked for: real events, HLS headers (None: with hls4ml), cell library (None: generic cells).

    ``asked`` is the number of events that was given, None where it is the configuration's.
    """

    events: int
    ac_types: Path | None = None
    liberty: Path | None = None
    asked: int | None = None


def run_suites(
    context: Context,
    suite: str,
    events: int | None,
    *,
    simulator: str = "icarus",
    waves: bool = False,
    ac_types: Path | None = None,
    liberty: Path | None = None,
) -> list[Any]:
    """Run one suite, or all but the netlist's; return their results, each with ``passed`` and ``to_json()``.

    Parameters
    ----------
    suite : a name of ``SUITES``, or ``all``
    events : real events per suite; the configuration's number by default
    simulator : ``icarus``, or ``verilator`` for the datapath
    waves : also write waveforms (FST) beside the build, Icarus only
    ac_types : directory of the ac_types headers for the Catapult C++; by default those that hls4ml ships
    liberty : cell library that the suite ``netlist`` maps to; generic cells by default

    Raises
    ------
    ConfigError
        When the suite or the simulator is unknown, or when they do not go together.
    """
    if suite != ALL and suite not in SUITES:
        raise ConfigError(
            f"suite {suite!r} is unknown; expected {', '.join(SUITES)} or {ALL}{did_you_mean(suite, SUITES)}"
        )
    if simulator not in {"icarus", "verilator"}:
        raise ConfigError(f"simulator {simulator!r} is unknown; expected icarus or verilator")
    if simulator == "verilator" and suite != "datapath":
        raise ConfigError(f"suite {suite!r} runs in Icarus; Verilator runs --suite datapath")
    with context.run.lock(context.progress):
        if simulator == "verilator":
            return [_verilated(context, events)]
        if waves:
            os.environ[WAVES] = "1"
        names = [name for name in SUITES if name not in {NETLIST, CMSSW}] if suite == ALL else [suite]
        request = Request(events or context.config.verify.real_events, ac_types, liberty, events)
        found = [SUITES[name](context, request) for name in names]
        return [result for one in found for result in (one if isinstance(one, list) else [one])]


def rows(results: list[Any]) -> list[dict[str, Any]]:
    """Return results as table rows of a fact and its value."""
    return [
        {"fact": name, "value": ", ".join(map(str, value)) if isinstance(value, list) else str(value)}
        for result in results
        for name, value in json.loads(result.to_json()).items()
    ]


def _folder(context: Context, name: str) -> Path:
    return context.path(VERIFY, name)


def _encoder(context: Context, request: Request) -> Any:
    """Do what the stage ``verify`` does, with other events, and record it as that stage when all of it passed."""
    context.run.check("generate")
    watch = Stopwatch()
    found = verify.verify(context, request.events)
    if found.passed:
        inputs = context.run.inputs_of(context.run.earlier("verify"))
        context.run.record("verify", inputs, found.files(), watch.seconds())
    return found.results


def _datapath(context: Context, request: Request) -> Any:
    from rtl_gen.verilog import DATAPATH, default_options
    from sim.bench.verify import verify_datapath

    model = context.model()
    return verify_datapath(
        model,
        default_options(model, DATAPATH),
        context.codes(request.events),
        _folder(context, "datapath"),
        random_events=context.config.verify.random_events,
        seed=context.config.seed,
        progress=context.progress,
    )


def _verilated(context: Context, events: int | None) -> Any:
    from sim.verilator import verify_million

    real = context.codes(len(context.rows("report")))
    return verify_million(
        context.model(),
        _folder(context, "verilator"),
        events=events or 1_000_000,
        real=real,
        seed=context.config.seed,
        progress=context.progress,
    )


def _registers(context: Context, request: Request) -> Any:
    del request  # the stimulus is the address map
    from sim.i2c import verify_registers

    return verify_registers(
        context.model(), _folder(context, "i2c"), seed=context.config.seed, progress=context.progress
    )


def _block(context: Context, request: Request) -> Any:
    from sim.i2c import verify_block

    return verify_block(
        context.model(),
        _folder(context, "block"),
        context.codes(request.events),
        seed=context.config.seed,
        progress=context.progress,
    )


def _upsets(context: Context, request: Request) -> Any:
    del request  # every bit of every copy
    from sim.i2c import verify_registers

    return verify_registers(
        context.model(), _folder(context, "seu"), suite="sweep", seed=context.config.seed, progress=context.progress
    )


def _hls(context: Context, request: Request) -> Any:
    from rtl_gen.hls import CATAPULT, VITIS
    from sim.hls import verify_hls
    from sim.hls.data import inputs

    model = context.model()
    real = inputs(model, context.rows("report").charges[: request.events])
    return [
        verify_hls(
            model,
            real,
            _folder(context, f"hls_{flavour}"),
            flavour=flavour,
            random_events=context.config.verify.random_events,
            seed=context.config.seed,
            progress=context.progress,
            ac_types=request.ac_types if flavour == CATAPULT else None,
        )
        for flavour in (CATAPULT, VITIS)
    ]


def _netlist(context: Context, request: Request) -> Any:
    from sim.netlist import verify_netlist

    mapped, design = mapped_netlist(context, request.liberty)
    return verify_netlist(
        mapped,
        design.model,
        design.options,
        context.codes(request.events),
        _folder(context, NETLIST),
        rtl=mapped.folder / "rtl",
        bench_events=BENCH_EVENTS,
        progress=context.progress,
    )


def _cmssw(context: Context, request: Request) -> Any:
    from econ_ae.app.export.cmssw.suite import verify_run

    return verify_run(context, request.asked)


SUITES: dict[str, Callable[[Context, Request], Any]] = {
    "encoder": _encoder,
    "datapath": _datapath,
    "i2c": _registers,
    "block": _block,
    "seu": _upsets,
    "hls": _hls,
    NETLIST: _netlist,
    CMSSW: _cmssw,
}
"""Suites by name: the encoder alone, codes to frames, registers over I2C, all of it, every upset, C++, gates, CMSSW."""
