"""`econ-ae export --format triton`: the model repository, a client, and what starts a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.decoders import OWN, delivered_name, receiver_of
from econ_ae.app.export.frames import conditions, frame_words, frames, told
from econ_ae.app.export.networks import Arrays, Compared, Networks, compare, encoders, networks_of
from econ_ae.app.export.package import check_out, origins, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.export.triton.repository import BATCH, BY_LINKS, by_links_problem, render, repository
from econ_ae.app.export.triton.server.frames import unpack
from econ_ae.app.run.context import Context
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError
from econ_ae.files import read_json, write_json, write_text
from econ_ae.progress import Progress
from econ_ae.tensor.onnx import require_onnx
from econ_ae.tensor.onnx_runtime import OnnxModel, require_runtime

FORMAT = "triton"
MODELS = "models"
_HERE = Path(__file__).parent


def export(request: Request) -> Rows:
    """Write the model repository of a run, or of all runs of a family or campaign together; return what was compared.

    Raises
    ------
    ConfigError, RunDirectoryError, ModelError, ToolMissingError, VerificationError
        As ``export.onnx.export``.
    """
    require_onnx()
    require_runtime()
    check_out(request.out, overwrite=request.overwrite)
    members = encoders(request.path, request.progress)
    if len(members) == 1:
        members = {context.model().name: context for context in members.values()}
    with written(request.out, overwrite=request.overwrite) as folder:
        request.progress.say("frames of the report events, as the server unpacks and decodes them")
        found = write(folder, members, request.version, request.decoder, request.progress)
    return [one.row() for one in found]


def write(
    folder: Path, members: Mapping[str, Context], version: int, decoder: str = OWN, progress: Progress | None = None
) -> list[Compared]:
    """Write the decoders of runs, by their names on the server, into an empty folder; return what was compared.

    Parameters
    ----------
    decoder : one of ``decoders.DECODERS``; the second ones are called ``NAME_unconditional``
    progress : is told what the repository has not

    Raises
    ------
    ConfigError, RunDirectoryError
        As ``decoders.receiver_of`` and ``repository``.
    VerificationError
        When code or graph of the server do not compute what the runs do.
    """
    named = {delivered_name(name, context, receiver_of(context, decoder)): context for name, context in members.items()}
    if len(named) < len(members):
        raise ConfigError(
            f"{', '.join(members)} would not have names of their own on the server; give them other names"
        )
    decoders = {name: networks_of(context, decoder) for name, context in named.items()}
    files = repository(decoders, version)
    for file, content in files.items():
        (folder / MODELS / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / MODELS / file).write_bytes(content)
    found = [_compare(name, context, decoders[name], folder, version) for name, context in named.items()]
    for one in found:
        one.check()
    problem = by_links_problem(decoders)
    if problem is not None and progress is not None:
        progress.say(f"warning: {problem}; ask every decoder by its name")
    _write_texts(folder, decoders, found, by_links=f"{BY_LINKS}/config.pbtxt" in files, problem=problem)
    write_json(folder / "verification.json", [asdict(one) for one in found])
    models = sorted({Path(f).parts[0] for f in files})
    write_manifest(folder, FORMAT, {"models": models, "no_by_links": problem, "runs": origins(named, decoder)})
    return found


def events(networks: Networks, rows: Batch) -> dict[str, Any]:
    """Return the inputs of a decoder on the server by name: ``frame``, uint32 (n, words), and conditions, float32."""
    words = frames(networks.model, rows.charges, np.zeros(len(rows), np.int64))
    return {"frame": words, **told(conditions(networks.decoder), rows)}


@dataclass(frozen=True)
class _Served:
    """A decoder as the server runs it: its own code unpacks the frames."""

    layout: dict[str, Any]
    graph: OnnxModel

    def run(self, given: Arrays) -> dict[str, NDArray[Any]]:
        """Return ``fractions`` and ``charges`` of ``frame`` and conditions."""
        known = {name: values for name, values in given.items() if name != "frame"}
        return self.graph.run({**unpack(self.layout, given["frame"]), **known})


def _compare(name: str, context: Context, networks: Networks, folder: Path, version: int) -> Compared:
    layout = read_json(folder / MODELS / f"{name}_frame" / str(version) / "frame.json")
    graph = OnnxModel((folder / MODELS / f"{name}_decoder" / str(version) / "decoder.onnx").read_bytes())
    return compare(name, context, networks, {}, _Served(layout, graph), given=lambda rows: events(networks, rows))


def _write_texts(
    folder: Path, decoders: Mapping[str, Networks], found: list[Compared], *, by_links: bool, problem: str | None
) -> None:
    table = [
        {
            "name": name,
            "words": frame_words(n.model),
            "elinks": n.model.elinks,
            "conditions": conditions(n.decoder),
            "second": n.second,
        }
        for name, n in decoders.items()
    ]
    words = max(frame_words(n.model) for n in decoders.values())
    cells = next(iter(decoders.values())).model.input.cells
    facts = {"by_links": by_links, "no_by_links": problem, "words": words, "cells": cells, "batch": BATCH}
    write_text(folder / "README.md", render("README.md", decoders=table, found=found, **facts))
    write_text(folder / "start-server", render("start-server"))
    (folder / "start-server").chmod(0o755)
    write_text(folder / "client.py", (_HERE / "server" / "client.py").read_text(encoding="utf-8"))
    write_text(folder / "serve-requirements.txt", render("serve-requirements.txt"))
