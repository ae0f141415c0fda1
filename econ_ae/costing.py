"""Silicon costs of a run: writes the Verilog, synthesises and times it; tables and a picture go to ``costs/``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.files import write_json, write_text

if TYPE_CHECKING:
    from econ_ae.config import RunConfig
    from econ_ae.ir.model import EncoderModel
    from econ_ae.pipeline import Context
    from rtl_gen.verilog import VerilogOptions

COSTS, FILE, PICTURE, SKIPPED = "costs", "costs.json", "treemap.svg", "skipped.json"
ENCODER, DATAPATH, BLOCK = "encoder", "datapath", "block"
BLOCKS = (ENCODER, DATAPATH, BLOCK)
_WORDS = {
    ENCODER: "Encoder",
    DATAPATH: "Datapath without configuration registers",
    BLOCK: "Complete block with registers in triplicate",
}
FAST = DATAPATH
"""What the main job estimates: everything but the configuration registers, which take minutes."""


def costs(
    context: Context,
    *,
    liberty: Path | None = None,
    clock_ns: float = 25.0,
    block: str = BLOCK,
    clock_gating: bool = True,
    timeout: float | None = None,
) -> dict[str, Any]:
    """Synthesise and time the hardware of a run; write ``costs/<library>-<block>/`` and return the costs.

    Parameters
    ----------
    liberty : cell library, plain or gzip; None estimates gate equivalents with generic cells, without timing
    clock_ns : clock period that the slack is for
    block : ``encoder``, ``datapath`` or ``block``, all with the registers behind I2C
    clock_gating : registers with an enable get a gated clock
    timeout : seconds that each run of yosys may take; None takes the default of ``rtl_gen.costs``

    Raises
    ------
    ConfigError
        When the block is unknown or the clock period is not positive.
    LibertyError, ToolMissingError, ToolError
        When the library cannot be used, yosys is missing, or a program fails; its log stays.
    """
    from rtl_gen import costs as silicon
    from rtl_gen.costs.synth import TIMEOUT

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
    context.progress.say(f"synthesis of {top} into the cells of {library}")
    found = silicon.synthesise(sources, top, folder, liberty, clock_gating=clock_gating, timeout=timeout or TIMEOUT)
    timing, untimed = None, "generic cells have no delays; give a library with --liberty"
    if liberty is not None and silicon.has(silicon.OPENSTA):
        context.progress.say("timing")
        timing, untimed = silicon.analyse(found, folder, period=clock_ns, quasi_static=facts["quasi_static"]), ""
    elif liberty is not None:
        untimed = "OpenSTA (sta) is not on the PATH; install it with: apt-get install opensta"
    content = silicon.summary(
        found, timing, operands=facts["operands"], free=facts["free"], latency=facts["latency"], untimed=untimed
    )
    content |= {"block": block, "latency": facts["latency"]}
    write_text(folder / PICTURE, silicon.treemap({row["part"]: 1000 * row["kGE"] for row in content["parts"]}))
    write_json(folder / FILE, content)
    return content


def fast(context: Context) -> list[Path]:
    """Estimate the datapath in gate equivalents for the main job; without yosys say so and do nothing else."""
    from rtl_gen.costs import YOSYS, has

    folder = context.path(COSTS)
    if not has(YOSYS):
        text = "yosys is not on the PATH, so the area was not estimated; install it with: apt-get install yosys"
        context.progress.say(f"costs: {text}")
        write_json(folder / SKIPPED, {"skipped": text})
        return [folder / SKIPPED]
    (folder / SKIPPED).unlink(missing_ok=True)
    costs(context, block=FAST)
    return [folder / f"generic-{FAST}" / name for name in (FILE, PICTURE)]


def area_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return the area table: a row per part of the design, and the whole."""
    rows = [
        {
            "part": row["part"],
            "kGE": f"{row['kGE']:.1f}",
            "um2": "-" if row["um2"] is None else f"{row['um2']:,.0f}",
            "share": f"{100 * row['share']:.1f} %",
        }
        for row in content["parts"]
    ]
    whole = content["measured"]["area_mm2"]
    um2 = "-" if whole is None else f"{whole * 1e6:,.0f}"
    return [*rows, {"part": "all", "kGE": f"{content['gate_equivalents'] / 1000:.1f}", "um2": um2, "share": "100.0 %"}]


def comparison_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return the three columns that are never mixed: measured in the library, scaled to 65 nm, the published chip."""
    scaled, chip, timing = content["scaled"], content["published"], content["timing"]
    low, high = scaled["range_mm2"]
    area = content["measured"]["area_mm2"]
    power = content["power"]
    return [
        {
            "": "area, mm2",
            "this library, cells": "-" if area is None else f"{area:.3f}",
            "scaled to 65 nm, cells": f"{scaled['area_mm2']:.2f} ({low:.2f} to {high:.2f})",
            "ECON-T, after layout": f"{chip['area']:g}",
        },
        {
            "": "power, mW",
            "this library, cells": "-" if power is None else f"{power['total_mW']:.1f}",
            "scaled to 65 nm, cells": "-",
            "ECON-T, after layout": f"{chip['power']:g}",
        },
        {
            "": "latency, ns",
            "this library, cells": "-" if timing is None else f"{content['latency'] * timing['period_ns']:g}",
            "scaled to 65 nm, cells": "-",
            "ECON-T, after layout": f"{chip['latency']:g}",
        },
    ]


def lines(content: dict[str, Any]) -> list[str]:
    """Return the rest of the costs as sentences."""
    scaled, timing = content["scaled"], content["timing"]
    low, high = scaled["range_mm2"]
    cells = ", ".join(f"{count} {kind}" for kind, count in content["cells"].items() if count)
    found = [
        f"cells: {cells}",
        f"scaled to {scaled['node']} ({scaled['um2_per_GE']} um2 per GE): {scaled['area_mm2']:.2f} mm2 of cells, "
        f"{low:.2f} to {high:.2f}; the ECON-T block has {content['published']['area']:g} mm2 after layout",
    ]
    if timing is None:
        found.append(f"no timing: {content['untimed']}")
    else:
        found.append(timing["advice"])
        found += [f"longest path to {p['stage']}: {p['path']}" for p in timing["paths"]]
    return [*found, f"{content['seconds']:.0f} s, {content['peak_memory'] / 1e6:.0f} MB at most"]


def sections(context: Context) -> list[Any]:
    """Return the sections of the report page: every block and library that the run has costs of, the estimate last."""
    from metrics.report.data import Costs

    files = sorted(context.path(COSTS).glob(f"*/{FILE}"))
    found = [(json.loads(file.read_text(encoding="utf-8")), file.with_name(PICTURE)) for file in files]
    return [
        Costs(
            title=f"{_WORDS[content['block']]}, {_library(content)}",
            area=tuple(area_rows(content)),
            comparison=tuple(comparison_rows(content)),
            lines=tuple(lines(content)),
            power=tuple((content["power"] or {}).get("parts", ())),
            picture=picture.read_text(encoding="utf-8"),
        )
        for content, picture in sorted(found, key=lambda pair: pair[0]["technology_independent"])
    ]


def skipped(context: Context) -> str:
    """Return why the run has no costs, or an empty string."""
    path = context.path(COSTS, SKIPPED)
    return str(json.loads(path.read_text(encoding="utf-8"))["skipped"]) if path.is_file() else ""


def _library(content: dict[str, Any]) -> str:
    if content["technology_independent"]:
        return "estimate in gate equivalents, no technology"
    return f"cells of {content['library']}, before layout"


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
