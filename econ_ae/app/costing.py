"""Silicon costs of a run: writes the Verilog, synthesises and times it; tables and a picture go to ``costs/``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from econ_ae.app.cost_tables import area_rows, comparison_rows, lines, power_rows
from econ_ae.errors import ConfigError, LibertyError, did_you_mean
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec

if TYPE_CHECKING:
    from econ_ae.app.run.context import Context
    from econ_ae.config import RunConfig
    from econ_ae.ir.model import EncoderModel
    from rtl_gen.verilog import VerilogOptions

COSTS, FILE, PICTURE, SKIPPED = "costs", "costs.json", "treemap.svg", "skipped.json"
STAMP = "inputs.sha256"
"""Beside a netlist: hash of the Verilog and the library that it was made of."""
ENCODER, DATAPATH, BLOCK = "encoder", "datapath", "block"
BLOCKS = (ENCODER, DATAPATH, BLOCK)
_WORDS = {
    ENCODER: "Encoder",
    DATAPATH: "Datapath without configuration registers",
    BLOCK: "Complete block with its registers behind I2C",
}
FAST = ENCODER
"""What the main job estimates, in seconds: what training and settings change; the rest takes minutes."""


def costs(
    context: Context,
    *,
    liberty: Path | None = None,
    clock_ns: float = 25.0,
    block: str = BLOCK,
    clock_gating: bool = True,
    netlist: bool = True,
    timeout: float | None = None,
    power_events: int | None = None,
) -> dict[str, Any]:
    """Return the costs of the hardware of a run; write ``costs/<library>-<block>/``.

    Parameters
    ----------
    liberty : cell library, plain or gzip; None estimates gate equivalents with generic cells, without timing
    clock_ns : clock period that the slack is for
    block : ``encoder``, ``datapath`` or ``block``, all with the registers behind I2C
    clock_gating : registers with an enable get a gated clock
    netlist : also write the netlist, which the timing needs
    timeout : seconds that each run of yosys may take; None takes the default of ``rtl_gen.costs``
    power_events : report events that are simulated for the power; None takes ``verify.real_events``, 0 leaves it out

    Raises
    ------
    ConfigError
        When the block is unknown or the clock period is not positive.
    VerificationError
        When the simulated netlist computes something else than the emulator.
    LibertyError, ToolMissingError, ToolError
        When the library cannot be used, yosys is missing, or a program fails; its log stays.
    """
    from rtl_gen import costs as silicon
    from rtl_gen.costs.synth import TIMEOUT
    from sim.netlist import MappedNetlist

    if block not in BLOCKS:
        raise ConfigError(
            f"block {block!r} is unknown; expected one of {', '.join(BLOCKS)}{did_you_mean(block, BLOCKS)}"
        )
    if clock_ns <= 0:
        raise ConfigError(f"the clock period is {clock_ns:g} ns; expected a positive number, 25 for 40 MHz")
    model = context.model()
    library = "generic" if liberty is None else liberty.name.partition(".")[0]
    folder = context.path(COSTS, f"{library}-{block}")
    sources, top, facts = _verilog(context.config, model, block, folder / "rtl")
    (folder / STAMP).unlink(missing_ok=True)
    context.progress.say(f"synthesis of {top} into the cells of {library}")
    found = silicon.synthesise(
        sources,
        top,
        folder,
        liberty,
        clock_ns=clock_ns,
        clock_gating=clock_gating,
        netlist=netlist,
        timeout=timeout or TIMEOUT,
    )
    timing, untimed = None, "generic cells have no delays; give a library with --liberty"
    if liberty is not None and netlist and silicon.has(silicon.OPENSTA):
        context.progress.say("timing")
        timing, untimed = silicon.analyse(found, folder, period=clock_ns, quasi_static=facts["quasi_static"]), ""
    elif liberty is not None and netlist:
        untimed = "OpenSTA (sta) is not on the PATH; install it with: apt-get install opensta"
    content = silicon.summary(
        found, timing, operands=facts["operands"], free=facts["free"], latency=facts["latency"], untimed=untimed
    )
    content |= {"block": block, "latency": facts["latency"], "encoder_sha256": codec.sha256(model)}
    content["unpowered"] = _why_no_power(liberty, block, power_events)
    write_text(folder / PICTURE, silicon.treemap({row["part"]: 1000 * row["kGE"] for row in content["parts"]}))
    write_json(folder / FILE, content)
    if clock_gating and netlist:
        write_text(folder / STAMP, inputs_stamp(facts["files"], liberty))
    if liberty is not None and netlist and not content["unpowered"]:
        mapped = MappedNetlist(folder, top, liberty)
        content |= _power(context, mapped, facts["options"], power_events, clock_ns)
        write_json(folder / FILE, content)
    return content


def inputs_stamp(files: Mapping[str, str], liberty: Path | None) -> str:
    """Return the hash of what a netlist is made of: Verilog and library."""
    content = b"" if liberty is None or not liberty.is_file() else liberty.read_bytes()
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode() + content).hexdigest()


def _why_no_power(liberty: Path | None, block: str, events: int | None) -> str:
    if liberty is None:
        return "generic cells have no power; give a library with --liberty"
    if block == ENCODER:
        return "power is simulated from trigger-cell codes to frames; give --block datapath or block"
    return "left out (--power-events 0)" if events == 0 else ""


def _power(context: Context, mapped: Any, options: Any, events: int | None, clock_ns: float) -> dict[str, Any]:
    """Return ``power`` of a netlist on report events, or, when the library has no such data, ``unpowered``: why not."""
    from sim.netlist.power import ASSUMED, MEASURED, UNGATED, measure_power

    context.progress.say("power: the netlist on report events")
    codes = context.codes(events or context.config.verify.real_events)
    report = mapped.folder / "power.json"
    try:
        found = measure_power(mapped, context.model(), options, codes, clock_ns, report=report)
    except (LibertyError, ConfigError) as problem:
        return {"power": None, "unpowered": str(problem)}
    measured = found.reports[MEASURED]
    return {
        "power": {
            "total_mW": 1e3 * measured.total.total,
            "energy_nJ": 1e9 * measured.energy,
            "leakage_mW": 1e3 * measured.total.leakage,
            "clock_pins_mW": 1e3 * measured.total.clock,
            "toggles_per_clock": measured.mean_toggles,
            "voltage": measured.voltage,
            "wire_load": measured.wire_load,
            "events": min(len(codes), found.events),
            "assumed_mW": {f"{a:g}": 1e3 * found.reports[f"{a:g}"].total.total for a in ASSUMED},
            "without_clock_gates_mW": 1e3 * found.reports[UNGATED].total.total if UNGATED in found.reports else None,
            "parts": [
                {
                    "part": row.part.replace("_", " "),
                    "mW": 1e3 * row.total,
                    "leakage": 1e3 * row.leakage,
                    "clock pins": 1e3 * row.clock,
                }
                for row in measured.rows
            ],
        }
    }


def stored(context: Context) -> list[dict[str, Any]]:
    """Return all costs of a run's encoder, each with its picture as ``picture``; those in generic cells last."""
    files = sorted(context.path(COSTS).glob(f"*/{FILE}"))
    found = [
        json.loads(file.read_text(encoding="utf-8")) | {"picture": file.with_name(PICTURE).read_text(encoding="utf-8")}
        for file in files
    ]
    encoder = codec.sha256(context.model())
    current = [content for content in found if content["encoder_sha256"] == encoder]
    return sorted(current, key=lambda content: content["technology_independent"])


def for_report(context: Context) -> list[dict[str, Any]]:
    """Return the tables, sentences and picture of all costs of a run, for ``metrics.report.build_report``."""
    return [
        {
            "title": f"{_WORDS[content['block']]}, {_cells(content)}",
            "areas": area_rows(content),
            "powers": power_rows(content),
            "comparison": comparison_rows(content),
            "sentences": lines(content),
            "treemap": content["picture"],
        }
        for content in stored(context)
    ]


def _cells(content: dict[str, Any]) -> str:
    generic = content["technology_independent"]
    return "estimate in gate equivalents" if generic else f"cells of {content['library']}"


def options_of(config: RunConfig, model: EncoderModel, part: str) -> VerilogOptions:
    """Return the Verilog options of what is synthesised: structural arithmetic, the run's pipeline registers."""
    from rtl_gen.verilog import STRUCTURAL, default_options

    options = replace(default_options(model, part), leaf=STRUCTURAL)
    if config.hardware.registers is None:
        return options
    outside = options.registers - {stage.requantise.name for stage in model.stages}
    return replace(options, registers=outside | set(config.hardware.registers))


def _verilog(
    config: RunConfig, model: EncoderModel, block: str, folder: Path
) -> tuple[list[Path], str, dict[str, Any]]:
    """Write the Verilog with structural arithmetic; return its files, the top module, and facts for the timing."""
    from rtl_gen.verilog import block_module, generate, generate_block, ports, top_module
    from rtl_gen.verilog import latency as clocks
    from rtl_gen.writer import write_files

    part = ENCODER if block == ENCODER else DATAPATH
    options = options_of(config, model, part)
    if block == BLOCK:
        files, top = generate_block(model, options), block_module(model)
    else:
        files, top = generate(model, options), top_module(model, options)
    written = [path for path in write_files(files, folder, overwrite=True) if path.suffix == ".v"]
    facts = {
        "files": files,
        "options": options,
        "quasi_static": [port.name for port in ports(model, options) if port.role == "configuration"],
        "operands": _operands(model, part),
        "free": _free(model, options),
        "latency": clocks(model, options),
    }
    return written, top, facts


def _operands(model: EncoderModel, part: str) -> dict[str, Any]:
    """Return what the bits of the pipeline registers mean: numbers above the sum code, see the datapath's Verilog."""
    from rtl_gen.costs import Operands
    from rtl_gen.verilog.plan import plan

    first = 0 if part == ENCODER else 9  # the sum code
    plans = plan(model)
    found = {
        p.stage.requantise.name: Operands(
            f"output of {p.stage.layer.name}", first, p.stage.requantise.out.width, len(p.outputs)
        )
        for p in plans
    }
    found["normaliser"] = Operands("pixel", first, model.normalise.out.width, len(plans[0].inputs))
    found["input"] = Operands("cell's code", 0, 7, model.input.cells)
    return found


def _free(model: EncoderModel, options: Any) -> dict[str, str]:
    """Return the places without a register, and the instance that each stands behind."""
    from rtl_gen.verilog import register_stages

    behind = {"input": "", "front_end": "front_end", "normaliser": "normaliser", "frame": "formatter"}
    behind |= {stage.requantise.name: f"layer_{stage.layer.name}" for stage in model.stages}
    return {place: behind[place] for place in register_stages(model, options) if place not in options.registers}
