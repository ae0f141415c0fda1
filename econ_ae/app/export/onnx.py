"""`econ-ae export --format onnx`: encoder, decoder and, where there is one, the encoder as QONNX."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from econ_ae.app.export.interface import interface, page
from econ_ae.app.export.networks import Compared, Networks, Runs, compare, encoders, images_of, networks_of
from econ_ae.app.export.package import check_out, origins, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.run.context import Context
from econ_ae.emulator import encode
from econ_ae.errors import VerificationError
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec
from econ_ae.tensor.onnx import OPSET, require_onnx, to_onnx
from econ_ae.tensor.onnx_runtime import OnnxModel, require_runtime
from econ_ae.tensor.qonnx import qonnx_problem, to_qonnx
from econ_ae.tensor.qonnx_run import QonnxModel, has_qonnx

FORMAT = "onnx"
ENCODER, FROM_CHARGES, DECODER, QONNX = "encoder.onnx", "encoder_from_charges.onnx", "decoder.onnx", "encoder.qonnx"
QONNX_EVENTS = 500
"""Most report events that the qonnx package is given: it takes some milliseconds for each."""
NOT_EXECUTED = "not executed here: the qonnx package is not installed (pip install qonnx==1.0.0)"
_WHAT = {
    ENCODER: "the encoder behind its normaliser: `image` to `latents`, exact in float32",
    FROM_CHARGES: "the same with the normaliser in front: `charges`, int64 (n, cells), to `latents`",
    DECODER: "the receiver: what a frame says, unpacked, to charges",
    QONNX: "the encoder with the bits of weights and activations (QONNX, batch 1)",
}


def export(request: Request) -> Rows:
    """Write the ONNX models of a run, or of every run of a family or campaign; return what was compared.

    Raises
    ------
    ConfigError, RunDirectoryError
        When ``out`` is there and may not be replaced, or a run is damaged.
    ModelError
        When float32 cannot hold the encoder's integers, or a layer of the decoder cannot be exported.
    ToolMissingError
        When onnx or ONNX Runtime is not installed.
    VerificationError
        When a model does not compute what the run does; nothing is written then.
    """
    require_onnx()
    require_runtime()
    check_out(request.out, overwrite=request.overwrite)
    members = encoders(request.path, request.progress)
    with written(request.out, overwrite=request.overwrite) as folder:
        found = []
        for name, context in members.items():
            request.progress.say(f"ONNX models of {name}, compared on its report events")
            found.append(_member(name, context, request, folder if len(members) == 1 else folder / name))
        if any(quantised is not None and quantised.problem for _, quantised in found):
            request.progress.say(f"warning: {QONNX} was {NOT_EXECUTED}")
        compared = [asdict(one) | {"qonnx": quantised and asdict(quantised)} for one, quantised in found]
        write_json(folder / "verification.json", compared)
        facts = {
            "opset": OPSET,
            "qonnx": {one.name: quantised and quantised.text for one, quantised in found},
            "runs": origins(members, request.decoder),
        }
        write_manifest(folder, FORMAT, facts)
    return [
        one.row() | {"QONNX latents that differ": "no QONNX" if quantised is None else quantised.cell}
        for one, quantised in found
    ]


@dataclass(frozen=True)
class Quantised:
    """What the qonnx package computed with ``encoder.qonnx``.

    Parameters
    ----------
    events : report events that it was given, evenly spread over all
    differ : latents that are not the integer model's
    problem : why it was not executed, or empty
    """

    events: int
    differ: int
    problem: str = ""

    @property
    def cell(self) -> int | str:
        """What a table says."""
        return "not executed" if self.problem else self.differ

    @property
    def text(self) -> str:
        """The facts as a part of a sentence."""
        if self.problem:
            return self.problem
        return f"executed by the qonnx package on {self.events} report events: {self.differ} latents differ"


def _member(name: str, context: Context, request: Request, folder: Path) -> tuple[Compared, Quantised | None]:
    networks = networks_of(context, request.decoder)
    files = graphs(networks)
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    ready: dict[str, Runs] = {file: OnnxModel((folder / file).read_bytes()) for file in files if file != QONNX}
    decoder = ready.pop(DECODER)
    found = compare(name, context, networks, ready, decoder)
    found.check()
    quantised = executed(name, context, (folder / QONNX).read_bytes()) if QONNX in files else None
    described = {file: _WHAT[file] for file in files}
    if quantised is not None:
        described[QONNX] += f"; {quantised.text}"
    elif networks.encoder is not None:
        described["(no QONNX)"] = qonnx_problem(networks.model) or ""
    write_json(folder / "interface.json", interface(networks))
    write_text(folder / "README.md", page(f"ONNX models, opset {OPSET}", networks, found, described))
    return found, quantised


def executed(name: str, context: Context, content: bytes) -> Quantised:
    """Return how a QONNX model of a run's encoder compares with the integer model, bit for bit.

    Raises
    ------
    VerificationError
        When a latent differs.
    """
    if not has_qonnx():
        return Quantised(0, 0, NOT_EXECUTED)
    model, batch = context.model(), context.rows("report")
    rows = batch[np.unique(np.linspace(0, len(batch) - 1, min(len(batch), QONNX_EVENTS)).round().astype(int))]
    found = QonnxModel(content).run(images_of(model, rows))["latents"].astype(np.float64) * 2.0**model.latent.fraction
    differ = int((found != encode(model, rows.charges)).sum())
    if differ:
        raise VerificationError(f"{name}: {differ} latents of {QONNX} differ from the integer model")
    return Quantised(len(rows), differ)


def graphs(networks: Networks) -> dict[str, bytes]:
    """Return the ONNX models of a run, serialised, by file name."""
    model = networks.model
    facts = {"econ_ae.model": model.name, "econ_ae.model_sha256": codec.sha256(model)}
    files = {DECODER: to_onnx(networks.decoder, facts, f"decoder of {model.name}")}
    if networks.encoder is not None:
        doc = f"encoder {model.name}, exact in float32"
        files[ENCODER] = to_onnx(networks.encoder, facts, doc)
        files[FROM_CHARGES] = to_onnx(networks.encoder, facts, doc, charges_of=model)
        if qonnx_problem(model) is None:
            files[QONNX] = to_qonnx(model, facts, f"encoder {model.name}")
    return files
