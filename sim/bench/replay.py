"""Replays the chip's published autoencoder vectors through the Verilog datapath in Icarus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import encoder_model
from econ_ae.econt.config import Algorithm, EcontConfig
from econ_ae.econt.frame import ETX
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.replay import INPUT, OUTPUT, REGISTERS, Difference, ReplayResult, find, hex_words, used_links
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.econt.words import unpack_codes
from econ_ae.errors import ConfigError, DataError
from rtl_gen.verilog import DATAPATH, VerilogOptions, default_options
from sim.bench.runner import read_records
from sim.bench.vectors import Vectors, vectors
from sim.bench.verify import CAMPAIGN, verify_vectors
from sim.stimulus.buses import from_fields, to_bytes
from sim.stimulus.phases import REAL, Phase
from sim.stimulus.settings import FRAME_WORDS, Settings

_ORBIT_HEADER = 9


def replay_rtl(vectors_dir: Path, configs: Sequence[str] | None, work_dir: Path) -> list[ReplayResult]:
    """Run the Verilog on a directory of vectors and compare every word with the published output.

    Mux, calibration, keep mask, eLinks and weights are the register file's, applied to the ports of the datapath.

    Parameters
    ----------
    vectors_dir : as for ``econ_ae.econt.replay.replay``
    configs : folder names; when None all folders whose algorithm is the autoencoder
    work_dir : the simulation of each goes to a directory of its name

    Returns
    -------
    One result per configuration.

    Raises
    ------
    DataError, RegisterError
        When a file is missing, malformed or wrong.
    ConfigError
        When a named configuration is of another algorithm, which the Verilog does not have.
    ToolMissingError, VerificationError
        When the simulation does not run; a difference is in the result, not an exception.
    """
    directory, names = find(vectors_dir, configs)
    settings = {name: read_config(directory / name / REGISTERS) for name in names}
    others = [name for name, config in settings.items() if config.algorithm is not Algorithm.AUTOENCODER]
    if configs is not None and others:
        raise ConfigError(
            f"{others[0]} is algorithm {settings[others[0]].algorithm.name.lower()}; the Verilog is the autoencoder"
        )
    chosen = [name for name in names if name not in others]
    if not chosen:
        raise DataError(f"{vectors_dir}: no configuration of the autoencoder")
    words = read_input(directory / INPUT)
    return [_one(directory / name, settings[name], words, work_dir / name) for name in chosen]


def chip_datapath(config: EcontConfig) -> tuple[Settings, VerilogOptions]:
    """Return the ports' values and the options of the datapath that a register file describes.

    The number of a mux select is that of an input cell in the numbering of the register file.
    """
    model = encoder_model(config)
    options = replace(default_options(model, DATAPATH), density=config.density)
    return Settings("registers", model, config.mux, config.calibration, model.pack.keep, config.elinks), options


def _one(folder: Path, config: EcontConfig, words: NDArray[np.uint32], work_dir: Path) -> ReplayResult:
    start = time.perf_counter()
    expected = read_output(folder / OUTPUT)
    if len(expected) > len(words):
        raise DataError(f"{folder / OUTPUT}: {len(expected)} rows, but {INPUT} has {len(words)}")
    known = "register file"
    if "elinks" not in config.given:
        config, known = replace(config, elinks=used_links(expected)), "columns that the output uses"
    if config.elinks > FRAME_WORDS:
        config = replace(config, elinks=FRAME_WORDS)  # the autoencoder never fills more
    settings, options = chip_datapath(config)
    words = words[: len(expected)]
    phase = Phase(REAL, settings, unpack_codes(words, config.numbering), words[:, 0] >> 28 == _ORBIT_HEADER)
    phases = list(_published(vectors(settings.model, options, phase.split()), expected))
    result = verify_vectors(settings.model, options, phases, work_dir)
    unused = expected[:, FRAME_WORDS:].any(axis=1)
    difference = _difference(work_dir, expected)
    if difference is None and unused.any():
        row = int(np.argmax(unused))
        difference = Difference(row, hex_words(expected[row]), hex_words(_padded(expected[row, :FRAME_WORDS])))
    equal = max(len(expected) - result.mismatches - int(unused.sum()), 0)
    seconds = time.perf_counter() - start
    return ReplayResult(folder.name, len(expected), equal, config.elinks, known, difference, seconds)


def _published(phases: Iterator[Vectors], expected: NDArray[np.uint32]) -> Iterator[Vectors]:
    """Put the published words in place of the computed outputs."""
    first = 0
    for phase in phases:
        rows = expected[first : first + phase.events, FRAME_WORDS - 1 :: -1].astype(np.int64)
        first += phase.events
        yield replace(phase, outputs={"frame": to_bytes(from_fields(rows, 32))})


def _difference(work_dir: Path, expected: NDArray[np.uint32]) -> Difference | None:
    """Return the first row that differed, with what the Verilog gave."""
    first = 0
    for record in read_records(work_dir / "build" / "events.jsonl", work_dir / "simulator.log"):
        if record["test"] != CAMPAIGN:
            continue
        found = record["first_difference"]
        if found:
            row, bits = first + found["event"], found["got"][0]
            got = tuple(_word(bits[32 * i : 32 * i + 32]) for i in range(FRAME_WORDS))
            return Difference(row, hex_words(expected[row]), (*got, *("0" * 8 for _ in range(ETX - FRAME_WORDS))))
        first += record["events"]
    return None


def _word(bits: str) -> str:
    return f"{int(bits, 2):08x}" if not set(bits) - {"0", "1"} else "unknown"


def _padded(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.concatenate([words, np.zeros(ETX - len(words), np.uint32)])
