"""`econ-ae export --format savedmodel`: encoder and decoder as TensorFlow SavedModels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from econ_ae.app.export.interface import interface, page
from econ_ae.app.export.networks import Compared, Runs, compare, encoders, networks_of
from econ_ae.app.export.package import check_out, origins, write_manifest, written
from econ_ae.app.export.request import Request, Rows
from econ_ae.app.run.context import Context
from econ_ae.files import write_json, write_text

FORMAT = "savedmodel"
ENCODER, DECODER = "encoder", "decoder"
_WHAT = {
    ENCODER: "the encoder behind its normaliser: `image` to `latents`, exact in float32",
    DECODER: "the receiver: what a frame says, unpacked, to charges",
}


def export(request: Request) -> Rows:
    """Write the SavedModels of a run, or of every run of a family or campaign; return what was compared.

    Raises
    ------
    ConfigError, RunDirectoryError, ModelError, VerificationError
        As ``export.onnx.export``.
    """
    check_out(request.out, overwrite=request.overwrite)
    members = encoders(request.path, request.progress)
    with written(request.out, overwrite=request.overwrite) as folder:
        found = []
        for name, context in members.items():
            request.progress.say(f"SavedModels of {name}, compared on its report events")
            found.append(_member(name, context, request.decoder, folder if len(members) == 1 else folder / name))
        facts = origins(members, request.decoder)
        write_json(folder / "verification.json", [asdict(one) for one in found])
        write_manifest(folder, FORMAT, {"runs": facts})
    return [one.row() for one in found]


def _member(name: str, context: Context, decoded_by: str, folder: Path) -> Compared:
    from econ_ae.training.export.saved import SavedModel, save

    networks = networks_of(context, decoded_by)
    programs = {DECODER: networks.decoder} | ({} if networks.encoder is None else {ENCODER: networks.encoder})
    for file, program in programs.items():
        save(program, folder / file)
    ready: dict[str, Runs] = {file: SavedModel(folder / file) for file in programs}
    decoder = ready.pop(DECODER)
    found = compare(name, context, networks, ready, decoder)
    found.check()
    write_json(folder / "interface.json", interface(networks))
    described = {f"{file}/": _WHAT[file] for file in programs}
    write_text(folder / "README.md", page("TensorFlow SavedModels", networks, found, described))
    return found
