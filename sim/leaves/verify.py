"""Verifies a leaf on its own: the multiply-accumulate modules as yosys reads them, on every operand of a campaign.

Icarus takes minutes for trees of adders. All files of an encoder but these modules are the same whatever the leaf, so a
leaf is verified when the encoder with another leaf is, and these modules give every sum of the same campaign.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from econ_ae.emulator import encode_images
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import Conv2D, EncoderModel, Stage
from econ_ae.ir.ranges import accumulator_format
from econ_ae.process import YOSYS, version
from rtl_gen.verilog import VerilogOptions, leaf_files, verilog_sha256
from rtl_gen.verilog.leaves import mac_module
from rtl_gen.verilog.plan import plan
from rtl_gen.writer import write_files
from sim.leaves.elaborated import Elaborated
from sim.netlist import words
from sim.netlist.words import Words
from sim.result import Outcome
from sim.stimulus.buses import Bits, from_fields
from sim.stimulus.golden import live_pixels
from sim.stimulus.phases import Campaign

_LANES = 64
_CHUNK = 1024  # events at once: a tree of the chip has 12,600 nets for each of 16 outputs
REPORT = "leaf.json"


@dataclass(frozen=True, kw_only=True)
class LeafResult(Outcome):
    """Outcome of the verification of a leaf; every sum of every event was compared.

    Parameters
    ----------
    leaf : which one
    verilog_sha256 : of all Verilog of the encoder with it, see ``rtl_gen.verilog.verilog_sha256``
    files : sha256 of the text of each file of the leaf, by name: the same in every block of this model
    events, sums : images, and sums compared
    mismatches : windows of an image with a sum that was wrong
    simulator : who read the Verilog
    report : this result as JSON
    """

    leaf: str
    verilog_sha256: str
    files: Mapping[str, str]
    sums: int
    simulator: str
    report: Path


def verify_leaf(
    model: EncoderModel,
    options: VerilogOptions,
    campaign: Campaign,
    files: Mapping[str, str],
    work_dir: Path,
) -> LeafResult:
    """Compute every sum of a campaign with the multiply-accumulate modules, and compare it with the emulator's.

    Parameters
    ----------
    options : of the encoder whose files these are; its leaf has no state (``structural``)
    campaign : of ``sim.stimulus.images.campaign``
    files : Verilog of the encoder, text by relative path
    work_dir : where everything goes: the files of the leaf in ``rtl/``, yosys's script and log, ``leaf.json``

    Raises
    ------
    ToolMissingError, ToolError
        When yosys is missing or does not read the files.
    VerificationError
        When the modules hold something else than gates.
    """
    started = time.perf_counter()
    work_dir = work_dir.resolve()
    report = work_dir / REPORT
    report.unlink(missing_ok=True)
    own = {name: files[name] for name in leaf_files(model, options)}
    design = Elaborated.read(write_files(own, work_dir / "rtl", overwrite=True), work_dir)
    sums, mismatches, first = 0, 0, None
    for what, module, inputs, wanted, events in _cases(model, campaign):
        bits = words.from_words(design.evaluate(module, {name: to_words(data) for name, data in inputs.items()})["acc"])
        wrong = (bits[: len(wanted)] != wanted).any(axis=1)
        sums += events
        mismatches += int(wrong.sum())
        if first is None and wrong.any():
            first = f"{what}, {module}, row {int(np.argmax(wrong))}: the sums differ from the emulator's"
    return LeafResult(
        leaf=options.leaf,
        verilog_sha256=verilog_sha256(files),
        files={name: hashlib.sha256(text.encode()).hexdigest() for name, text in own.items()},
        events=campaign.events(),
        sums=sums,
        mismatches=mismatches,
        simulator=version(YOSYS, "-V"),
        seconds=round(time.perf_counter() - started, 2),
        first_mismatch=first,
        report=report,
    ).saved(report)


def to_words(bits: Bits) -> Words:
    """Return runs, uint8 (n, width), as uint64 (width, ceil(n / 64)); the last word is filled with zeros."""
    return words.to_words(np.pad(bits, ((0, -len(bits) % _LANES), (0, 0))))


def _cases(model: EncoderModel, campaign: Campaign) -> Iterator[tuple[str, str, dict[str, Bits], Bits, int]]:
    """Yield what is told of it, a module, its inputs, the accumulators that it must give, and how many these are."""
    plans, live = plan(model), live_pixels(model)
    for name, used in campaign.models().items():
        every = np.concatenate([phase.events for phase in campaign.phases if phase.settings.name == name]) * live
        for start in range(0, len(every), _CHUNK):
            images = every[start : start + _CHUNK]
            trace: dict[str, IntArray] = {}
            encode_images(used, images, trace)
            x = images.reshape(len(images), -1)
            for p, stage in zip(plans, used.stages, strict=True):
                accumulators = trace[stage.layer.name].reshape(len(images), -1)
                kernel = _kernel(stage)
                for size in p.window_sizes:
                    windows = [w for w in p.windows if len(w.inputs) == size]
                    rows = len(windows) * len(images)
                    operands = {"bias": _repeated(stage.layer.bias, stage.layer.bias_format.width, rows)}
                    if size:
                        given = np.concatenate([x[:, w.inputs] for w in windows])
                        # The windows of one size read different weights where they lie on different edges.
                        loaded = [
                            _repeated(kernel[list(w.weights)], stage.layer.weight.width, len(images)) for w in windows
                        ]
                        operands |= {"x": from_fields(given, stage.in_format.width), "w": np.concatenate(loaded)}
                    wanted = np.concatenate([accumulators[:, w.outputs] for w in windows])
                    module = f"{model.name}_{mac_module(stage, size)}"
                    yield f"weights {name!r}", module, operands, _fields(wanted, stage), wanted.size
                x = trace[stage.requantise.name].reshape(len(images), -1)


def _kernel(stage: Stage) -> IntArray:
    """Return the kernel in the order of the weight image."""
    kernel = stage.layer.kernel
    return (kernel if isinstance(stage.layer, Conv2D) else kernel.T).reshape(-1)


def _repeated(values: IntArray, width: int, count: int) -> Bits:
    return np.repeat(from_fields(values[None], width), count, axis=0)


def _fields(values: IntArray, stage: Stage) -> Bits:
    return from_fields(values, accumulator_format(stage).width)
