"""What `econ-ae generate` writes besides the encoder's Verilog of the main job: larger blocks, C++ projects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app import cells, pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.texts import FOLDERS, SUM
from econ_ae.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from rtl_gen.hls import HlsOptions

VERILOG, CATAPULT, VITIS, ALL = "verilog", "catapult", "vitis", "all"
TARGETS = (VERILOG, CATAPULT, VITIS, ALL)
ENCODER, NORMALISER, DATAPATH, BLOCK = "encoder", "normaliser", "datapath", "block"
BLOCKS = (ENCODER, NORMALISER, DATAPATH, BLOCK)

_STIMULUS = 500  # real events in a C++ project's data files


@dataclass(frozen=True)
class HlsChoice:
    """Options of the C++ by their names on the command line, see ``rtl_gen.hls.HlsOptions``."""

    weights: str = "image"
    reuse_factor: int = 1
    half_even: str = "type"


@dataclass(frozen=True)
class VerilogChoice:
    """Options of the Verilog by their names on the command line, see ``rtl_gen.verilog.VerilogOptions``.

    Parameters
    ----------
    leaf : how the multiply-accumulate modules are written
    no_tmr : classes of configuration registers of the complete block that are built once, not in triplicate
    """

    leaf: str = SUM
    no_tmr: tuple[str, ...] = ()


def generate(
    context: Context, target: str, block: str, *, options: HlsChoice, verilog: VerilogChoice | None = None
) -> list[Path]:
    """Write the hardware of a run and return its directories.

    Parameters
    ----------
    target : one of ``TARGETS``
    block : of the Verilog: the encoder alone, with normaliser, codes to frames, or all with registers behind I2C
    options : of the C++
    verilog : options of the Verilog, its defaults without it

    Raises
    ------
    ConfigError
        When the target, the block, the leaf, a class of registers or an option of the C++ is unknown, or the encoder
        or the block has no such thing.
    """
    verilog = verilog or VerilogChoice()
    for what, value, known in (("target", target, TARGETS), ("block", block, BLOCKS)):
        if value not in known:
            raise ConfigError(
                f"{what} {value!r} is unknown; expected one of {', '.join(known)}{did_you_mean(value, known)}"
            )
    if cells.sends_cells(context.config) and (block == NORMALISER or verilog.leaf != SUM):
        raise ConfigError(f"Verilog of encoders that send cells has --block {' or '.join(cells.BLOCKS)}, leaf {SUM}")
    if verilog.no_tmr and block != BLOCK:
        raise ConfigError(f"{block} has no configuration registers; --no-tmr goes with --block {BLOCK}")
    flavours = (CATAPULT, VITIS) if target == ALL else (target,)
    cpp = [_hls_options(context, flavour, options) for flavour in flavours if flavour != VERILOG]
    with context.run.lock(context.progress):
        written = [_verilog(context, block, verilog)] if target in {VERILOG, ALL} else []
        return written + [_hls(context, one) for one in cpp]


def _verilog(context: Context, block: str, choice: VerilogChoice) -> Path:
    from rtl_gen.verilog import default_options, generate_block, triplicated
    from rtl_gen.verilog import generate as generate_verilog
    from rtl_gen.writer import write_files

    if block == ENCODER and choice.leaf in FOLDERS:
        pipeline.run_stage(context, "generate", repeat=True)
        return context.path(FOLDERS[choice.leaf])
    model = context.model()
    if block == BLOCK:
        options = default_options(model, DATAPATH)
        files = generate_block(model, replace(options, leaf=choice.leaf, tmr=triplicated(choice.no_tmr)))
    else:
        files = generate_verilog(model, replace(default_options(model, block), leaf=choice.leaf))
    folder = context.path(f"rtl_{block}" + (f"_{choice.leaf}" if choice.leaf != SUM else ""))
    write_files(files, folder, overwrite=True)
    return folder


def _hls_options(context: Context, flavour: str, choice: HlsChoice) -> HlsOptions:
    from rtl_gen.hls import HlsOptions, check_options

    return check_options(context.model(), HlsOptions(flavour=flavour, **asdict(choice)))  # type: ignore[arg-type]


def _hls(context: Context, options: HlsOptions) -> Path:
    from rtl_gen.hls import generate as generate_cpp
    from rtl_gen.writer import write_files
    from sim.hls.data import campaign, data_files, inputs

    model = context.model()
    files = generate_cpp(model, options)
    real = inputs(model, context.rows("report").charges[:_STIMULUS])
    sent = campaign(model, real, context.config.verify.random_events, context.config.seed)
    data = {f"data/{name}": text for name, text in data_files(sent).items()}
    folder = context.path("hls", options.flavour)
    write_files(files | data, folder, overwrite=True)
    return folder
