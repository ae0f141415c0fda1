"""Silicon costs of a run: synthesises, times and simulates its hardware; figures and a picture go to ``costs/``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.costed import BLOCK, ENCODER, Design, design
from econ_ae.app.run.context import COSTS, VERIFY, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.run.texts import STRUCTURAL, texts
from econ_ae.emulator import input_images
from econ_ae.errors import ConfigError, LibertyError, RunDirectoryError, VerificationError
from econ_ae.files import write_text
from econ_ae.ir import codec
from econ_ae.process import OPENSTA, has

if TYPE_CHECKING:
    from rtl_gen.costs import Costs, Origin, PowerCosts
    from rtl_gen.costs.synthesis.synth import Recipe
    from sim.netlist import MappedNetlist

FILE, PICTURE = "costs.json", "treemap.svg"
LEAF = "leaf.json"
"""Written by ``sim.leaves``."""
AGAIN = "make it again with econ-ae costs"
CLOCK_NS = 25.0
"""Clock period at 40 MHz."""
ENCODER_EVENTS = 512
"""Report events for the netlist of an encoder; half of them are compared, the others fill the pipeline of each lane."""
_LANES = 128


def costs(
    context: Context,
    *,
    liberty: Path | None = None,
    clock_ns: float = CLOCK_NS,
    block: str = BLOCK,
    timeout: float | None = None,
    power_events: int | None = None,
    simulate: bool = True,
) -> Costs:
    """Return the costs of the hardware of a run; write ``costs/<library>-<block>/``.

    Parameters
    ----------
    liberty : cell library, plain or gzip; None estimates gate equivalents with generic cells, without timing
    clock_ns : clock period that the slack is for
    block : ``encoder``, ``datapath`` or ``block``, all with the registers behind I2C
    timeout : seconds that each run of yosys may take; None takes the default of ``rtl_gen.costs``
    power_events : report events that are simulated for the power; None takes ``verify.real_events``, 0 leaves it out
    simulate : also compare an encoder's netlist with the emulator; its Verilog is verified without that

    Raises
    ------
    ConfigError
        When there is no such block of the run's encoder, or the clock period is not positive.
    VerificationError
        When the simulated netlist computes something else than the emulator.
    LibertyError, ToolMissingError, ToolError
        When the library cannot be used, yosys is missing, or a program fails; its log stays.
    """
    from rtl_gen.costs.synthesis.synth import TIMEOUT

    if clock_ns <= 0:
        raise ConfigError(f"the clock period is {clock_ns:g} ns; expected a positive number, 25 for 40 MHz")
    with context.run.lock(context.progress):
        return _costs(
            context,
            block,
            liberty=liberty,
            clock_ns=clock_ns,
            timeout=timeout or TIMEOUT,
            power_events=power_events,
            simulate=simulate,
        )


def _costs(
    context: Context,
    block: str,
    *,
    liberty: Path | None,
    clock_ns: float,
    timeout: float,
    power_events: int | None,
    simulate: bool,
) -> Costs:
    from rtl_gen import costs as silicon
    from rtl_gen.writer import write_files
    from sim.netlist import NETLIST, VERILOG

    watch = Stopwatch()
    made = design(context.config, context.model(), block)
    folder = folder_of(context, liberty, block)
    (folder / FILE).unlink(missing_ok=True)
    written = [path for path in write_files(made.files, folder / "rtl", overwrite=True) if path.suffix == ".v"]
    context.progress.say(f"synthesis of {made.top} into the cells of {library_name(liberty)}")
    netlist = simulate or liberty is not None or block != ENCODER  # an area alone needs none, and is had sooner
    for name in () if netlist else (NETLIST, VERILOG):
        (folder / name).unlink(missing_ok=True)
    found = silicon.synthesise(written, made.top, folder, liberty, clock_ns=clock_ns, timeout=timeout, netlist=netlist)
    timing, untimed = None, "generic cells have no delays; give a library with --liberty"
    if liberty is not None and has(OPENSTA):
        context.progress.say("timing")
        timing, untimed = silicon.analyse(found, folder, period=clock_ns, quasi_static=made.quasi_static), ""
    elif liberty is not None:
        untimed = "OpenSTA (sta) is not on the PATH; install it with: apt-get install opensta"
    content = silicon.costs_of(
        found,
        origin_of(made, found.recipe),
        timing,
        untimed=untimed,
        unpowered=_why_no_power(liberty, block, power_events),
        operands=made.operands(),
        free=made.free(),
    )
    write_text(folder / PICTURE, silicon.treemap({part.part: part.gate_equivalents for part in content.areas.parts}))
    if block == ENCODER:
        if simulate:
            content = replace(content, simulated=_simulated(context, mapped(folder, made, liberty), made))
    elif not content.unpowered:
        gates = mapped(folder, made, liberty)
        try:
            power = measured(context, gates, made, power_events, clock_ns)
            content = replace(content, power=power, simulated=power.events)
        except (LibertyError, ConfigError) as problem:
            content = replace(content, unpowered=str(problem))
    store(context, folder, content, watch)
    return content


def store(context: Context, folder: Path, content: Costs, watch: Stopwatch) -> None:
    """Write costs into the folder of their netlist, and record all that stands or falls with them."""
    from sim.netlist import NETLIST, VERILOG

    write_text(folder / FILE, content.to_json())
    others = [folder / name for name in (PICTURE, NETLIST, VERILOG) if (folder / name).is_file()]
    context.run.record_study(folder, [folder / FILE, *others, *(folder / "rtl").rglob("*.v")], watch.seconds())


def measured(
    context: Context,
    gates: MappedNetlist,
    made: Design,
    events: int | None,
    clock_ns: float,
    *,
    wire_load: str | None = None,
    glitch_clocks: int = 0,
) -> PowerCosts:
    """Return the power of a netlist on report events; as ``sim.netlist.power.measure_power``."""
    from sim.netlist.power import measure_power

    context.progress.say("power: the netlist on report events")
    return measure_power(
        gates,
        made.model,
        made.options,
        context.codes(events or context.config.verify.real_events),
        clock_ns,
        wire_load=wire_load,
        glitch_clocks=glitch_clocks,
        progress=context.progress,
    )


def read(path: Path) -> Costs:
    """Return stored costs; RunDirectoryError when there are none, or none that this version reads."""
    from rtl_gen.costs import Costs

    if not path.is_file():
        raise RunDirectoryError(f"{path} does not exist; make it with: econ-ae costs")
    return Costs.from_json(path.read_bytes(), str(path))


def stored(context: Context) -> tuple[list[tuple[Path, Costs]], list[str]]:
    """Return all costs of a run's encoder with their folders, generic cells last, and why others are left out."""
    found, problems = list[tuple[Path, "Costs"]](), list[str]()
    encoder = codec.sha256(context.model())
    for file in sorted(context.path(COSTS).glob(f"*/{FILE}")):
        if (problem := context.run.study_problem(file.parent)) is not None:
            problems.append(f"{file.parent} does not hold what was computed ({problem}); {AGAIN}")
            continue
        try:
            content = read(file)
        except RunDirectoryError as other:
            problems.append(str(other))
            continue
        if content.origin.encoder_sha256 == encoder:
            found.append((file.parent, content))
        else:
            problems.append(f"{file} is of another encoder; {AGAIN}")
    return sorted(found, key=lambda one: one[1].areas.um2_per_ge is None), problems


def verified_sha256(context: Context) -> str:
    """Return the hash of the Verilog in ``rtl/`` that the stage ``verify`` compared.

    Empty when it has not finished, or the Verilog or its verification is not what the stages left.
    """
    from rtl_gen.verilog import verilog_sha256

    return verilog_sha256(texts(context)) if _verified(context) else ""


def verified_apart(context: Context, sha256: str) -> bool:
    """Tell whether the stage ``verify`` compared every sum of a text with this hash, beside the bench's text."""
    leaf = context.path(VERIFY, STRUCTURAL, LEAF)
    if not leaf.is_file() or not _verified(context):
        return False
    if str(leaf.relative_to(context.run.path)) not in context.run.manifest().stages["verify"].outputs:
        return False
    found = context.json(VERIFY, STRUCTURAL, LEAF)
    return bool(found["verilog_sha256"] == sha256 and found["passed"])


def _verified(context: Context) -> bool:
    try:
        context.run.check("generate", "verify")
    except RunDirectoryError:
        return False
    return True


def library_name(liberty: Path | None) -> str:
    """Return what the folder of a library is called: the file's name without ``.lib`` and ``.gz``."""
    return "generic" if liberty is None else liberty.name.removesuffix(".gz").removesuffix(".lib")


def folder_of(context: Context, liberty: Path | None, block: str) -> Path:
    """Return where the costs of a block in a library are."""
    return context.path(COSTS, f"{library_name(liberty)}-{block}")


def origin_of(made: Design, how: Recipe) -> Origin:
    """Return what the netlist of a design depends on."""
    from rtl_gen.costs import Origin

    return Origin(
        made.block,
        made.top,
        made.options.leaf,
        codec.sha256(made.model),
        made.verilog_sha256,
        how.sha256,
        how.tool,
        how.clock_ns,
        made.latency,
    )


def mapped(folder: Path, made: Design, liberty: Path | None) -> MappedNetlist:
    """Return the netlist in a folder of costs."""
    from rtl_gen.costs.library import generic
    from sim.netlist import MappedNetlist

    return MappedNetlist(folder, made.top, folder / f"{generic.NAME}.lib" if liberty is None else liberty)


def _simulated(context: Context, gates: MappedNetlist, made: Design) -> int:
    """Return how many report events an encoder's netlist was simulated on; VerificationError when it is wrong."""
    from sim.netlist.run import run_netlist

    model = made.model
    context.progress.say("the netlist on report events")
    images = input_images(model.input, model.normalise, context.rows("report").charges[:ENCODER_EVENTS])
    run = run_netlist(gates.flat, gates.cells, model, made.options, images, lanes=_LANES, progress=context.progress)
    if not run.passed:
        raise VerificationError(
            f"{run.mismatches} of {run.events} events of {made.top} are wrong: {run.first_mismatch}"
        )
    return min(len(images), run.events)


def _why_no_power(liberty: Path | None, block: str, events: int | None) -> str:
    if liberty is None:
        return "generic cells have no power; give a library with --liberty"
    if block == ENCODER:
        return "power is simulated from trigger-cell codes to frames; give --block datapath or block"
    return "left out (--power-events 0)" if events == 0 else ""
