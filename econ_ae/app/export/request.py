"""What an export is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.app.export.decoders import OWN
from econ_ae.progress import Progress

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """What is to be exported.

    Parameters
    ----------
    path : directory of a run, a family or a campaign
    out : directory to write
    overwrite : whether an export in ``out`` is replaced
    target : of cmssw
    version : of the emulator library and of the models on the server, from 1
    types : directory of the ap_types headers, for the emulator library; None takes those that hls4ml ships
    decoder : one of ``decoders.DECODERS``
    """

    path: Path
    out: Path
    progress: Progress
    overwrite: bool = False
    target: str = "fork"
    version: int = 1
    types: Path | None = None
    decoder: str = OWN
