"""Writes an emulator library, builds it, and lets its test program encode and decode all report events."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae import process
from econ_ae.app.export.decoders import delivered_name, receiver_of
from econ_ae.app.export.emulator.sources import render, sources
from econ_ae.app.export.frames import conditions, frames, told
from econ_ae.app.export.interface import SECOND
from econ_ae.app.export.networks import BOUND, Networks, encoders, networks_of, received
from econ_ae.app.export.package import check_out, origins, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.data.batch import Batch
from econ_ae.emulator import encode
from econ_ae.errors import ConfigError, ToolError, VerificationError
from econ_ae.files import write_text
from econ_ae.process import GXX
from rtl_gen.hls import VITIS
from sim.hls.toolchain import find_types, require_compiler

FORMAT = "emulator"
SHOWN = 200
"""Report events that stay in the library for `make check`."""
_TIMEOUT = 3600.0
_CROSSINGS = 3564
_NUMBERS = re.compile(
    r"events (\d+) frames that differ (\d+) latents that differ (\d+) fractions or sums that differ (\d+)\n"
    r"largest difference (\S+)\n"
    r"encoded (\d+) events/s decoded (\d+) events/s"
)


@dataclass(frozen=True)
class Built:
    """What the test program of a library found.

    Parameters
    ----------
    name : of the library
    events : report events that were encoded and decoded
    differ : frames that are not the integer model's
    latents : events with latents that are not
    fractions : events with another module sum than the frame says, or fractions that do not belong to the charges
    largest : difference of a charge from our decoder's, as a share of the module sum
    encoded, decoded : events per second
    """

    name: str
    events: int
    differ: int
    latents: int
    fractions: int
    largest: float
    encoded: int
    decoded: int

    @property
    def right(self) -> bool:
        """Whether something was compared and nothing differs."""
        return bool(self.events) and not (self.differ or self.latents or self.fractions) and self.largest <= BOUND

    def row(self) -> dict[str, Any]:
        """Return the facts as a table row."""
        return {
            "library": self.name,
            "events": self.events,
            "frames that differ": self.differ,
            "latents that differ": self.latents,
            "fractions that differ": self.fractions,
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
    models = {
        name: delivered_name(context.model().name, context, receiver_of(context, request.decoder))
        for name, context in members.items()
    }
    names = library_names(models, request.version)
    with written(request.out, overwrite=request.overwrite) as folder:
        found = []
        for name, context in members.items():
            request.progress.say(f"library of {name}: written, built, run on its report events")
            found.append(_member(context, networks_of(context, request.decoder), folder, names[name], types))
        runs = origins(members, request.decoder)
        write_manifest(folder, FORMAT, {"libraries": [one.name for one in found], "runs": runs})
    return [one.row() for one in found]


def library_names(models: Mapping[str, str], version: int) -> dict[str, str]:
    """Return ``NAME_vN`` of every run: the name of its model, and where several have the same, of the run as well.

    Raises
    ------
    ConfigError
        When two would have the same name all the same.
    """
    found: dict[str, str] = {}
    for run, model in models.items():
        shared = list(models.values()).count(model) > 1
        name = f"{model}_{re.sub(r'[^0-9A-Za-z]', '_', run)}" if shared else model
        library = f"{name}_v{version}"
        other = next((known for known, taken in found.items() if taken == library), None)
        if other is not None:
            raise ConfigError(f"{other} and {run} would both be the library {library}; give one of them another name")
        found[run] = library
    return found


def _member(context: Context, networks: Networks, out: Path, name: str, types: Path) -> Built:
    folder = out / name
    for file, text in sources(networks, name).items():
        write_text(folder / file, text)
    lines = events(context, networks, context.rows("report"))
    write_text(folder / "data" / "events.txt", "".join(lines[:SHOWN]))
    with tempfile.TemporaryDirectory(prefix="econ-ae-emulator-") as scratch:
        found = built(folder, name, lines, types, Path(scratch))
    check(found)
    facts = {"name": name, "model": networks.model.name, "sends_cells": networks.model.sends_cells}
    facts |= {"second": networks.second, "second_text": SECOND}
    write_text(folder / "README.md", render("README.md", found=found, bound=f"{BOUND:g}", shown=SHOWN, **facts))
    return found


def check(found: Built) -> None:
    """Raise VerificationError when a library compared nothing or found a difference."""
    if not found.events:
        raise VerificationError(f"{found.name}: there are no report events, so nothing was compared")
    if not found.right:
        raise VerificationError(
            f"{found.name}: {found.differ} of {found.events} frames differ from the integer model, latents of "
            f"{found.latents}, sums or fractions of {found.fractions}, charges by {found.largest:.1e} of the module "
            f"sum; expected 0, 0, 0, and at most {BOUND:.0e}"
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
    passed = True
    try:
        process.run([str(scratch / "test"), str(scratch), str(scratch / "events.txt")], log, timeout=_TIMEOUT)
    except ToolError:  # the program says by its exit code that it found a difference
        passed = False
    return judged(name, log.read_text(encoding="utf-8"), passed=passed)


def judged(name: str, text: str, *, passed: bool) -> Built:
    """Return what a test program printed.

    Parameters
    ----------
    name : of the library
    text : all that it printed
    passed : whether its exit code was 0

    Raises
    ------
    VerificationError
        When it printed no result, or another one than its exit code says.
    """
    numbers = _NUMBERS.search(text)
    if numbers is None:
        raise VerificationError(f"{name}: the test program gave no result: {' '.join(text.split()) or 'it was silent'}")
    count, frame, latents, fractions, largest, encoded, decoded = numbers.groups()
    counts = int(count), int(frame), int(latents), int(fractions)
    found = Built(name, *counts, float(largest), int(encoded), int(decoded))
    if found.right != passed:
        says = "success" if passed else "a difference"
        raise VerificationError(f"{name}: the test program's exit code says {says}, and it printed: {numbers[0]}")
    return found


def events(context: Context, networks: Networks, rows: Batch) -> list[str]:
    """Return a line per event for the test program.

    Crossing, charges, conditions, frame, latents or whether the event is without loss, module sum, decoded charges.
    """
    model = networks.model
    crossing = np.arange(len(rows)) % _CROSSINGS
    said = received(context, model, rows, networks.receiver)
    own = np.asarray(reconstruct(context, model, rows, networks.receiver).charges)
    sent = said["exact"].astype(np.int64) if model.sends_cells else encode(model, rows.charges)
    columns = [
        _texts(crossing[:, None], "d"),
        _texts(rows.charges, "d"),
        *(_texts(values, ".9g") for values in told(conditions(networks.decoder), rows).values()),
        _texts(frames(model, rows.charges, crossing), "d"),
        _texts(sent, "d"),
        _texts(said["sum"], ".9g"),
        _texts(own, ".9g"),
    ]
    return [" ".join(parts) + "\n" for parts in zip(*columns, strict=True)]


def _texts(values: NDArray[Any], form: str) -> list[str]:
    """Return the numbers of every row, (n, m), as a text."""
    return [" ".join(format(value, form) for value in row) for row in values.tolist()]
