"""`econ-ae export --format onnx`: encoder, decoder and, where there is one, the encoder as QONNX."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from econ_ae.app.export.decoders import check_decoder
from econ_ae.app.export.interface import interface, page
from econ_ae.app.export.networks import Compared, Networks, Runs, compare, encoders, networks_of
from econ_ae.app.export.package import check_out, origins, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.run.context import Context
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec
from econ_ae.tensor.onnx import OPSET, require_onnx, to_onnx
from econ_ae.tensor.onnx_runtime import OnnxModel, require_runtime
from econ_ae.tensor.qonnx import qonnx_problem, to_qonnx

FORMAT = "onnx"
ENCODER, FROM_CHARGES, DECODER, QONNX = "encoder.onnx", "encoder_from_charges.onnx", "decoder.onnx", "encoder.qonnx"
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
    check_decoder(request.decoder)
    check_out(request.out, overwrite=request.overwrite)
    members = encoders(request.path, request.progress)
    with written(request.out, overwrite=request.overwrite) as folder:
        found = []
        for name, context in members.items():
            request.progress.say(f"ONNX models of {name}, compared on its report events")
            found.append(_member(name, context, request.decoder, folder if len(members) == 1 else folder / name))
        facts = origins(members, request.decoder)
        write_json(folder / "verification.json", [asdict(one) for one in found])
        write_manifest(folder, FORMAT, {"opset": OPSET, "runs": facts})
    return [one.row() for one in found]


def _member(name: str, context: Context, decoded_by: str, folder: Path) -> Compared:
    networks = networks_of(context, decoded_by)
    files = graphs(networks)
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    ready: dict[str, Runs] = {file: OnnxModel((folder / file).read_bytes()) for file in files if file != QONNX}
    decoder = ready.pop(DECODER)
    found = compare(name, context, networks, ready, decoder)
    found.check()
    described = {file: _WHAT[file] for file in files}
    if networks.encoder is not None and QONNX not in files:
        described["(no QONNX)"] = qonnx_problem(networks.model) or ""
    write_json(folder / "interface.json", interface(networks))
    write_text(folder / "README.md", page(f"ONNX models, opset {OPSET}", networks, found, described))
    return found


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
