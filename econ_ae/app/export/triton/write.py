"""`econ-ae export --format triton`: the model repository, a client, and what starts a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.export.emulator.sources import frame_words
from econ_ae.app.export.networks import Compared, Networks, chunks, encoders, networks_of
from econ_ae.app.export.package import Origin, check_out, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.export.triton.repository import BATCH, BY_LINKS, conditions, render, repository
from econ_ae.app.export.triton.server.frames import unpack
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.econt import cell_frame
from econ_ae.econt.autoencoder import pack_latents, sum_code
from econ_ae.emulator import encode, encode_pulses
from econ_ae.files import read_json, write_json, write_text
from econ_ae.ir.model import EncoderModel
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
        found = write(folder, members, request.version)
    return [one.row() for one in found]


def write(folder: Path, members: Mapping[str, Context], version: int) -> list[Compared]:
    """Write the decoders of runs, by their names on the server, into an empty folder; return what was compared.

    Raises
    ------
    VerificationError
        When code or graph of the server do not compute what the runs do.
    """
    decoders = {name: networks_of(context) for name, context in members.items()}
    files = repository(decoders, version)
    for file, content in files.items():
        (folder / MODELS / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / MODELS / file).write_bytes(content)
    found = [_compare(name, context, decoders[name], folder, version) for name, context in members.items()]
    for one in found:
        one.check()
    _write_texts(folder, decoders, found, by_links=f"{BY_LINKS}/config.pbtxt" in files)
    facts = {name: Origin(context, context.path(TRAINING)).facts() for name, context in members.items()}
    write_json(folder / "verification.json", [asdict(one) for one in found])
    write_manifest(folder, FORMAT, {"models": sorted({Path(f).parts[0] for f in files}), "runs": facts})
    return found


def events(networks: Networks, rows: Batch) -> dict[str, Any]:
    """Return the inputs of a decoder on the server by name: ``frame``, uint32 (n, words), and conditions, float32."""
    known = {name: np.asarray(rows.metadata[DEFINITIONS[name].column], np.float32)[:, None]
             for name in conditions(networks)}  # fmt: skip
    words = _frames(networks.model, rows)[:, : frame_words(networks.model)]
    return {"frame": np.ascontiguousarray(words), **known}


def _frames(model: EncoderModel, rows: Batch) -> Any:
    crossing = np.zeros(len(rows), np.int64)
    if model.sends_cells:
        return cell_frame.frames(model, encode_pulses(model, rows.charges), rows.charges, crossing)
    pack = model.pack
    codes = sum_code(rows.charges)
    latents = encode(model, rows.charges)
    return pack_latents(latents, codes, crossing, pack.keep, elinks=pack.elinks, width=model.latent.width)


def _compare(name: str, context: Context, networks: Networks, folder: Path, version: int) -> Compared:
    layout = read_json(folder / MODELS / f"{name}_frame" / str(version) / "frame.json")
    decoder = OnnxModel((folder / MODELS / f"{name}_decoder" / str(version) / "decoder.onnx").read_bytes())
    batch = context.rows("report")
    expected, worst, start = reconstruct(context, networks.model, batch).charges, 0.0, 0
    for part in chunks(batch):
        own = np.asarray(expected[start : start + len(part)])
        start += len(part)
        given = events(networks, part)
        received = unpack(layout, given.pop("frame"))
        charges = decoder.run({**received, **given})["charges"].astype(np.float64)
        worst = float(np.max([worst, (np.abs(charges - own) / np.maximum(received["sum"], 1.0)).max()]))
    return Compared(name, len(batch), None, worst)


def _write_texts(folder: Path, decoders: Mapping[str, Networks], found: list[Compared], *, by_links: bool) -> None:
    table = [
        {"name": name, "words": frame_words(n.model), "elinks": n.model.elinks, "conditions": conditions(n)}
        for name, n in decoders.items()
    ]
    words = max(frame_words(n.model) for n in decoders.values())
    cells = next(iter(decoders.values())).model.input.cells
    page = render("README.md", decoders=table, found=found, by_links=by_links, words=words, cells=cells, batch=BATCH)
    write_text(folder / "README.md", page)
    write_text(folder / "start-server", render("start-server"))
    (folder / "start-server").chmod(0o755)
    write_text(folder / "client.py", (_HERE / "server" / "client.py").read_text(encoding="utf-8"))
    write_text(folder / "serve-requirements.txt", render("serve-requirements.txt"))
