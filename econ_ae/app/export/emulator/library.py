"""Writes an emulator library, builds it, and lets its test program encode and decode all report events."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae import process
from econ_ae.app.export.emulator.sources import frame_words, render, sources
from econ_ae.app.export.networks import BOUND, Networks, encoders, networks_of
from econ_ae.app.export.package import Origin, check_out, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.econt import cell_frame
from econ_ae.econt.autoencoder import pack_latents, sum_code
from econ_ae.emulator import encode, encode_pulses
from econ_ae.errors import ToolError, VerificationError
from econ_ae.files import write_text
from econ_ae.ir.model import EncoderModel
from econ_ae.process import GXX
from rtl_gen.hls import VITIS
from sim.hls.toolchain import find_types, require_compiler

FORMAT = "emulator"
SHOWN = 200
"""Report events that stay in the library for `make check`."""
_TIMEOUT = 3600.0
_CROSSINGS = 3564
_FOUND = re.compile(r"events (\d+) frames that differ (\d+) largest difference (\S+)")
_RATES = re.compile(r"encoded (\d+) events/s decoded (\d+) events/s")


@dataclass(frozen=True)
class Built:
    """What the test program of a library found.

    Parameters
    ----------
    name : of the library
    events : report events that were encoded and decoded
    differ : frames that are not the integer model's
    largest : difference of a charge from our decoder's, as a share of the module sum
    encoded, decoded : events per second
    """

    name: str
    events: int
    differ: int
    largest: float
    encoded: int
    decoded: int

    def row(self) -> dict[str, Any]:
        """Return the facts as a table row."""
        return {
            "library": self.name,
            "events": self.events,
            "frames that differ": self.differ,
            "largest difference of a charge / module sum": f"{self.largest:.1e}",
            "encoded, events/s": self.encoded,
            "decoded, events/s": self.decoded,
        }


def export(request: Request) -> Rows:
    """Write the library of a run, or one for every run of a family or campaign; return what was compared.

    ``out`` holds a folder ``NAME_vN`` each.

    Raises
    ------
    ConfigError, RunDirectoryError
        When ``out`` is there and may not be replaced, or a run is damaged.
    ToolMissingError
        When g++, make or the headers are missing.
    VerificationError
        When it does not compile, or computes something else than the run; nothing is written then.
    """
    require_compiler()
    process.require("make")
    types = find_types(VITIS, request.types)
    check_out(request.out, overwrite=request.overwrite)
    members = encoders(request.path, request.progress)
    names = library_names({name: context.model().name for name, context in members.items()}, request.version)
    with written(request.out, overwrite=request.overwrite) as folder:
        found = []
        for name, context in members.items():
            request.progress.say(f"library of {name}: written, built, run on its report events")
            found.append(_member(context, folder, names[name], types))
        facts = {name: Origin(context, context.path(TRAINING)).facts() for name, context in members.items()}
        write_manifest(folder, FORMAT, {"libraries": [one.name for one in found], "runs": facts})
    return [one.row() for one in found]


def library_names(models: Mapping[str, str], version: int) -> dict[str, str]:
    """Return ``NAME_vN`` of every run: the name of its model, and where several have the same, of the run as well."""
    found = {}
    for run, model in models.items():
        shared = list(models.values()).count(model) > 1
        name = f"{model}_{re.sub(r'[^0-9A-Za-z]', '_', run)}" if shared else model
        found[run] = f"{name}_v{version}"
    return found


def _member(context: Context, out: Path, name: str, types: Path) -> Built:
    networks = networks_of(context)
    folder = out / name
    for file, text in sources(networks, name).items():
        write_text(folder / file, text)
    rows = context.rows("report")
    lines = events(context, networks, rows)
    write_text(folder / "data" / "events.txt", "".join(lines[:SHOWN]))
    with tempfile.TemporaryDirectory(prefix="econ-ae-emulator-") as scratch:
        found = built(folder, name, lines, types, Path(scratch))
    check(found)
    facts = {"name": name, "model": networks.model.name, "sends_cells": networks.model.sends_cells}
    write_text(folder / "README.md", render("README.md", found=found, bound=f"{BOUND:g}", shown=SHOWN, **facts))
    return found


def check(found: Built) -> None:
    """Raise VerificationError when a library compared nothing or found a difference."""
    if not found.events:
        raise VerificationError(f"{found.name}: there are no report events, so nothing was compared")
    if found.differ or not found.largest <= BOUND:
        raise VerificationError(
            f"{found.name}: {found.differ} of {found.events} frames differ from the integer model, charges by "
            f"{found.largest:.1e} of the module sum; expected 0, and at most {BOUND:.0e}"
        )


def built(folder: Path, name: str, lines: list[str], types: Path, scratch: Path) -> Built:
    """Build the sources of ``folder`` in ``scratch`` and run the test program on events; return what it found.

    Raises
    ------
    VerificationError
        When it does not compile, or the program gives no result.
    """
    for source in folder.iterdir():
        if source.is_file():
            (scratch / source.name).write_bytes(source.read_bytes())
    (scratch / "events.txt").write_text("".join(lines), encoding="ascii")
    log = scratch / "make.log"
    try:
        process.run(["make", "all", "test", f"AP_TYPES={types}", f"CXX={GXX}"], log, timeout=_TIMEOUT)
    except ToolError as problem:
        text = log.read_text(encoding="utf-8", errors="replace")
        line = next((one for one in text.splitlines() if "error" in one), str(problem))
        raise VerificationError(f"{name} does not compile: {line.strip()}") from problem
    log = scratch / "test.log"
    try:
        process.run([str(scratch / "test"), str(scratch), str(scratch / "events.txt")], log, timeout=_TIMEOUT)
    except ToolError as problem:  # the program says by its exit code that it found a difference
        if not _FOUND.search(log.read_text(encoding="utf-8")):
            raise VerificationError(f"{name}: {log.read_text(encoding='utf-8').strip() or problem}") from problem
    text = log.read_text(encoding="utf-8")
    numbers, rates = _FOUND.search(text), _RATES.search(text)
    if numbers is None or rates is None:
        raise VerificationError(f"{name}: the test program gave no result")
    return Built(name, int(numbers[1]), int(numbers[2]), float(numbers[3]), int(rates[1]), int(rates[2]))


def events(context: Context, networks: Networks, rows: Batch) -> list[str]:
    """Return a line per event for the test program: crossing, charges, conditions, frame, decoded charges."""
    model = networks.model
    crossing = np.arange(len(rows)) % _CROSSINGS
    frames = _frames(model, rows, crossing)[:, : frame_words(model)]
    own = np.asarray(reconstruct(context, model, rows).charges)
    names = [value.name for value in networks.decoder.inputs if value.name in DEFINITIONS]
    known = [np.asarray(rows.metadata[DEFINITIONS[name].column], np.float32) for name in names]
    lines = []
    for i in range(len(rows)):
        conditions = [f"{values[i]:.9g}" for values in known]
        numbers = [str(crossing[i]), *map(str, rows.charges[i]), *conditions, *map(str, frames[i])]
        lines.append(" ".join([*numbers, *(f"{charge:.9g}" for charge in own[i])]) + "\n")
    return lines


def _frames(model: EncoderModel, rows: Batch, crossing: Any) -> Any:
    if model.sends_cells:
        return cell_frame.frames(model, encode_pulses(model, rows.charges), rows.charges, crossing)
    pack = model.pack
    latents = encode(model, rows.charges)
    codes = sum_code(rows.charges)
    return pack_latents(latents, codes, crossing, pack.keep, elinks=pack.elinks, width=model.latent.width)
