"""A campaign as bits: what goes into each port and what must come out, for benches that know nothing of encoders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import VerilogOptions, ports
from sim.stimulus import golden
from sim.stimulus.buses import Bits, to_bytes, to_strings
from sim.stimulus.phases import Phase

_HEADER = "header"


@dataclass(frozen=True, eq=False)
class Vectors:
    """One phase as bits, by port name.

    Parameters
    ----------
    kind, settings : for reports
    configuration : value of every configuration port
    inputs, outputs : uint8 (n, bytes), little-endian rows
    """

    kind: str
    settings: str
    gaps: bool
    configuration: Mapping[str, int]
    inputs: Mapping[str, Bits]
    outputs: Mapping[str, Bits]

    @property
    def events(self) -> int:
        """Number of events."""
        return len(next(iter(self.outputs.values())))

    def first(self, count: int) -> Vectors:
        """Return the first events."""
        inputs, outputs = (
            {name: rows[:count] for name, rows in group.items()} for group in (self.inputs, self.outputs)
        )
        return replace(self, inputs=inputs, outputs=outputs)


def vectors(model: EncoderModel, options: VerilogOptions, phases: Iterable[Phase]) -> Iterator[Vectors]:
    """Compute every phase; the bunch crossings run through the campaign from 0."""
    block = ports(model, options)
    following = 0
    for phase in phases:
        crossing = golden.crossings(phase.bx0, following)
        following = int(crossing[-1] + 1) if len(crossing) else following
        inputs = golden.inputs(model, options, phase.events, phase.bx0)
        outputs = golden.expected(phase.settings, options, phase.events, crossing)
        yield Vectors(
            phase.kind,
            phase.settings.name,
            phase.gaps,
            golden.configuration(phase.settings, block),
            {name: to_bytes(bits) for name, bits in inputs.items()},
            {name: to_bytes(bits) for name, bits in outputs.items()},
        )


def bit_strings(rows: Bits, width: int) -> list[str]:
    """Return byte rows as bit strings, most significant bit first."""
    return to_strings(np.unpackbits(rows, axis=1, bitorder="little")[:, :width])


def save(phases: Iterable[Vectors], path: Path) -> None:
    """Write phases as a NumPy archive."""
    arrays: dict[str, Bits] = {}
    headers = []
    for i, phase in enumerate(phases):
        configuration = {name: hex(value) for name, value in phase.configuration.items()}
        headers.append([phase.kind, phase.settings, phase.gaps, configuration])
        for direction, group in (("in", phase.inputs), ("out", phase.outputs)):
            arrays |= {f"{i}.{direction}.{name}": rows for name, rows in group.items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, header=np.array(json.dumps(headers)), **arrays)


def load(path: Path) -> list[Vectors]:
    """Read what ``save`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        headers = json.loads(str(archive[_HEADER]))
        groups: list[dict[str, dict[str, Bits]]] = [{"in": {}, "out": {}} for _ in headers]
        for key in archive.files:
            if key != _HEADER:
                i, direction, name = key.split(".")
                groups[int(i)][direction][name] = archive[key]
    return [
        Vectors(
            kind,
            settings,
            gaps,
            {name: int(value, 16) for name, value in configuration.items()},
            group["in"],
            group["out"],
        )
        for (kind, settings, gaps, configuration), group in zip(headers, groups, strict=True)
    ]
